"""Inherited reuseport groups: starter opens them, daemons receive from their members.

For each family and port there is one SO_REUSEPORT group with a member for each daemon, in a fixed order,
and a program (:mod:`cygnet.runtime.network.filters`) that hands each datagram to the right one. Whoever
opened the group keeps every descriptor: places in the group are by order of binding, so a daemon that
dies and comes back finds its member in its place, with the datagrams that came meanwhile.
"""

import errno
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cygnet.runtime.network import filters, options

SOCKETS_VARIABLE = "CYGNET_SOCKETS"
IKE_PORT = 500
NAT_T_PORT = 4500
MEMBERS = ("charon", "pluto", "espd")
_PREFIXES = ("ike", "natt", "esp")


@dataclass(frozen=True, slots=True)
class SocketGroups:
    """All members of all groups, by daemon and by name (``ike4 ike6 natt4 natt6``; espd ``esp4 esp6``)."""

    members: Mapping[str, Mapping[str, socket.socket]]

    def descriptors(self, member: str) -> tuple[int, ...]:
        """What ``member`` inherits (``pass_fds`` of ``subprocess``)."""
        return tuple(sock.fileno() for sock in self.members.get(member, {}).values())

    def environment(self, member: str) -> str:
        """The value of ``CYGNET_SOCKETS`` for ``member``."""
        return encode({name: sock.fileno() for name, sock in self.members.get(member, {}).items()})

    def close(self) -> None:
        """Close every member; daemons keep what they inherited."""
        for sockets in self.members.values():
            for sock in sockets.values():
                sock.close()


def open_group(families: Iterable[int] = (4, 6), ports: tuple[int, int] = (IKE_PORT, NAT_T_PORT),
               members: Sequence[str] = MEMBERS, mark: int | None = options.MARK) -> SocketGroups:
    """Open the groups of the IKE port and the NAT-T port for ``members``, in that order.

    ``espd`` joins only on the NAT-T port. A family that this host lacks is left out. Raises ``OSError``:
    ``EADDRINUSE`` if somebody has a port, an earlier group included; ``EACCES`` without the right to it.
    """
    if not members:
        raise ValueError("a group needs a member")
    opened: dict[str, dict[str, socket.socket]] = {member: {} for member in members}
    try:
        for family in families:
            if options.has_family(family):
                _open_port(opened, family, ports[0], nat_t=False, mark=mark)
                _open_port(opened, family, ports[1], nat_t=True, mark=mark)
    except OSError:
        SocketGroups(opened).close()
        raise
    return SocketGroups(opened)


def encode(descriptors: Mapping[str, int]) -> str:
    """``ike4=3,natt4=4`` from names and descriptors."""
    return ",".join(f"{name}={number}" for name, number in descriptors.items())


def decode(text: str) -> dict[str, int]:
    """Names and descriptors of a ``CYGNET_SOCKETS`` value; raises ``ValueError`` saying what is wrong."""
    found: dict[str, int] = {}
    for item in filter(None, text.split(",")):
        name, _, number = item.partition("=")
        if name[:-1] not in _PREFIXES or name[-1:] not in ("4", "6") or not number.isdecimal():
            raise ValueError(f"{SOCKETS_VARIABLE}: '{item}' is not a socket name with a descriptor")
        if name in found or int(number) in found.values():
            raise ValueError(f"{SOCKETS_VARIABLE}: '{item}' is there twice")
        found[name] = int(number)
    return found


def inherit(environment: Mapping[str, str]) -> dict[str, socket.socket]:
    """The sockets that the environment names, by name; empty without the variable.

    Descriptors are made close-on-exec, so that no updown script holds one. Raises ``ValueError`` for a
    bad value or a descriptor that is no UDP socket.
    """
    sockets: dict[str, socket.socket] = {}
    for name, number in decode(environment.get(SOCKETS_VARIABLE, "")).items():
        try:
            sock = socket.socket(fileno=number)
        except OSError as error:
            raise ValueError(f"{SOCKETS_VARIABLE}: {name}={number}: {error.strerror}") from error
        sockets[name] = sock
        if sock.type != socket.SOCK_DGRAM or sock.family != options.FAMILIES[int(name[-1])]:
            sock.detach()
            raise ValueError(f"{SOCKETS_VARIABLE}: {name}={number} is not such a socket")
        sock.set_inheritable(False)
    return sockets


def _open_port(opened: dict[str, dict[str, socket.socket]], family: int, port: int, *, nat_t: bool,
               mark: int | None) -> None:
    joining = [member for member in opened if nat_t or member != "espd"]
    if not joining:
        return
    _claim(family, port)
    for member in joining:
        prefix = "esp" if member == "espd" else "natt" if nat_t else "ike"
        sock = options.open_udp(family, mark)
        opened[member][f"{prefix}{family}"] = sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((options.ANY[family], port))
        port = port or sock.getsockname()[1]
    program = filters.nat_t_group(joining) if nat_t else filters.ike_group(joining)
    filters.attach_to_group(sock, program)


def _claim(family: int, port: int) -> None:
    """Raise ``OSError`` if anybody has the port, who might even share it.

    Binding with SO_REUSEPORT alone would join the group of another process of our uid, put our program
    on it and upset the places.
    """
    with options.open_udp(family, None) as sock:
        sock.bind((options.ANY[family], port))


def is_taken(error: OSError) -> bool:
    """Whether a bind failed because somebody else has the port."""
    return error.errno == errno.EADDRINUSE
