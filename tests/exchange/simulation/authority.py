"""Certification authorities and certificates for simulations; key generation is cached, RSA is slow."""

import datetime
import ipaddress
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cygnet.cert.address_blocks import EXTENSION_OID, AddressBlocks, parse_range
from cygnet.cert.certificates import Certificate
from cygnet.crypto.signatures import PrivateKey
from cygnet.keying.sa.credentials import OwnKey
from simulation.stores import TODAY

DAY = 86400


@cache
def native_key(kind: str, name: str) -> Any:
    """A key pair of a kind; ``name`` tells several apart."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key({"ec256": ec.SECP256R1(), "ec384": ec.SECP384R1()}[kind])


def dn(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CH"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lab"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


class Issuer:
    """A CA, self-signed unless ``parent`` is given."""

    def __init__(
        self,
        name: str = "Root",
        parent: "Issuer | None" = None,
        padding: int = 0,
        age_days: tuple[int, int] = (-1, 365),
        addresses: tuple[str, ...] = (),
    ) -> None:
        self.name, self._key = name, native_key("ec256", f"ca {name}")
        public = self._key.public_key()
        self.certificate = _sign(public, name, parent or self, True, age_days, padding, addresses)

    @property
    def key(self) -> Any:
        return self._key

    def issue(
        self,
        name: str,
        kind: str = "ec256",
        age_days: tuple[int, int] = (-1, 365),
        padding: int = 0,
        addresses: tuple[str, ...] = (),
    ) -> OwnKey:
        """A key with a certificate for CN and subjectAltName ``name``."""
        key = native_key(kind, name)
        certificate = _sign(key.public_key(), name, self, False, age_days, padding, addresses)
        return OwnKey(PrivateKey(key), certificate)


def _sign(
    public: Any,
    name: str,
    issuer: Issuer,
    ca: bool = False,
    age_days: tuple[int, int] = (-1, 365),
    padding: int = 0,
    addresses: tuple[str, ...] = (),
) -> Certificate:
    first, last = (datetime.datetime.fromtimestamp(TODAY + days * DAY, datetime.UTC) for days in age_days)
    builder = (
        x509.CertificateBuilder(dn(issuer.name), dn(name), public, x509.random_serial_number(), first, last)
        .add_extension(x509.BasicConstraints(ca, None), True)
        .add_extension(x509.SubjectAlternativeName([_general(name)]), False)
    )
    if padding:
        comment = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), bytes(padding))
        builder = builder.add_extension(comment, False)
    if addresses:
        blocks = AddressBlocks(tuple(map(parse_range, addresses))).build()
        builder = builder.add_extension(
            x509.UnrecognizedExtension(x509.ObjectIdentifier(EXTENSION_OID), blocks), True
        )
    algorithm = None if isinstance(issuer.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Certificate.parse(builder.sign(issuer.key, algorithm).public_bytes(Encoding.DER))


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.replace(" ", "-"))
