"""The sockets on the outside: raw ESP and ESP in UDP, of both families, and raw IP for what passes in clear.

All are marked, so that their packets do not look at the tunnels' routes. ESP leaves with the SA's own
source address, the outer TOS octet given for each packet, and its TTL where the mode keeps it; DF is the
kernel's, which fragments what the path is known not to carry (``IP_PMTUDISC_WANT``) and tells on the error
queue what it learns.
"""

import errno
import socket
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from ipaddress import ip_address
from struct import Struct
from sys import byteorder

from cygnet.base.addresses import Address
from cygnet.esp.associations import OutboundSa
from cygnet.esp.plane import Datagram
from cygnet.kernel.backends.host import MARK

_IP_TTL, _IP_PKTINFO, _IP_MTU_DISCOVER, _IP_RECVERR, _IP_RECVTTL, _IP_RECVTOS = 2, 8, 10, 11, 12, 13
_IPV6_MTU_DISCOVER, _IPV6_RECVERR, _IPV6_PKTINFO, _IPV6_RECVTCLASS, _IPV6_TCLASS = 23, 25, 50, 66, 67
_IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT = 51, 52
_IPV6_HDRINCL = 36
_ON = 1
"""Also the value of ``IP_PMTUDISC_WANT``."""
_OPTIONS = {
    4: (_IP_MTU_DISCOVER, _IP_RECVERR, _IP_RECVTOS, _IP_RECVTTL),
    6: (_IPV6_MTU_DISCOVER, _IPV6_RECVERR, _IPV6_RECVTCLASS, _IPV6_RECVHOPLIMIT),
}
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_BUFFER = 8 << 20
_ESP, _RAW = 50, 255
_LARGEST = 65536
_ANCILLARY = 96
_MAX_OUTER = 1024
_PKTINFO4 = Struct("=i4s4s")
_PKTINFO6 = Struct("=16si")
_INT = Struct("=i")
_EXTENDED_ERROR = Struct("=IBBBBII")
_TOS_KINDS = ((socket.IPPROTO_IP, socket.IP_TOS), (socket.IPPROTO_IPV6, _IPV6_TCLASS))
_TTL_KINDS = ((socket.IPPROTO_IP, _IP_TTL), (socket.IPPROTO_IPV6, _IPV6_HOPLIMIT))
_TRANSIENT = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EMSGSIZE, errno.ENETUNREACH})

Ancillary = list[tuple[int, int, bytes]]


class Way:
    """How one SA's datagrams leave: socket, address, and ancillary data for each TOS octet and TTL."""

    __slots__ = ("_fixed", "_tos", "_ttl", "address", "ancillary", "socket")

    def __init__(self, own: socket.socket, source: Address, destination: Address, port: int) -> None:
        self.socket = own
        self.address = (str(destination), port)
        family = 0 if source.version == 4 else 1
        self._tos, self._ttl = _TOS_KINDS[family], _TTL_KINDS[family]
        if source.version == 4:
            self._fixed = (socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO4.pack(0, source.packed, bytes(4)))
        else:
            self._fixed = (socket.IPPROTO_IPV6, _IPV6_PKTINFO, _PKTINFO6.pack(source.packed, 0))
        self.ancillary: dict[int, Ancillary] = {0: [self._fixed]}

    def with_outer(self, outer: int) -> Ancillary:
        """Source address, TOS octet, and TTL unless it is 0, as ancillary data; a limited number is kept."""
        if len(self.ancillary) >= _MAX_OUTER:
            self.ancillary = {0: [self._fixed]}
        found = [self._fixed, (*self._tos, _INT.pack(outer & 255))]
        if outer >> 8:
            found.append((*self._ttl, _INT.pack(outer >> 8)))
        self.ancillary[outer] = found
        return found


