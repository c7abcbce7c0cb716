"""Sending ESP: many datagrams by one system call where the kernel cuts them, else one by one.

What the kernel does not take is lost and counted; TCP sends it again, and waiting would hold up all others.
"""

import errno
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from struct import Struct

from cygnet.esp.associations import OutboundSa
from cygnet.esp.grid import Octets
from cygnet.esp.outgoing import Sealed
from cygnet.espd.bursts import bursts
from cygnet.espd.ways import Ancillary, Way

_UDP_SEGMENT = 103
_SIZE = Struct("=H")
_UNABLE = frozenset({errno.EIO, errno.EOPNOTSUPP, errno.ENOPROTOOPT})
"""The kernel, or the device, does not cut for us."""
_UNFIT = frozenset({errno.EINVAL, errno.EMSGSIZE})
"""It does not cut these: the path is too narrow for them, and they leave in fragments."""
_TRANSIENT = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EMSGSIZE, errno.ENETUNREACH})


class Sending:
    """Sends what was sealed. ``lost`` counts datagrams that were not sent, by reason; ``way_of`` has the way
    of an SA, the same one for SAs between the same ends."""

    def __init__(self, lost: Counter[str], way_of: Callable[[OutboundSa], Way]) -> None:
        self._lost = lost
        self._way_of = way_of

    def send(self, datagrams: Sequence[Sealed]) -> None:
        """Send in order."""
        way_of = self._way_of
        if len(datagrams) == 1:
            sa, outer, data, size = datagrams[0]
            if len(data) <= size:
                way = way_of(sa)
                self._one(way, way.ancillary(outer), data)
                return
        for way, outer, parts, size in bursts((way_of(one[0]), *one[1:]) for one in datagrams):
            ancillary = way.ancillary(outer)
            if way.cuts and (len(parts) > 1 or len(parts[0]) > size):
                self._many(way, ancillary, parts, size)
            else:
                self._one_by_one(way, ancillary, parts, size)

    def _many(self, way: Way, ancillary: Ancillary, parts: list[Octets], size: int) -> None:
        cutting = [*ancillary, (socket.IPPROTO_UDP, _UDP_SEGMENT, _SIZE.pack(size))]
        try:
            way.socket.sendmsg(parts, cutting, 0, way.address)
        except OSError as error:
            if error.errno in _UNABLE:
                way.cuts = False
            elif error.errno not in _UNFIT | _TRANSIENT:
                self._lose(error, sum(-(-len(part) // size) for part in parts))
                return
            self._one_by_one(way, ancillary, parts, size)

    def _one_by_one(self, way: Way, ancillary: Ancillary, parts: list[Octets], size: int) -> None:
        for part in parts:
            if len(part) <= size:
                self._one(way, ancillary, part)
                continue
            for start in range(0, len(part), size):
                self._one(way, ancillary, part[start : start + size])

    def _one(self, way: Way, ancillary: Ancillary, data: Octets) -> None:
        data = way.framed(data)
        try:
            way.socket.sendmsg((data,), ancillary, 0, way.address)
        except OSError as error:
            self._again(error, way, ancillary, data)

    def _again(self, error: OSError, way: Way, ancillary: Ancillary, data: Octets) -> None:
        """An ICMP error of an earlier packet is reported on the next one, which is then sent once more.

        What is still too large for the path leaves in fragments.
        """
        if error.errno in _TRANSIENT:
            try:
                if error.errno == errno.EMSGSIZE:
                    way.send_in_fragments(data, ancillary)
                else:
                    way.socket.sendmsg((data,), ancillary, 0, way.address)
                return
            except OSError as second:
                error = second
        self._lose(error, 1)

    def _lose(self, error: OSError, packets: int) -> None:
        self._lost[str(error.strerror)] += packets
