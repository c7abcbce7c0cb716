"""Reading certificates: names, times, flags, and octets that are no certificate."""

import datetime as dt
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.identities import Identity
from cygnet.cert.certificates import (
    Certificate,
    CertificateLoadError,
    MalformedCertificateError,
    load_certificates,
)
from cygnet.cert.der import names_of
from cygnet.crypto.signatures import PublicKey

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
BEGIN, END = dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
ALT_NAMES = x509.SubjectAlternativeName(
    [
        x509.DNSName("moon.lab"),
        x509.RFC822Name("carol@lab"),
        x509.IPAddress(ip_address("192.0.2.1")),
        x509.IPAddress(ip_address("2001:db8::1")),
        x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "other")])),
        x509.UniformResourceIdentifier("http://moon.lab"),
    ]
)


def plain_name(*values: str) -> x509.Name:
    kinds = (NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in zip(kinds, values, strict=True)])


def signed_by_itself(
    *extensions: x509.ExtensionType, critical: bool = False, name: x509.Name | None = None
) -> bytes:
    subject = plain_name("CH", "Lab", "moon") if name is None else name
    builder = x509.CertificateBuilder(subject, subject, KEY.public_key(), 0x0102FF, BEGIN, END)
    for extension in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(KEY, None).public_bytes(Encoding.DER)


FULL = signed_by_itself(
    ALT_NAMES,
    x509.BasicConstraints(True, 2),
    x509.KeyUsage(True, False, False, False, False, True, True, False, False),
    x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, x509.ObjectIdentifier("1.3.6.1.5.5.8.2.2")]),
    x509.SubjectKeyIdentifier(b"identifier"),
    x509.AuthorityKeyIdentifier(b"authority", None, None),
    x509.CRLDistributionPoints(
        [x509.DistributionPoint([x509.UniformResourceIdentifier("http://lab/crl")], None, None, None)]
    ),
    x509.AuthorityInformationAccess(
        [
            x509.AccessDescription(
                x509.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://lab/ocsp")
            )
        ]
    ),
)


def test_all_parts_of_a_certificate_are_read() -> None:
    certificate = Certificate.parse(FULL)
    assert str(certificate.subject) == str(certificate.issuer) == "C=CH, O=Lab, CN=moon"
    assert str(certificate) == '"C=CH, O=Lab, CN=moon"'
    assert certificate.serial == b"\x01\x02\xff"
    assert certificate.not_before == BEGIN.timestamp()
    assert certificate.not_after == END.timestamp()
    assert [str(name) for name in certificate.alt_names] == [
        "moon.lab", "carol@lab", "192.0.2.1", "2001:db8::1", "CN=other",
    ]  # fmt: skip
    assert certificate.is_ca
    assert certificate.path_length == 2
    assert certificate.extensions.crl_uris == ("http://lab/crl",)
    assert certificate.extensions.ocsp_uris == ("http://lab/ocsp",)
    assert certificate.extensions.authority_key_id == b"authority"
    assert certificate.subject_key_id == b"identifier"
    assert certificate.key_id == PublicKey(KEY.public_key()).key_id
    assert certificate.flags == ("CA", "CRLSign", "serverAuth", "ikeIntermediate", "self-signed")
    assert certificate.hash_name == ""
    assert certificate == Certificate.parse(FULL)
    assert hash(certificate) == hash(Certificate.parse(FULL))


def test_certificate_without_extensions_has_defaults() -> None:
    certificate = Certificate.parse(signed_by_itself())
    assert not certificate.is_ca
    assert certificate.path_length is None
    assert certificate.alt_names == ()
    assert certificate.subject_key_id == certificate.public_key.subject_key_id
    assert certificate.flags == ("self-signed",)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("C=CH, O=Lab, CN=moon", True),
        ("C=ch, O=LAB, CN=MOON", True),
        ("CN=other", True),
        ("@moon.lab", True),
        ("@MOON.lab", True),
        ("carol@lab", True),
        ("192.0.2.1", True),
        ("2001:db8::1", True),
        ("@#6964656e746966696572", True),
        ("@#6964656e74696669657273", False),
        ("C=CH, O=Lab, CN=sun", False),
        ("C=CH, O=Lab", False),
        ("@sun.lab", False),
        ("moon.lab@lab", False),
        ("192.0.2.2", False),
        ("%any", False),
    ],
)
def test_certificate_speaks_for_its_names_only(text: str, matches: bool) -> None:
    assert Certificate.parse(FULL).matches(Identity.parse(text)) == matches


