"""Name constraints of CA certificates (RFC 5280, 4.2.1.10), for names, domains, mail and IP addresses."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from cryptography import x509

from cygnet.base.distinguished_names import parse_der
from cygnet.base.identities import Identity, IdType

# What limits a kind of name: a network, or the octets of a domain, mail address or DER name.
_Base = bytes | IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Subtree:
    """One permitted or excluded subtree: which ID types it is about, and its base."""

    types: tuple[IdType, ...]
    base: _Base

    def contains(self, name: Identity) -> bool:
        """Whether ``name``, of one of ``types``, lies within."""
        if isinstance(self.base, (IPv4Network, IPv6Network)):
            return ip_address(name.data) in self.base
        if name.type == IdType.DER_ASN1_DN:
            return _name_begins(name.data, self.base)
        data, base = name.data.lower(), self.base.lower()
        return _mail_within(data, base) if name.type == IdType.RFC822 else _domain_within(data, base)


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """``unsupported`` tells that there are subtrees of kinds that we cannot check."""

    permitted: tuple[Subtree, ...] = ()
    excluded: tuple[Subtree, ...] = ()
    unsupported: bool = False

    @classmethod
    def of(cls, extension: x509.NameConstraints) -> "NameConstraints":
        """The constraints of the extension."""
        permitted = [_subtree(name) for name in extension.permitted_subtrees or ()]
        excluded = [_subtree(name) for name in extension.excluded_subtrees or ()]
        return cls(
            tuple(item for item in permitted if item),
            tuple(item for item in excluded if item),
            None in permitted or None in excluded,
        )

    def offender(self, names: Iterable[Identity]) -> Identity | None:
        """The first name that is not allowed."""
        return next((name for name in names if not self._allows(name)), None)

    def _allows(self, name: Identity) -> bool:
        permitted = [item for item in self.permitted if name.type in item.types]
        excluded = [item for item in self.excluded if name.type in item.types]
        if any(item.contains(name) for item in excluded):
            return False
        return not permitted or any(item.contains(name) for item in permitted)


def _subtree(name: x509.GeneralName) -> Subtree | None:
    if isinstance(name, x509.DNSName):
        return Subtree((IdType.FQDN,), name.value.encode())
    if isinstance(name, x509.RFC822Name):
        return Subtree((IdType.RFC822,), name.value.encode())
    if isinstance(name, x509.DirectoryName):
        return Subtree((IdType.DER_ASN1_DN,), name.value.public_bytes())
    if isinstance(name, x509.IPAddress) and isinstance(name.value, (IPv4Network, IPv6Network)):
        return Subtree((IdType.IPV4, IdType.IPV6), name.value)
    return None


def _name_begins(name: bytes, base: bytes) -> bool:
    """Whether a DER name's first attributes are those of ``base``."""
    whole, start = parse_der(name), parse_der(base)
    return len(whole) >= len(start) and all(
        one.oid == other.oid and one.folded() == other.folded()
        for one, other in zip(whole, start, strict=False)
    )


def _domain_within(domain: bytes, base: bytes) -> bool:
    """The domain itself or one with more labels to its left."""
    return not base or domain == base or domain.endswith(b"." + base.removeprefix(b"."))


def _mail_within(address: bytes, base: bytes) -> bool:
    """One mailbox, all of a host, or all hosts below a domain that is written with a dot in front."""
    if b"@" in base:
        return address == base
    host = address.rpartition(b"@")[2]
    return host.endswith(base) if base.startswith(b".") else host == base
