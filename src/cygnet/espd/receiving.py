"""Receiving ESP: many datagrams by one system call where the kernel puts them together (UDP_GRO).

Datagrams that come one by one lie one after the other in memory, too, so that what is of one length, from
one sender and with one outer header goes on as one piece.
"""

import os
import socket
from collections import Counter
from collections.abc import Callable
from struct import Struct
from sys import byteorder

from cygnet.esp.incoming import Datagrams
from cygnet.espd.ways import TOS_KINDS, TTL_KINDS

_LARGEST = 65536
_MEMORY = 4 * _LARGEST
_ANCILLARY = 192
_UDP_GRO = (socket.IPPROTO_UDP, 104)
_SHIFTS = {**dict.fromkeys(TOS_KINDS, 0), **dict.fromkeys(TTL_KINDS, 8)}
"""Where what the kernel tells of an outer header goes."""
_IPV4_HEADER = 20
_ESP = 50
_UDP = Struct(">HHHH")

Peer = tuple[str, int] | None
_Reader = Callable[[socket.socket, int], tuple[int, int, int, int, Peer]]
"""Where octets begin and end in the memory, the length of each datagram, outer TOS octet and TTL, sender."""


class _Piece:
    """Octets ``start`` to ``end`` of the memory: datagrams of ``size``, perhaps a shorter last one."""

    __slots__ = ("end", "outer", "peer", "size", "start")

    def __init__(self, start: int, end: int, size: int, outer: int, peer: Peer) -> None:
        self.start, self.end, self.size, self.outer, self.peer = start, end, size, outer, peer

    def grow(self, end: int, size: int, outer: int, peer: Peer) -> bool:
        """Take what lies behind, if it goes with this."""
        octets = self.end - self.start
        fits = 0 < size <= self.size and octets % self.size == 0 and octets + size < _LARGEST
        if fits and outer == self.outer and peer == self.peer and end - self.end == size:
            self.end = end
            return True
        return False


class Receiving:
    """Reads sockets. ``lost`` counts errors by reason.

    ``calls``: how many gave something, of those that the last :meth:`receive` has made.
    """

    def __init__(self, lost: Counter[str]) -> None:
        self._lost = lost
        self.calls = 0
        self._memory = memoryview(bytearray(_MEMORY))
        self._room = (self._memory[:_LARGEST],)
        self._header = memoryview(bytearray(_IPV4_HEADER))

    def receive(self, own: socket.socket, limit: int) -> list[Datagrams]:
        """What waits on a socket, in up to ``limit`` calls; good until the next time."""
        memory, pieces, end = self._memory, list[_Piece](), 0
        read = self._reader(own)
        self.calls = 0
        if limit == 1:
            return self._single(own, read)
        try:
            while limit and end + _LARGEST <= _MEMORY:
                limit -= 1
                start, end, size, outer, peer = read(own, end)
                self.calls += 1
                if not (pieces and start == pieces[-1].end and pieces[-1].grow(end, size, outer, peer)):
                    pieces.append(_Piece(start, end, size, outer, peer))
        except BlockingIOError:
            pass
        except OSError as error:
            self._lost[str(error.strerror)] += 1
        return [(memory[one.start : one.end], one.size, one.outer, one.peer) for one in pieces]

    def _single(self, own: socket.socket, read: _Reader) -> list[Datagrams]:
        """What one call gives."""
        try:
            start, end, size, outer, peer = read(own, 0)
        except BlockingIOError:
            return []
        except OSError as error:
            self._lost[str(error.strerror)] += 1
            return []
        self.calls = 1
        return [(self._memory[start:end], size, outer, peer)]

    def _reader(self, own: socket.socket) -> _Reader:
        if own.type != socket.SOCK_RAW:
            return self._other
        if own.proto == socket.IPPROTO_UDP:
            return self._raw_udp
        return self._raw4 if own.family == socket.AF_INET else self._other

    def _raw_udp(self, own: socket.socket, start: int) -> tuple[int, int, int, int, Peer]:
        """A raw socket for UDP gives the UDP header too, which comes off; of one cut short nothing stays."""
        if own.family == socket.AF_INET:
            start, end, _, outer, _ = self._raw4(own, start)
            source = socket.inet_ntop(socket.AF_INET, self._header[12:16])
        else:
            start, end, _, outer, peer = self._other(own, start)
            source = peer[0] if peer else ""
        if end - start < _UDP.size:
            return start, start, 0, outer, None
        port, _, length, _ = _UDP.unpack_from(self._memory, start)
        if not _UDP.size < length <= end - start:
            return start, start, 0, outer, None
        return start + _UDP.size, start + length, length - _UDP.size, outer, (source, port)

    def _raw4(self, own: socket.socket, start: int) -> tuple[int, int, int, int, Peer]:
        """A raw IPv4 socket gives the IP header too, which stays apart; with it there is nothing that
        recvmsg would tell besides, and readv is faster."""
        header = self._header
        count = os.readv(own.fileno(), (header, self._memory[start : start + _LARGEST]))
        end = max(start + count - _IPV4_HEADER, start)
        start = min(start + (header[0] & 15) * 4 - _IPV4_HEADER, end)
        return start, end, end - start, header[1] | header[8] << 8, None

    def _other(self, own: socket.socket, start: int) -> tuple[int, int, int, int, Peer]:
        room = (self._memory[start : start + _LARGEST],) if start else self._room
        count, ancillary, _, peer = own.recvmsg_into(room, _ANCILLARY)
        outer, size = 0, count
        for level, kind, data in ancillary:
            shift = _SHIFTS.get((level, kind))
            if shift is not None:
                outer |= int.from_bytes(data, byteorder) << shift
            elif (level, kind) == _UDP_GRO:
                size = int.from_bytes(data, byteorder)
        return start, start + count, size, outer, peer[:2] if own.proto != _ESP else None