class Sockets:
    """All outer sockets. ``errors`` counts what the kernel did not send, by reason."""

    def __init__(self) -> None:
        """Open the raw sockets; a family that this host lacks, or a missing right, leaves one out."""
        self._raw: dict[int, socket.socket] = {}
        self._udp: dict[int, socket.socket] = {}
        self._clear: dict[int, socket.socket] = {}
        self.errors: Counter[str] = Counter()
        for family, kind in ((4, socket.AF_INET), (6, socket.AF_INET6)):
            with suppress(OSError):
                self._raw[family] = _prepared(socket.socket(kind, socket.SOCK_RAW, _ESP), family)
                clear = _prepared(socket.socket(kind, socket.SOCK_RAW, _RAW), family)
                if family == 6:
                    clear.setsockopt(socket.IPPROTO_IPV6, _IPV6_HDRINCL, 1)
                self._clear[family] = clear

    def adopt(self, sockets: Mapping[str, socket.socket]) -> list[socket.socket]:
        """Use these UDP sockets (``esp4``, ``esp6``); returns those they replace, closed by the caller."""
        replaced = []
        for name, own in sockets.items():
            family = int(name[-1])
            if family in self._udp:
                replaced.append(self._udp[family])
            self._udp[family] = _prepared(own, family)
        return replaced

    def receiving(self) -> list[socket.socket]:
        """The sockets to wait on."""
        return [*self._raw.values(), *self._udp.values()]

    def can_send(self, family: int, udp: bool) -> bool:
        """Whether there is a socket for such packets."""
        return family in (self._udp if udp else self._raw)

    def receive(self, own: socket.socket, limit: int) -> list[Datagram]:
        """Up to ``limit`` ESP packets that wait on a socket of :meth:`receiving`."""
        found: list[Datagram] = []
        raw, udp = own.type == socket.SOCK_RAW, own.type == socket.SOCK_DGRAM
        header = raw and own.family == socket.AF_INET
        receive = own.recvmsg
        while len(found) < limit:
            try:
                data, ancillary, _, peer = receive(_LARGEST, _ANCILLARY)
            except BlockingIOError:
                break
            except OSError as error:
                self.errors[str(error.strerror)] += 1
                break
            if header:
                found.append((data[(data[0] & 15) * 4 :], data[1] | data[8] << 8, None))
            else:
                found.append((data, _outer(ancillary), peer[:2] if udp else None))
        return found

    def send(self, datagrams: Iterable[tuple[OutboundSa, int, bytes]]) -> None:
        """Send protected packets; one that the kernel refuses is lost and counted."""
        for sa, outer, data in datagrams:
            way = sa.attachment
            if not isinstance(way, Way):
                way = sa.attachment = self._way(sa)
            ancillary = way.ancillary.get(outer) or way.with_outer(outer)
            try:
                way.socket.sendmsg((data,), ancillary, 0, way.address)
            except OSError as error:
                self._again(error, way, ancillary, data)

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
                self.errors[str(error.strerror)] += 1

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
        parameters = sa.parameters
        ports, family = parameters.encapsulation, parameters.destination.version
        own = self._udp[family] if ports else self._raw[family]
        return Way(own, parameters.source, parameters.destination, ports[1] if ports else 0)

    def _again(self, error: OSError, way: Way, ancillary: Ancillary, data: bytes) -> None:
        """An ICMP error of an earlier packet is reported on the next one, which is then sent once more."""
        if error.errno in _TRANSIENT:
            try:
                way.socket.sendmsg((data,), ancillary, 0, way.address)
                return
            except OSError as second:
                error = second
        self.errors[str(error.strerror)] += 1


def _outer(ancillary: Ancillary) -> int:
    """TOS octet or traffic class, and 256 times the TTL; sockets of starter's tell the destination too."""
    outer = 0
    for level, kind, data in ancillary:
        if (level, kind) in _TOS_KINDS:
            outer |= int.from_bytes(data, byteorder)
        elif (level, kind) in _TTL_KINDS:
            outer |= int.from_bytes(data, byteorder) << 8
    return outer


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
    return own
