"""The sockets on the outside: raw ESP and ESP in UDP, of both families, and raw IP for what passes in clear.

ESP in UDP comes by UDP sockets, or, where another daemon has the port, by raw sockets for UDP, whose headers
we read and write: the checksum is zero for IPv4 (RFC 3948, 2.1), and the kernel's for IPv6.

All are marked, so that their packets do not look at the tunnels' routes. ESP leaves with the SA's own
source address, the outer TOS octet given for each packet, and its TTL where the mode keeps it. Path MTU
discovery is the kernel's, which tells on the error queue what it learns and fragments what a path is known
not to carry; on UDP over IPv4 only where it is told to, since bursts that it cuts have DF in no other way.
"""

import errno
import socket
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from struct import Struct
from weakref import WeakValueDictionary

from cygnet.base.addresses import Address
from cygnet.esp.associations import OutboundSa
from cygnet.esp.incoming import Datagrams
from cygnet.esp.outgoing import Sealed
from cygnet.esp.records import SaParameters
from cygnet.espd.receiving import Receiving
from cygnet.espd.sending import Sending
from cygnet.espd.ways import IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_PMTUDISC_WANT, Way
from cygnet.kernel.backends.host import MARK

_IP_RECVERR, _IP_RECVTTL, _IP_RECVTOS = 11, 12, 13
_IPV6_MTU_DISCOVER, _IPV6_RECVERR, _IPV6_RECVHOPLIMIT, _IPV6_RECVTCLASS = 23, 25, 51, 66
_IPV6_HDRINCL = 36
_UDP_GRO = 104
_ON = 1
_OPTIONS = {
    4: (_IP_RECVERR, _IP_RECVTOS, _IP_RECVTTL),
    6: (_IPV6_RECVERR, _IPV6_RECVTCLASS, _IPV6_RECVHOPLIMIT),
}
_DISCOVER = {4: IP_MTU_DISCOVER, 6: _IPV6_MTU_DISCOVER}
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_BUFFER = 8 << 20
_ESP, _RAW = 50, 255
_EXTENDED_ERROR = Struct("=IBBBBII")

Ends = tuple[Address, Address, tuple[int, int] | None]
"""Source, destination and, in UDP, their ports."""


class Sockets:
    """All outer sockets. ``lost`` counts what the kernel did not send, by reason."""

    def __init__(self, lost: Counter[str]) -> None:
        """Open the raw sockets; a family that this host lacks, or a missing right, leaves one out."""
        self._raw: dict[int, socket.socket] = {}
        self._udp: dict[int, socket.socket] = {}
        self._clear: dict[int, socket.socket] = {}
        self._lost = lost
        self._ways: WeakValueDictionary[Ends, Way] = WeakValueDictionary()
        self._sending, self._receiving = Sending(lost, self._way), Receiving(lost)
        for family, kind in ((4, socket.AF_INET), (6, socket.AF_INET6)):
            with suppress(OSError):
                self._raw[family] = _prepared(socket.socket(kind, socket.SOCK_RAW, _ESP), family)
                clear = _prepared(socket.socket(kind, socket.SOCK_RAW, _RAW), family)
                if family == 6:
                    clear.setsockopt(socket.IPPROTO_IPV6, _IPV6_HDRINCL, 1)
                self._clear[family] = clear

    def adopt(self, sockets: Mapping[str, socket.socket]) -> list[socket.socket]:
        """Use these for ESP in UDP (``esp4``, ``esp6``), and no others: returns the old ones to close."""
        replaced = list(self._udp.values())
        self._ways.clear()
        self._udp = {int(name[-1]): _prepared(own, int(name[-1])) for name, own in sockets.items()}
        return replaced

    def receiving(self) -> list[socket.socket]:
        """The sockets to wait on."""
        return [*self._raw.values(), *self._udp.values()]

    def can_send(self, family: int, udp: bool) -> bool:
        """Whether there is a socket for such packets."""
        return family in (self._udp if udp else self._raw)

    def receive(self, own: socket.socket, limit: int) -> list[Datagrams]:
        """ESP packets that wait on a socket of :meth:`receiving`, in up to ``limit`` calls; good until the
        next time."""
        return self._receiving.receive(own, limit)

    @property
    def calls(self) -> int:
        """How many calls the last :meth:`receive` has made that gave something."""
        return self._receiving.calls

    def send(self, datagrams: Sequence[Sealed]) -> None:
        """Send protected packets; those that the kernel refuses are lost and counted."""
        self._sending.send(datagrams)

    def send_clear(self, packets: Iterable[bytes]) -> None:
        """Send whole IP packets as they are, past the tunnels' routes."""
        for packet in packets:
            family = packet[0] >> 4
            own = self._clear.get(family)
            destination = ip_address(packet[16:20] if family == 4 else packet[24:40])
            try:
                if own is not None:
                    own.sendto(packet, (str(destination), 0))
            except OSError as error:
                self._lost[str(error.strerror)] += 1

    def learned(self, own: socket.socket) -> list[tuple[Address, int]]:
        """Empty a socket's error queue: outer addresses with the path MTU the kernel was told."""
        found: list[tuple[Address, int]] = []
        with suppress(OSError):
            while True:
                _, ancillary, _, peer = own.recvmsg(0, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
                for _, kind, data in ancillary:
                    if kind not in (_IP_RECVERR, _IPV6_RECVERR) or len(data) < _EXTENDED_ERROR.size:
                        continue
                    number, _, _, _, _, mtu, _ = _EXTENDED_ERROR.unpack_from(data)
                    if number == errno.EMSGSIZE and mtu and peer:
                        found.append((ip_address(peer[0]), mtu))
        return found

    def close(self) -> None:
        """Close all of them."""
        for own in (*self._raw.values(), *self._udp.values(), *self._clear.values()):
            own.close()

    def _way(self, sa: OutboundSa) -> Way:
        """An SA's, kept with it."""
        way = sa.attachment
        if way is None:
            way = sa.attachment = self._found_way(sa.parameters)
        assert isinstance(way, Way)
        return way

    def _found_way(self, parameters: SaParameters) -> Way:
        """That of other SAs between the same ends, so that what they send goes together, or a new one."""
        ports, family = parameters.encapsulation, parameters.destination.version
        ends = parameters.source, parameters.destination, ports
        way = self._ways.get(ends)
        if way is None:
            own = self._udp[family] if ports else self._raw[family]
            way = self._ways[ends] = Way(own, *ends)
        return way


def _prepared(own: socket.socket, family: int) -> socket.socket:
    own.setblocking(False)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
    for force, plain in ((_SO_SNDBUFFORCE, socket.SO_SNDBUF), (_SO_RCVBUFFORCE, socket.SO_RCVBUF)):
        try:
            own.setsockopt(socket.SOL_SOCKET, force, _BUFFER)
        except PermissionError:
            own.setsockopt(socket.SOL_SOCKET, plain, _BUFFER)
    level = socket.IPPROTO_IP if family == 4 else socket.IPPROTO_IPV6
    for option in _OPTIONS[family]:
        own.setsockopt(level, option, _ON)
    strict = own.type == socket.SOCK_DGRAM and family == 4
    own.setsockopt(level, _DISCOVER[family], IP_PMTUDISC_DO if strict else IP_PMTUDISC_WANT)
    if own.type == socket.SOCK_DGRAM:
        with suppress(OSError):  # kernels before 5.0
            own.setsockopt(socket.IPPROTO_UDP, _UDP_GRO, _ON)
    return own
