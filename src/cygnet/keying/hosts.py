"""The two addresses of a new IKE_SA, from what a connection says of them."""

from collections.abc import Callable
from ipaddress import ip_address

from cygnet.base.addresses import Address, Host
from cygnet.base.errors import LocalError
from cygnet.keying.config.records import AddressSpec, IkeConfig

Names = Callable[[str], tuple[Address, ...]]
"""Looks up a host name, or reads an address; waits for an answer, but not for ever."""

SourceAddress = Callable[[Address], Address | None]


class UnreachableError(LocalError):
    """There is no address to begin with; the text says which end lacks it and what to configure."""


def is_anybody(spec: AddressSpec) -> bool:
    """Whether an end names no host that one could go to (``%any``, prefixes)."""
    return not _hosts(spec)


def literal(spec: AddressSpec) -> Address | None:
    """The one address that an end is, if it is written as one."""
    try:
        return ip_address(spec.hosts[0]) if len(spec.hosts) == 1 else None
    except ValueError:
        return None


def ends(ike: IkeConfig, names: Names, source_address: SourceAddress) -> tuple[Host, Host]:
    """Our host and the peer's; raises :class:`UnreachableError`."""
    remote = remote_host(ike, names)
    return local_host(ike, remote, source_address, names), remote


def remote_host(ike: IkeConfig, names: Names) -> Host:
    """The first address of the remote end; DNS names are looked up, which may take time."""
    hosts = _hosts(ike.remote)
    for text in hosts:
        for address in names(text):
            if not address.is_unspecified:
                return Host(address, ike.remote.port)
    if hosts:
        raise UnreachableError(f"unable to resolve {', '.join(hosts)}, the remote end (right=)")
    raise UnreachableError("unable to initiate to %any: the connection names no remote address (right=)")


def local_host(ike: IkeConfig, remote: Host, source_address: SourceAddress, names: Names) -> Host:
    """The configured local address of the right family, else the one the kernel would take."""
    for text in ike.local.hosts:
        for address in names(text) if not text.startswith("%") and "/" not in text else ():
            if address.version == remote.family and not address.is_unspecified:
                return Host(address, ike.local.port)
    found = source_address(remote.address)
    if found is None:
        raise UnreachableError(f"no route to {remote}: the kernel has no source address for it")
    return Host(found, ike.local.port)


def _hosts(spec: AddressSpec) -> list[str]:
    return [text for text in spec.hosts if not text.startswith("%") and "/" not in text]
