"""Certificates by hash and URL (RFC 7296, 3.6): what travels in CERT payloads, and checking what was fetched.

Encoding 12 is one certificate, encoding 13 a bundle. The fetching itself is the shell's work.
"""

from dataclasses import dataclass
from hashlib import sha1

from cygnet.cert import der
from cygnet.cert.certificates import Certificate
from cygnet.cert.errors import MalformedCertificateError

HASH_OCTETS = 20
MAX_URL = 2048
MAX_BUNDLE = 32
SCHEMES = ("http://",)
"""RFC 7296, 3.6: implementations must support http, and only that is followed."""


@dataclass(frozen=True, slots=True)
class HashAndUrl:
    """SHA-1 of the DER, and where it is; ``bundle``: several certificates are there."""

    digest: bytes
    url: str
    bundle: bool = False

    @classmethod
    def parse(cls, data: bytes, bundle: bool = False) -> "HashAndUrl":
        """The data of a CERT payload; raises :class:`MalformedCertificateError`."""
        try:
            url = data[HASH_OCTETS:].decode("ascii")
        except UnicodeDecodeError:
            raise MalformedCertificateError("the URL of a certificate is not ASCII") from None
        if len(data) <= HASH_OCTETS or len(url) > MAX_URL or not url.isprintable():
            raise MalformedCertificateError(f"hash and URL of {len(data)} octets")
        if not url.startswith(SCHEMES):
            raise MalformedCertificateError(f"certificates are fetched by http only, not from '{url[:80]}'")
        return cls(data[:HASH_OCTETS], url, bundle)

    def build(self) -> bytes:
        """The data of a CERT payload."""
        return self.digest + self.url.encode("ascii")

    def open(self, fetched: bytes) -> tuple[Certificate, ...]:
        """What was fetched, as the certificate or bundle meant; raises :class:`MalformedCertificateError`.

        CRLs in a bundle are left out.
        """
        digest = sha1(fetched, usedforsecurity=False).digest()
        if digest != self.digest:
            raise MalformedCertificateError(
                f"what '{self.url}' gives has the SHA-1 {digest.hex()}, announced was {self.digest.hex()}"
            )
        return _bundle(fetched) if self.bundle else (Certificate.parse(fetched),)


def announce(certificate: Certificate, base: str) -> HashAndUrl:
    """A certificate of ours below the ``certuribase`` of its CA: the hash in hexadecimal is appended."""
    digest = sha1(certificate.der, usedforsecurity=False).digest()
    return HashAndUrl(digest, base + digest.hex())


def _bundle(octets: bytes) -> tuple[Certificate, ...]:
    try:
        items = der.read(octets, der.SEQUENCE).children()
        if len(items) > MAX_BUNDLE:
            raise ValueError(f"more than {MAX_BUNDLE} certificates")
        return tuple(Certificate.parse(item.content) for item in items if item.tag == _BUNDLED)
    except ValueError as error:
        raise MalformedCertificateError(f"malformed certificate bundle: {error}") from None


_BUNDLED = 0xA0
"""``cert [0] Certificate``, EXPLICIT since Certificate is not tagged implicitly in that module."""
