"""Encrypted DNS resolvers as ``rightencdns`` writes them, and as logs and scripts show them (RFC 9464)."""

from base64 import b64encode
from dataclasses import dataclass

from cygnet.base.addresses import Address

HASHES = {"sha256": (2, 32), "sha384": (3, 48), "sha512": (4, 64)}
"""Numbers of IKEv2 hash algorithms for certificate digests, and how many octets each has."""
_NAMES = {number: name for name, (number, _) in HASHES.items()}
MAX_RESOLVERS = MAX_ADDRESSES = MAX_DIGESTS = MAX_PROTOCOLS = 8
"""How many resolvers a peer is told of, and addresses, digests and protocols of one."""
MAX_PATH = 1024
DOT = "dot"
DOT_PORT = 853


@dataclass(frozen=True, slots=True)
class Digest:
    """The hash of a resolver's public key (RFC 9464, 5)."""

    hash: int
    value: bytes

    def __str__(self) -> str:
        return f"{_NAMES.get(self.hash, self.hash)}:{b64encode(self.value).decode()}"


@dataclass(frozen=True, slots=True)
class EncryptedResolver:
    """One resolver: ``name`` is what its certificate says, empty if that is not told.

    A lower ``priority`` is better, from 1. ``alpn`` are the protocols that it speaks (``dot``, ``h2``,
    ``doq`` …), ``port`` 0 is the usual one of each, ``path`` the URI template of DNS over HTTPS.
    """

    name: str
    addresses: tuple[Address, ...]
    alpn: tuple[str, ...] = (DOT,)
    port: int = 0
    path: str = ""
    priority: int = 1
    digests: tuple[Digest, ...] = ()

    @property
    def speaks_tls(self) -> bool:
        """Whether it speaks DNS over TLS."""
        return DOT in self.alpn

    def __str__(self) -> str:
        words = [self.name, *map(str, self.addresses)]
        words += [f"alpn={'+'.join(self.alpn)}"] if self.alpn else []
        words += [f"port={self.port}"] if self.port else []
        words += [f"dohpath={self.path}"] if self.path else []
        words += [f"priority={self.priority}", *(f"digest={one}" for one in self.digests)]
        return " ".join(word for word in words if word)
