"""Which addresses this host has on which interfaces, and whether packets can leave from them."""

import socket
from contextlib import suppress
from dataclasses import dataclass
from struct import Struct, error

from cygnet.base.addresses import Address
from cygnet.kernel.backends import host
from cygnet.kernel.backends.netlink import attributes

_IFINFOMSG = Struct("=BxHiII")
_IFADDRMSG = Struct("=BBBBI")
_RTM_NEWLINK, _RTM_GETLINK, _RTM_NEWADDR, _RTM_GETADDR = 16, 18, 20, 22
_IFLA_IFNAME = 3
_UP_AND_RUNNING = 0x41
_NAT_T_PORT = 4500


@dataclass(frozen=True, slots=True)
class Link:
    """An interface. ``up``: it is in use and has a carrier."""

    index: int
    name: str
    up: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """An address and the interface that has it."""

    address: Address
    link: Link


def links() -> list[Link]:
    """All interfaces."""
    answers = host.dump(_RTM_GETLINK, _IFINFOMSG.pack(0, 0, 0, 0, 0))
    return [link_in(message.body) for message in answers if message.kind == _RTM_NEWLINK]


def placed_addresses() -> tuple[Placed, ...]:
    """All global and site addresses of this host, IPv4 first."""
    known = {link.index: link for link in links()}
    found = []
    for message in host.dump(_RTM_GETADDR, _IFADDRMSG.pack(0, 0, 0, 0, 0)):
        address = host.address_in(message.body) if message.kind == _RTM_NEWADDR else None
        if address is not None:
            index = _IFADDRMSG.unpack_from(message.body)[4]
            found.append(Placed(address, known.get(index, Link(index, "", False))))
    return tuple(sorted(found, key=lambda one: one.address.version))


def has_route(source: Address, destination: Address) -> bool:
    """Whether a packet from one of our addresses to ``destination`` finds a way outside all tunnels."""
    if source.version != destination.version:
        return False
    family = socket.AF_INET if source.version == 4 else socket.AF_INET6
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        host.set_mark(probe)
        probe.bind((str(source), 0))
        probe.connect((str(destination), _NAT_T_PORT))
        return True
    return False


def link_in(body: bytes) -> Link:
    """The interface that a message tells of."""
    try:
        _, _, index, flags, _ = _IFINFOMSG.unpack_from(body)
    except error:
        return Link(0, "", False)
    name = attributes(body[_IFINFOMSG.size :]).get(_IFLA_IFNAME, b"")
    text = name.rstrip(b"\0").decode("ascii", "replace")
    return Link(index, text, flags & _UP_AND_RUNNING == _UP_AND_RUNNING)
