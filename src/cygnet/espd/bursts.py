"""Datagrams put together that one system call can send: of one way, one length, one outer header.

Only the last of a burst may be shorter, which is what UDP_SEGMENT asks for (Linux ``udp.h``).
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from cygnet.esp.grid import Octets

MAX_SEGMENTS = 64
"""UDP_MAX_SEGMENTS of kernels before 6.9; later ones take 128."""
MAX_OCTETS = 65000
"""UDP over IPv6 carries 65487 octets."""

W = TypeVar("W")
Leaving = tuple[W, int, Octets, int]
"""How it leaves (the same object for what may go together), and what ``esp.outgoing.Sealed`` has besides."""
Burst = tuple[W, int, list[Octets], int]
"""The way, the outer header, octets of datagrams, and the length of each but perhaps the last."""


def bursts(datagrams: Iterable[Leaving[W]]) -> Iterator[Burst[W]]:
    """The same datagrams in the same order."""
    parts: list[Octets] = []
    current: Burst[W] | None = None
    octets = 0
    for way, outer, data, size in datagrams:
        if len(data) > size:
            if current is not None:
                yield current
                current = None
            yield from _cut((way, outer, [data], size), data)
            continue
        if current is not None and _goes_with(current, way, outer, size) and octets + size <= MAX_OCTETS:
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
        current = (way, outer, parts, size)
    if current is not None:
        yield current


def _goes_with(burst: Burst[W], way: W, outer: int, size: int) -> bool:
    return burst[0] is way and burst[1] == outer and size <= burst[3]


def _cut(burst: Burst[W], data: Octets) -> Iterator[Burst[W]]:
    """Many datagrams of one length, as many at a time as may be."""
    way, outer, _, size = burst
    step = max(min(MAX_SEGMENTS, MAX_OCTETS // size), 1) * size
    for start in range(0, len(data), step):
        yield way, outer, [data[start : start + step]], size
