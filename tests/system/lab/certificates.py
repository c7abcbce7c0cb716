"""Certificates for the tests: authorities of one key kind, leaves and sub-authorities of the same kind."""

import datetime
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from cygnet.cert.address_blocks import EXTENSION_OID, AddressBlocks, parse_range

START = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
END = datetime.datetime(2049, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True)
class Holder:
    """A certificate with its private key. ``chain`` are the authorities above it, the nearest first."""

    certificate: x509.Certificate
    key: Any
    kind: str
    chain: tuple["Holder", ...] = ()

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key as strongSwan's users have it: PKCS#1 for RSA, SEC 1 for ECDSA, else PKCS#8."""
        form = serialization.PrivateFormat.PKCS8
        if self.kind in ("rsa", "ecdsa"):
            form = serialization.PrivateFormat.TraditionalOpenSSL
        pem: bytes = self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        return pem

    @property
    def secret_type(self) -> str:
        """The type to write in ipsec.secrets."""
        return {"rsa": "RSA", "ecdsa": "ECDSA"}.get(self.kind, "PKCS8")

    @property
    def subject(self) -> str:
        """The subject as ipsec.conf writes it."""
        parts = [(entry.rfc4514_attribute_name, str(entry.value)) for entry in self.certificate.subject]
        return ", ".join(f"{name}={value}" for name, value in parts)


@cache
def authority(kind: str, name: str = "Lab Root") -> Holder:
    """A root authority."""
    return _issue(kind, name, None, ca=True)


@cache
def sub_authority(parent: Holder, name: str) -> Holder:
    """An authority certified by another."""
    return _issue(parent.kind, name, parent, ca=True)


@cache
def registry(name: str, *networks: str) -> Holder:
    """A root authority for address blocks (RFC 3779)."""
    return _issue("ecdsa", name, None, ca=True, networks=networks)


@cache
def resource_holder(issuer: Holder, name: str, *networks: str) -> Holder:
    """A host's certificate that speaks for these networks."""
    return _issue(issuer.kind, name, issuer, ca=False, names=[name], networks=networks)


@cache
def leaf(issuer: Holder, name: str, padding: int = 0, end: datetime.datetime = END) -> Holder:
    """A host's certificate: CN and DNS name are ``name``; ``padding`` more DNS names make it large."""
    return _issue(issuer.kind, name, issuer, ca=False, names=[name, *_more(name, padding)], end=end)


def _more(name: str, count: int) -> list[str]:
    return [f"service-{n}.of-a-host-with-many-names.{name}" for n in range(count)]


def _issue(
    kind: str, name: str, issuer: Holder | None, *, ca: bool, names: list[str] | None = None,
    end: datetime.datetime = END, networks: tuple[str, ...] = (),
) -> Holder:
    key = _key(kind)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CH"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lab"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    signer = issuer.key if issuer else key
    signer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(signer_id, critical=False)
    )
    if ca:
        builder = builder.add_extension(_signing_usage(), critical=True)
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(entry) for entry in names]), critical=False
        )
    if networks:
        blocks = AddressBlocks(tuple(map(parse_range, networks))).build()
        builder = builder.add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier(EXTENSION_OID), blocks), critical=True
        )
    certificate = builder.sign(signer, None if kind == "ed25519" else hashes.SHA256())
    return Holder(certificate, key, kind, (issuer, *issuer.chain) if issuer else ())


def _signing_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )


def _key(kind: str) -> Any:
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "ecdsa":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate()
