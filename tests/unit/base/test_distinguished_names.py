"""Distinguished names: text to DER and back."""

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base import distinguished_names as dn


def test_der_agrees_with_an_x509_library():
    text = "C=CH, ST=Zürich, O=Lab, OU=a b, CN=moon, E=m@x, serialNumber=7, DC=org"
    name = x509.Name.from_rfc4514_string(
        "DC=org,2.5.4.5=7,1.2.840.113549.1.9.1=m@x,CN=moon,OU=a b,O=Lab,ST=Zürich,C=CH"
    )
    assert [(rdn.oid, rdn.text()) for rdn in dn.parse_der(dn.parse_text(text))] == [
        (attribute.oid.dotted_string, attribute.value) for attribute in name
    ]


def test_names_of_other_string_types_compare_by_their_text():
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "moon", x509.name._ASN1Type.BMPString)])
    assert dn.match(name.public_bytes(), dn.parse_text("CN=Moon")) == 0


def test_long_values_and_oids_survive():
    text = "CN=" + "x" * 300 + ", 1.3.6.1.4.1.311.20.2=y"
    assert dn.to_text(dn.parse_text(text)) == text


def test_too_many_attributes_are_refused():
    with pytest.raises(ValueError, match="more than"):
        dn.parse_der(dn.parse_text(", ".join(["CN=x"] * (dn.MAX_RDNS + 1))))


@pytest.mark.parametrize(
    "der",
    [
        "",  # nothing
        "30",  # no length
        "3005",  # body missing
        "3080",  # indefinite length
        "308500000000",  # length of more than four octets
        "300000",  # trailing octet
        "3002310031",  # trailing octet behind a name
        "30023000",  # SEQUENCE where a SET belongs
        "300431023100",  # SET inside a SET
        "300431023000",  # attribute without a value
        "3009310730050600 0c0131",  # empty OID
        "30093107300504000c0131",  # OCTET STRING for an OID
    ],
)
def test_broken_der_is_a_value_error(der):
    with pytest.raises(ValueError, match=r"."):
        dn.parse_der(bytes.fromhex(der))


@given(st.binary(max_size=120))
def test_no_octets_raise_anything_but_a_value_error(octets):
    try:
        rdns = dn.parse_der(octets)
    except ValueError:
        return
    assert len(rdns) <= dn.MAX_RDNS
    assert isinstance(dn.to_text(octets), str)
