"""This host's addresses, from the kernel's routing netlink in a few lines.

pyroute2 takes a quarter of a second to import, which would be most of charon's start; espd and the XFRM
backend use it for what changes something.
"""

import select
import socket
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
_GROUPS = 0x10 | 0x100
"""RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR."""
_RECEIVE = 65536
_TIMEOUT_S = 5.0
_QUIET_S = 0.2


def local_addresses() -> tuple[Address, ...]:
    """Global and site addresses of all interfaces, IPv4 first; without tentative and deprecated ones."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(_TIMEOUT_S)
        netlink.bind((0, 0))
        request = _IFADDRMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        netlink.send(_HEADER.pack(_HEADER.size + len(request), _RTM_GETADDR, _REQUEST_DUMP, 1, 0) + request)
        found: list[Address] = []
        done = False
        while not done:
            for kind, body in messages(netlink.recv(_RECEIVE)):
                done = done or kind in (_NLMSG_DONE, _NLMSG_ERROR)
                address = _address(body) if kind == _RTM_NEWADDR else None
                if address is not None and address not in found:
                    found.append(address)
    return tuple(sorted(found, key=lambda address: address.version))


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


class AddressWatch:
    """Tells when addresses come or go. ``wake`` ends a :meth:`wait` from another thread."""

    def __init__(self) -> None:
        self._netlink = _listener()
        self._woken, self._waker = socket.socketpair()

    def wait(self) -> bool:
        """Block until something changed and then was quiet for a moment; ``False`` once woken."""
        ready = self._ready(None)
        while self._netlink in ready and self._woken not in ready:
            _drain(self._netlink)
            ready = self._ready(_QUIET_S)
            if not ready:
                return True
        return False

    def wake(self) -> None:
        """Let :meth:`wait` return ``False``."""
        self._waker.send(b"x")

    def close(self) -> None:
        """Close all sockets."""
        for own in (self._netlink, self._woken, self._waker):
            own.close()

    def _ready(self, timeout_s: float | None) -> list[socket.socket]:
        return select.select([self._netlink, self._woken], [], [], timeout_s)[0]


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
        while netlink.recv(_RECEIVE):
            heard = True
    except BlockingIOError:
        return heard
    except OSError:  # so much that some was lost
        return True
    return heard


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each netlink message in a datagram."""
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, at)
        if length < _HEADER.size:
            return
        yield kind, data[at + _HEADER.size : at + length]
        at += (length + 3) & ~3


def _address(body: bytes) -> Address | None:
    try:
        family, _, flags, scope, _ = _IFADDRMSG.unpack_from(body)
        attributes = _attributes(body[_IFADDRMSG.size :])
    except error:
        return None
    octets = attributes.get(_IFA_LOCAL, attributes.get(_IFA_ADDRESS, b""))
    flags |= int.from_bytes(attributes.get(_IFA_FLAGS, b""), "little")
    wanted = family in (socket.AF_INET, socket.AF_INET6) and scope in (_SCOPE_UNIVERSE, _SCOPE_SITE)
    if not wanted or len(octets) not in (4, 16) or flags & (_TENTATIVE | _DEPRECATED):
        return None
    return ip_address(octets)


def _attributes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind] = data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
    return found
