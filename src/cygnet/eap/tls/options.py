"""What a TLS session is set up with."""

from dataclasses import dataclass, field
from enum import IntEnum

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from cygnet.eap.ports import CertificateCheck

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey | Ed448PrivateKey


class TlsVersion(IntEnum):
    """Versions, by their number on the wire; older ones are not to be had (RFC 8996)."""

    TLS_1_2 = 0x0303
    TLS_1_3 = 0x0304


VERSIONS = {"1.2": TlsVersion.TLS_1_2, "1.3": TlsVersion.TLS_1_3}
"""As ``strongswan.conf`` names them."""
FORWARD_SECRET = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:!aNULL"
"""Cipher suites of TLS 1.2, as OpenSSL writes them; those of TLS 1.3 are all good."""


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """What we show: certificates (DER, leaf first) and the key of the first."""

    chain: tuple[bytes, ...]
    key: PrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """``verify`` judges the other side's certificates; a server without it asks for none.

    ``authorities`` (DER) are the CAs that a server names when it asks. ``fragment_size`` is the greatest EAP
    packet in octets, ``max_messages`` how many packets of the other side one conversation may take; their
    defaults are those of charon.plugins.eap-tls.
    """

    verify: CertificateCheck | None = field(repr=False)
    own: OwnCertificate | None = None
    authorities: tuple[bytes, ...] = field(default=(), repr=False)
    version_min: TlsVersion = TlsVersion.TLS_1_2
    version_max: TlsVersion = TlsVersion.TLS_1_3
    ciphers: str = FORWARD_SECRET
    fragment_size: int = 1024
    max_messages: int = 32
    include_length: bool = True
