"""Certificates and keys for people, in the form of ``ipsec listcerts`` and ``ipsec pki --print``."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha1

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.x509 import oid

from cygnet.base import distinguished_names
from cygnet.base.durations import date, span
from cygnet.cert.extensions import read_extensions
from cygnet.cert.name_constraints import text_of
from cygnet.cert.printing_extensions import constraint_lines, distribution_lines, policy_lines

USAGES = {
    oid.ExtendedKeyUsageOID.OCSP_SIGNING: "ocspSigning",
    oid.ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth",
    oid.ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth",
    x509.ObjectIdentifier("1.3.6.1.5.5.8.2.2"): "ikeIntermediate",
    oid.ExtendedKeyUsageOID.SMARTCARD_LOGON: "msSmartcardLogon",
}


def certificate_lines(
    certificate: x509.Certificate, now: float, utc: bool = False, private: bool = False
) -> list[str]:
    """One field a line, labels padded to column 11. ``now`` is POSIX seconds."""
    lines = [
        f'subject:  "{_name(certificate.subject)}"',
        f'issuer:   "{_name(certificate.issuer)}"',
        *_validity(certificate, now, utc),
        f"serial:    {hexadecimal(certificate.serial_number)}",
    ]
    extensions = read_extensions(certificate.extensions)
    lines += [*_alt_names(certificate), *_flags(certificate), *distribution_lines("CRL URIs:", extensions)]
    lines += [*_labelled("OCSP URIs:", extensions.ocsp_uris), *constraint_lines(extensions)]
    lines += policy_lines(certificate, extensions)
    lines += [*_authority_key(certificate), *_subject_key(certificate)]
    return lines + key_lines(certificate.public_key(), private)


def key_lines(key: object, private: bool = False) -> list[str]:
    """Kind and size of a public key, and the two SHA-1 identifiers that strongSwan shows."""
    info = _spki(key)
    return [
        f"pubkey:    {key_name(key)}" + (", has private key" if private else ""),
        f"keyid:     {sha1(info, usedforsecurity=False).digest().hex(':')}",
        f"subjkey:   {_subject_key_octets(key).hex(':')}",
    ]


def pem_lines(der: bytes) -> list[str]:
    """A certificate as text for a file (RFC 7468)."""
    text = b64encode(der).decode()
    body = [text[at : at + 64] for at in range(0, len(text), 64)]
    return ["-----BEGIN CERTIFICATE-----", *body, "-----END CERTIFICATE-----"]


def key_name(key: object) -> str:
    """``RSA 2048 bits``."""
    for kind, name, bits in KEY_KINDS:
        if isinstance(key, kind):
            return f"{name} {bits or getattr(key, 'key_size', 0)} bits"
    return f"unknown {type(key).__name__}"


# Public and private class, name, size where it is fixed.
KEY_KINDS: tuple[tuple[tuple[type, type], str, int], ...] = (
    ((rsa.RSAPublicKey, rsa.RSAPrivateKey), "RSA", 0),
    ((ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey), "ECDSA", 0),
    ((ed25519.Ed25519PublicKey, ed25519.Ed25519PrivateKey), "ED25519", 256),
    ((ed448.Ed448PublicKey, ed448.Ed448PrivateKey), "ED448", 456),
    ((mldsa.MLDSA44PublicKey, mldsa.MLDSA44PrivateKey), "ML-DSA-44", 10496),
    ((mldsa.MLDSA65PublicKey, mldsa.MLDSA65PrivateKey), "ML-DSA-65", 15616),
    ((mldsa.MLDSA87PublicKey, mldsa.MLDSA87PrivateKey), "ML-DSA-87", 20736),
)


def _name(name: x509.Name) -> str:
    return distinguished_names.to_text(name.public_bytes())


def hexadecimal(number: int) -> str:
    """``01:ff``: the octets of an INTEGER without the sign octet of positive ones."""
    octets = number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)
    return (octets[1:] if len(octets) > 1 and octets[0] == 0 else octets).hex(":")


def _validity(certificate: x509.Certificate, now: float, utc: bool) -> Iterator[str]:
    start, end = certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()
    begun = "ok" if now >= start else f"not valid yet (valid in {span(start - now)})"
    over = f"ok (expires in {span(end - now)})" if now <= end else f"expired ({span(now - end)} ago)"
    yield f"validity:  not before {date(start, utc)}, {begun}"
    yield f"           not after  {date(end, utc)}, {over}"


def _extension(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> x509.ExtensionType | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def _alt_names(certificate: x509.Certificate) -> Iterator[str]:
    value = _extension(certificate, x509.SubjectAlternativeName)
    if isinstance(value, x509.SubjectAlternativeName):
        yield "altNames:  " + ", ".join(map(text_of, value))


def _flags(certificate: x509.Certificate) -> Iterator[str]:
    found = [name for name, holds in FLAGS if holds(certificate)]
    usages = _extension(certificate, x509.ExtendedKeyUsage)
    if isinstance(usages, x509.ExtendedKeyUsage):
        found += [name for usage, name in USAGES.items() if usage in usages]
    if certificate.subject == certificate.issuer:
        found.append("self-signed")
    yield "flags:     " + "".join(f"{word} " for word in found)


def _is_authority(certificate: x509.Certificate) -> bool:
    value = _extension(certificate, x509.BasicConstraints)
    return isinstance(value, x509.BasicConstraints) and value.ca


def _signs_crls(certificate: x509.Certificate) -> bool:
    value = _extension(certificate, x509.KeyUsage)
    return isinstance(value, x509.KeyUsage) and value.crl_sign


FLAGS: tuple[tuple[str, Callable[[x509.Certificate], bool]], ...] = (
    ("CA", _is_authority),
    ("CRLSign", _signs_crls),
)


def _labelled(label: str, values: Iterable[str]) -> Iterator[str]:
    for index, value in enumerate(values):
        yield f"{'' if index else label:<11}{value}"


def _authority_key(certificate: x509.Certificate) -> Iterator[str]:
    value = _extension(certificate, x509.AuthorityKeyIdentifier)
    if isinstance(value, x509.AuthorityKeyIdentifier) and value.key_identifier:
        yield f"authkeyId: {value.key_identifier.hex(':')}"


def _subject_key(certificate: x509.Certificate) -> Iterator[str]:
    """The extension's value, computed where it is absent (as strongSwan shows it)."""
    value = _extension(certificate, x509.SubjectKeyIdentifier)
    stated = value.digest if isinstance(value, x509.SubjectKeyIdentifier) else None
    yield f"subjkeyId: {(stated or _subject_key_octets(certificate.public_key())).hex(':')}"


def _spki(key: object) -> bytes:
    info: bytes = key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return info


def _subject_key_octets(key: object) -> bytes:
    return x509.SubjectKeyIdentifier.from_public_key(key).digest  # type: ignore[arg-type]
