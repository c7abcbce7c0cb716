"""This host's addresses, from the kernel's routing netlink in a few lines.

pyroute2 takes a quarter of a second to import, which would be most of charon's start; espd and the XFRM
backend use it for what changes something.
"""

import socket
import sys
from contextlib import closing, suppress
from ipaddress import ip_address
from struct import Struct, error

from cygnet.base.addresses import Address
from cygnet.kernel.backends.netlink import RECEIVE, Message, Netlink, attributes

MARK = 0x43594700
"""Mark of IKE and ESP sockets: their packets do not look at the routes of tunnels (table 220)."""

_IFADDRMSG = Struct("=BBBBI")
_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_TENTATIVE, _DEPRECATED = 0x40, 0x20
_SCOPE_UNIVERSE, _SCOPE_SITE = 0, 200
_GROUPS = 0x10 | 0x100
"""RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR."""


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
    told = dump(_RTM_GETADDR, _IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0))
    bodies = [message.body for message in told if message.kind == _RTM_NEWADDR]
    found = [(address_in(body), _IFADDRMSG.unpack_from(body)[4]) for body in bodies]
    return [(address, index) for address, index in found if address is not None]


def dump(kind: int, body: bytes) -> list[Message]:
    """All that the kernel's routing has of a kind; raises as :class:`Netlink` does."""
    with closing(Netlink(socket.NETLINK_ROUTE)) as netlink:
        return netlink.dump(kind, body)


class KnownAddresses:
    """:func:`local_addresses`, asked anew only after the kernel told of a change."""

    def __init__(self) -> None:
        self._netlink = _listener()
        self._known = local_addresses()

    def __call__(self) -> tuple[Address, ...]:
        """The addresses as they are now."""
        if _drain(self._netlink):
            self._known = local_addresses()
        return self._known

    def close(self) -> None:
        """Close the socket."""
        self._netlink.close()


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


def _listener() -> socket.socket:
    """A socket that hears of every change of addresses."""
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    netlink.bind((0, _GROUPS))
    netlink.setblocking(False)
    return netlink


def _drain(netlink: socket.socket) -> bool:
    """Read away what waits; whether there was anything."""
    heard = False
    try:
        while netlink.recv(RECEIVE):
            heard = True
    except BlockingIOError:
        return heard
    except OSError:  # so much that some was lost
        return True
    return heard


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
