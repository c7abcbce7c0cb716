"""Identities: parsing, printing, matching (RFC 7296, 3.5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.identities import ANY, NULL, Identity, IdType


@pytest.mark.parametrize(
    ("text", "kind", "data"),
    [
        ("%any", IdType.ANY, b""),
        ("0.0.0.0", IdType.ANY, b""),
        ("", IdType.ANY, b""),
        ("%null", IdType.NULL, b""),
        ("10.0.0.1", IdType.IPV4, bytes((10, 0, 0, 1))),
        ("fec0::1", IdType.IPV6, bytes.fromhex("fec0" + "00" * 13 + "01")),
        ("moon.example.org", IdType.FQDN, b"moon.example.org"),
        ("@moon", IdType.FQDN, b"moon"),
        ("carol@example.org", IdType.RFC822, b"carol@example.org"),
        ("@@carol", IdType.RFC822, b"carol"),
        ("@#0a0b", IdType.KEY_ID, b"\x0a\x0b"),
        ("not:an:address", IdType.KEY_ID, b"not:an:address"),
        ("bogus=1", IdType.KEY_ID, b"bogus=1"),
        ("keyid:#ff", IdType.KEY_ID, b"\xff"),
        ("fqdn:10.0.0.1", IdType.FQDN, b"10.0.0.1"),
        ("dns:moon", IdType.FQDN, b"moon"),
        ("email:carol", IdType.RFC822, b"carol"),
        ("ipv4:10.0.0.1", IdType.IPV4, bytes((10, 0, 0, 1))),
        ("ipv4:nonsense", IdType.KEY_ID, b"nonsense"),
        ("{201}:#01", 201, b"\x01"),
        ("asn1dn:#3000", IdType.DER_ASN1_DN, b"\x30\x00"),
        ("asn1gn:#82", IdType.DER_ASN1_GN, b"\x82"),
        ("keyid:#zz", IdType.KEY_ID, b"#zz"),
        ("@caf\udce9", IdType.FQDN, b"caf\xe9"),
        ("CN=caf\udce9", IdType.KEY_ID, b"CN=caf\xe9"),
    ],
)
def test_text_becomes_the_kind_that_strongswan_makes_of_it(text, kind, data):
    assert Identity.parse(text) == Identity(kind, data)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("C=CH, O=Lab, CN=moon", "C=CH, O=Lab, CN=moon"),
        ("/C=CH/O=Lab/CN=moon", "C=CH, O=Lab, CN=moon"),
        ('C=CH, O="Lab, Inc"', "C=CH, O=Lab\\, Inc"),
        ("2.5.4.99=x", "2.5.4.99=x"),
        ("E=a@b", "E=a@b"),
        ("CN=Zürich", "CN=Zürich"),
        ("%any", "%any"),
        ("fec0::1", "fec0::1"),
        ("@#00ff", "00:ff"),
        ("@#6162", "ab"),
        ("asn1gn:#8201", "(ASN.1 general name 8201)"),
        ("asn1dn:#31", "(invalid ID_DER_ASN1_DN 31)"),
        ("{77}:#01", "(unknown ID type 01)"),
    ],
)
def test_identity_prints_as_in_a_status(text, printed):
    assert str(Identity.parse(text)) == printed


def test_control_characters_of_a_peer_do_not_reach_the_terminal():
    assert str(Identity(IdType.FQDN, b"a\x1b[31m\nb")) == "a?[31m?b"


@pytest.mark.parametrize(("kind", "data"), [(IdType.IPV4, b"abc"), (IdType.IPV6, b"")])
def test_address_of_wrong_length_prints_as_unknown(kind, data):
    assert "unknown" in str(Identity(kind, data))


@pytest.mark.parametrize(
    ("identity", "better", "worse"),
    [
        ("CN=moon, O=Lab", "CN=MOON, O=Lab", "CN=*, O=Lab"),
        ("CN=moon, O=Lab", "CN=*, O=Lab", "CN=*, O=*"),
        ("CN=moon, O=Lab", "CN=*, O=*", "%any"),
        ("moon.example.org", "MOON.example.org", "*.example.org"),
        ("moon.example.org", "*.example.org", "%any"),
        ("carol@example.org", "*@example.org", "%any"),
        ("10.0.0.1", "10.0.0.1", "%any"),
    ],
)
def test_fewer_wildcards_match_better(identity, better, worse):
    identity = Identity.parse(identity)
    assert identity.match(Identity.parse(better)) > identity.match(Identity.parse(worse)) > 0


@pytest.mark.parametrize(
    ("identity", "pattern"),
    [
        ("CN=moon", "CN=sun"),
        ("CN=moon, O=Lab", "CN=moon"),
        ("CN=moon", "O=moon"),
        ("moon.example.org", "*.example.com"),
        ("10.0.0.1", "10.0.0.2"),
        ("moon", "moon@"),
        ("asn1dn:#30", "CN=moon"),
    ],
)
def test_what_does_not_fit_matches_with_nothing(identity, pattern):
    assert Identity.parse(identity).match(Identity.parse(pattern)) == 0


def test_wildcards_are_seen():
    assert Identity.parse("CN=*, O=Lab").has_wildcards
    assert Identity.parse("*.example.org").has_wildcards
    assert ANY.has_wildcards
    assert not Identity.parse("CN=moon").has_wildcards
    assert not Identity.parse("asn1dn:#ff").has_wildcards


def test_empty_name_is_a_key_id():
    assert Identity.parse("=").type == IdType.KEY_ID
    assert Identity.parse("asn1dn:,").type == IdType.KEY_ID


@given(st.integers(0, 255), st.binary(max_size=200))
def test_whatever_a_peer_claims_to_be_can_be_printed_and_matched(kind, data):
    identity = Identity(kind, data)
    assert str(identity).isprintable()
    identity.match(Identity.parse("C=CH, CN=*"))
    assert isinstance(identity.has_wildcards, bool)


@given(st.text(max_size=60))
def test_whatever_an_operator_writes_becomes_an_identity(text):
    identity = Identity.parse(text)
    assert identity.match(identity) > 0


def test_nobody_is_nobody_and_told_apart_inside_only():
    here, there = Identity(IdType.NULL, b"192.0.2.1[500]"), Identity(IdType.NULL, b"192.0.2.2[500]")
    assert here.is_null and NULL.is_null and not ANY.is_null
    assert (str(NULL), str(here)) == ("%null", "%null 192.0.2.1[500]")
    assert here != there and not here.match(there)
    assert not NULL.match(Identity.parse("moon.lab")) and not Identity.parse("moon.lab").match(NULL)