@pytest.mark.parametrize("pattern", ["C=CH, O=Lab, CN=*", "@*.lab", "*@lab", "%any"])
def test_wildcards_rank_but_are_no_identity(pattern: str) -> None:
    certificate = Certificate.parse(FULL)
    assert 0 < certificate.rank(Identity.parse(pattern)) < certificate.rank(Identity.parse("@moon.lab"))
    assert not certificate.matches(Identity.parse(pattern))


def test_empty_subject_speaks_for_nobody() -> None:
    certificate = Certificate.parse(signed_by_itself(name=x509.Name([])))
    assert certificate.names == ()
    assert certificate.rank(certificate.subject) == 0


@pytest.mark.parametrize(
    "key", [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP384R1())]
)
def test_signatures_of_each_kind_verify(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    name = plain_name("CH", "Lab", "x")
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, BEGIN, END)
    certificate = Certificate.parse(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))
    assert certificate.is_signed_by(PublicKey(key.public_key()))
    assert not certificate.is_signed_by(PublicKey(KEY.public_key()))
    assert certificate.hash_name == "sha256"
    other = ec.generate_private_key(ec.SECP256R1()) if isinstance(key, rsa.RSAPrivateKey) else None
    assert not certificate.is_signed_by(
        PublicKey((other or rsa.generate_private_key(65537, 2048)).public_key())
    )
    assert not Certificate.parse(FULL).is_signed_by(PublicKey(key.public_key()))


def test_certificate_with_a_useless_key_is_refused() -> None:
    der = signed_by_itself().replace(bytes.fromhex("06032b6570"), bytes.fromhex("06032b6579"))
    with pytest.raises(MalformedCertificateError):
        Certificate.parse(der)


@pytest.mark.parametrize("der", [b"", b"\x30\x00", b"\0" * 100, FULL[:-1], FULL + b"\0", bytes(70000)])
def test_octets_that_are_no_certificate_are_refused(der: bytes) -> None:
    with pytest.raises(MalformedCertificateError):
        Certificate.parse(der)


@pytest.mark.parametrize(
    "octets", ["3003020100", "300d020101300006000600300030003100", "30020500", "", "3081"]
)
def test_names_of_another_structure_are_refused(octets: str) -> None:
    with pytest.raises(ValueError, match=r"DER|TBS"):
        names_of(bytes.fromhex(octets))


def test_certificate_whose_key_ike_cannot_use_is_refused() -> None:
    key = x25519.X25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    name = plain_name("CH", "Lab", "x")
    builder = x509.CertificateBuilder(name, name, key, 1, BEGIN, END)
    with pytest.raises(MalformedCertificateError, match="unsupported kind"):
        Certificate.parse(builder.sign(KEY, None).public_bytes(Encoding.DER))


def test_repeated_extension_is_refused() -> None:
    der = signed_by_itself(x509.BasicConstraints(True, None), x509.SubjectKeyIdentifier(b"abc"))
    again = der.replace(bytes.fromhex("0603551d0e"), bytes.fromhex("0603551d13"))
    with pytest.raises(MalformedCertificateError):
        Certificate.parse(again)


@given(st.integers(0, len(FULL) - 1), st.integers(0, 255))
def test_any_octet_changed_is_a_certificate_or_refused(place: int, octet: int) -> None:
    changed = bytearray(FULL)
    changed[place] = octet
    try:
        certificate = Certificate.parse(bytes(changed))
    except MalformedCertificateError:
        return
    assert str(certificate)
    assert isinstance(certificate.flags, tuple)
    assert certificate.rank(Identity.parse("C=CH, O=Lab, CN=*")) >= 0


@given(st.binary(max_size=60))
def test_names_of_hostile_octets_raise_value_error_only(octets: bytes) -> None:
    try:
        issuer, subject = names_of(octets)
    except ValueError:
        return
    assert issuer[0] == subject[0] == 0x30


def test_files_hold_one_der_or_many_pem_certificates() -> None:
    one, two = Certificate.parse(FULL), Certificate.parse(signed_by_itself())
    pem = b"".join(item.native.public_bytes(Encoding.PEM) for item in (one, two))
    assert load_certificates(FULL) == (one,)
    assert load_certificates(b"comment\n" + pem) == (one, two)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "malformed certificate"),
        (b"-----BEGIN RSA PRIVATE KEY-----\n", "contains no certificate"),
        (b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n", "malformed"),
        (b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "malformed"),
        (b"-----BEGIN CERTIFICATE-----\n" * 1001, "more than 1000"),
    ],
)
def test_file_without_certificates_is_explained(data: bytes, complaint: str) -> None:
    with pytest.raises(CertificateLoadError, match=complaint):
        load_certificates(data)
