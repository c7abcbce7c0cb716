"""Datagrams put together that one system call can send: of one SA, one length, one outer header.

Only the last of a burst may be shorter, which is what UDP_SEGMENT asks for (Linux ``udp.h``).
"""

from collections.abc import Iterable, Iterator

from cygnet.esp.associations import OutboundSa
from cygnet.esp.grid import Octets
from cygnet.esp.outgoing import Sealed

MAX_SEGMENTS = 64
"""UDP_MAX_SEGMENTS of kernels before 6.9; later ones take 128."""
MAX_OCTETS = 65000
"""UDP over IPv6 carries 65487 octets."""

Burst = tuple[OutboundSa, int, list[Octets], int]
"""The SA, the outer header, octets of datagrams, and the length of each but perhaps the last."""


def bursts(datagrams: Iterable[Sealed]) -> Iterator[Burst]:
    """The same datagrams in the same order."""
    parts: list[Octets] = []
    current: Burst | None = None
    octets = 0
    for sa, outer, data, size in datagrams:
        if len(data) > size:
            if current is not None:
                yield current
                current = None
            yield from _cut((sa, outer, [data], size), data)
            continue
        if current is not None and _goes_with(current, sa, outer, size) and octets + size <= MAX_OCTETS:
            parts.append(data)
            octets += size
            if size == current[3] and len(parts) < MAX_SEGMENTS:
                continue
            yield current
            current = None
            continue
        if current is not None:
            yield current
        parts, octets = [data], size
        current = (sa, outer, parts, size)
    if current is not None:
        yield current


def _goes_with(burst: Burst, sa: OutboundSa, outer: int, size: int) -> bool:
    return burst[0] is sa and burst[1] == outer and size <= burst[3]


def _cut(burst: Burst, data: Octets) -> Iterator[Burst]:
    """Many datagrams of one length, as many at a time as may be."""
    sa, outer, _, size = burst
    step = max(min(MAX_SEGMENTS, MAX_OCTETS // size), 1) * size
    for start in range(0, len(data), step):
        yield sa, outer, [data[start : start + step]], size
