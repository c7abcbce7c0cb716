"""This host's addresses, from the kernel's routing netlink in a few lines.

pyroute2 takes a quarter of a second to import, which would be most of charon's start; espd and the XFRM
backend use it for what changes something.
"""

import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from struct import Struct, error

from cygnet.base.addresses import Address

MARK = 0x43594700
"""Mark of IKE and ESP sockets: their packets do not look at the routes of tunnels (table 220)."""

_HEADER = Struct("=IHHII")
_IFADDRMSG = Struct("=BBBBI")
_ATTRIBUTE = Struct("=HH")
_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_REQUEST_DUMP = 0x301
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_TENTATIVE, _DEPRECATED = 0x40, 0x20
_SCOPE_UNIVERSE, _SCOPE_SITE = 0, 200
_RECEIVE = 65536
_TIMEOUT_S = 5.0


def local_addresses() -> tuple[Address, ...]:
    """Global and site addresses of all interfaces, IPv4 first; without tentative and deprecated ones."""
    found = dict.fromkeys(address for address, _ in _addresses())
    return tuple(sorted(found, key=lambda address: address.version))


def interface_of(wanted: Address) -> str:
    """The name of the interface that has this address, empty if none has."""
    for address, index in _addresses():
        if address == wanted:
            with suppress(OSError):
                return socket.if_indextoname(index)
    return ""


def _addresses() -> list[tuple[Address, int]]:
    """Addresses with the index of their interface."""
    found: list[tuple[Address, int]] = []
    for kind, body in dump(_RTM_GETADDR, _IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        address = address_in(body) if kind == _RTM_NEWADDR else None
        if address is not None:
            found.append((address, _IFADDRMSG.unpack_from(body)[4]))
    return found


def dump(kind: int, body: bytes) -> Iterator[tuple[int, bytes]]:
    """Ask for all that there is of a kind: type and body of each message of the answer."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(_TIMEOUT_S)
        netlink.bind((0, 0))
        netlink.send(_HEADER.pack(_HEADER.size + len(body), kind, _REQUEST_DUMP, 1, 0) + body)
        while True:
            for answer, content in messages(netlink.recv(_RECEIVE)):
                if answer in (_NLMSG_DONE, _NLMSG_ERROR):
                    return
                yield answer, content


def source_address(destination: Address) -> Address | None:
    """What this host would send from to ``destination`` outside all tunnels; ``None`` without a route."""
    with route_probe(destination) as probe:
        if probe is None:
            return None
        return ip_address(probe.getsockname()[0])


class route_probe:  # noqa: N801 - used like a function
    """A marked UDP socket connected to ``destination``, or ``None`` without a route. Sends nothing."""

    def __init__(self, destination: Address) -> None:
        self._destination = destination
        self._socket: socket.socket | None = None

    def __enter__(self) -> socket.socket | None:
        family = socket.AF_INET if self._destination.version == 4 else socket.AF_INET6
        try:
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            set_mark(self._socket)
            self._socket.connect((str(self._destination), 4500))
        except OSError:
            self.__exit__()
        return self._socket

    def __exit__(self, *details: object) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def set_mark(own: socket.socket) -> None:
    """Mark a socket as IKE's or ESP's; without the right to do so it stays unmarked."""
    with suppress(PermissionError):
        own.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each netlink message in a datagram."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size:
            return
        yield kind, data[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def address_in(body: bytes) -> Address | None:
    """The address that a message tells of, if it is one that others can reach."""
    try:
        family, _, flags, scope, _ = _IFADDRMSG.unpack_from(body)
    except error:
        return None
    more = attributes(body[_IFADDRMSG.size :])
    octets = more.get(_IFA_LOCAL, more.get(_IFA_ADDRESS, b""))
    flags |= int.from_bytes(more.get(_IFA_FLAGS, b""), sys.byteorder)
    wanted = family in (socket.AF_INET, socket.AF_INET6) and scope in (_SCOPE_UNIVERSE, _SCOPE_SITE)
    if not wanted or len(octets) not in (4, 16) or flags & (_TENTATIVE | _DEPRECATED):
        return None
    return ip_address(octets)


def attributes(data: bytes) -> dict[int, bytes]:
    """The attributes of a message by type."""
    found: dict[int, bytes] = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind] = data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found
