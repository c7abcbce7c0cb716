"""Joining rows of decrypted packets to super-packets, as a receiving network card does (GRO).

Rows are joined that a stack would take for one packet cut into segments: the same headers but for what
counts up, sequence numbers without gaps, right checksums. Everything else stays as it is. What is joined
comes out again where a stack cuts it, all but the identifications of IPv4, which say nothing of packets
that are not to be fragmented (RFC 6864, 4.1).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from cygnet.esp.checksums import pseudo_header
from cygnet.esp.cut import sums
from cygnet.esp.flows import TCP, UDP
from cygnet.esp.grid import STEPS32, Column, Layout
from cygnet.esp.superpackets import FLAGS, PSH, SEQUENCE, TCP_CHECKSUM, UDP_CHECKSUM, UDP_HEADER, SuperPacket

LEAST = 4
"""Rows joined at least; fewer are not worth the work."""
_PATIENCE = 3
"""After so many rows that join nothing the rest is not looked at."""
_ACK, _ECE = 0x10, 0x40
_DONT_FRAGMENT = b"\x40\x00"


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where a packet that can be joined has its parts: octets ``transport``, ``payload`` and ``end``."""

    transport: int
    payload: int
    end: int
    is_tcp: bool


def join(layout: Layout, count: int) -> Iterator[tuple[SuperPacket | None, int]]:
    """Runs of rows from the first to the last: a super-packet, or ``None``, and how many rows.

    Rows hold a packet with ESP's trailer behind. The trailer of a super-packet's rows is that of its
    first, which is the caller's to look at.
    """
    at, patience = 0, _PATIENCE
    while at < count:
        shape = _shape(bytes(layout.matrix[at])) if count - at >= LEAST and patience else None
        rows = _run(layout, slice(at, count), shape) if shape else 0
        if shape is not None and rows >= LEAST:
            yield _joined(layout, slice(at, at + rows), shape), rows
        else:
            patience -= 1
            rows = max(rows, 1) if patience > 0 else count - at
            yield None, rows
        at += rows


def _shape(packet: bytes) -> _Shape | None:
    """``None`` where nothing may be joined to a packet."""
    if packet[0] == 0x45 and packet[6:8] == _DONT_FRAGMENT:
        transport, protocol, end = 20, packet[9], packet[2] << 8 | packet[3]
    elif packet[0] >> 4 == 6 and len(packet) >= 40:
        transport, protocol, end = 40, packet[6], 40 + (packet[4] << 8 | packet[5])
    else:
        return None
    if end > len(packet) - 2:
        return None
    if protocol == TCP and end >= transport + 20:
        payload = transport + (packet[transport + 12] >> 4) * 4
        plain = packet[transport + FLAGS] & ~_ECE == _ACK and payload >= transport + 20
    elif protocol == UDP and end >= transport + UDP_HEADER:
        payload = transport + UDP_HEADER
        length = packet[transport + 4] << 8 | packet[transport + 5]
        plain = length == end - transport and any(packet[transport + UDP_CHECKSUM : payload])
    else:
        return None
    return _Shape(transport, payload, end, protocol == TCP) if plain and payload < end else None


def _run(layout: Layout, place: slice, shape: _Shape) -> int:
    """How many rows from the first of these on belong together."""
    rows = layout.matrix[place]
    same = rows[:, : shape.payload] == rows[0, : shape.payload]
    same |= _free(shape.transport, shape.payload, shape.is_tcp)
    good = same.all(axis=1)
    good &= (rows[:, shape.end :] == rows[0, shape.end :]).all(axis=1)
    good &= _right(layout, place, shape)
    if not shape.is_tcp:
        good &= layout.field(shape.transport + UDP_CHECKSUM, ">u2")[place] != 0
        return _leading(good)
    sequences = layout.field(shape.transport + SEQUENCE, ">u4")[place]
    size = np.uint32(shape.end - shape.payload)
    good &= sequences == STEPS32[: len(rows)] * size + np.uint32(sequences[0])
    return _up_to_push(rows[:, shape.transport + FLAGS], _leading(good))


def _right(layout: Layout, place: slice, shape: _Shape) -> Column:
    """Whose checksums are right, if the addresses are those of the first."""
    first = bytes(layout.matrix[place.start, : shape.transport])
    length, protocol = shape.end - shape.transport, TCP if shape.is_tcp else UDP
    pseudo = int.from_bytes(pseudo_header(first, length, protocol), "little") % 0xFFFF
    found: Column = (sums(layout, place, shape.transport, shape.end) + np.uint32(pseudo)) % 0xFFFF == 0
    if shape.transport == 20:
        found &= sums(layout, place, 0, 20) % 0xFFFF == 0
    return found


def _leading(good: Column) -> int:
    """How many are true from the first on."""
    return len(good) if good.all() else int(good.argmin())


def _up_to_push(flags: Column, rows: int) -> int:
    """The segment that ends data, if it is no other in that, is the last one."""
    others = np.flatnonzero(flags[:rows] != flags[0])
    if not len(others):
        return rows
    first = int(others[0])
    return first + (int(flags[first]) == int(flags[0]) | PSH)


@cache
def _free(transport: int, payload: int, is_tcp: bool) -> Column:
    """Which octets of the headers may differ: identification, checksums, sequence numbers, flags."""
    found: Column = np.zeros(payload, np.bool_)
    if transport == 20:
        found[[4, 5, 10, 11]] = True
    if is_tcp:
        found[transport + SEQUENCE : transport + SEQUENCE + 4] = True
        found[transport + FLAGS] = True
        found[transport + TCP_CHECKSUM : transport + TCP_CHECKSUM + 2] = True
    else:
        found[transport + UDP_CHECKSUM : transport + UDP_CHECKSUM + 2] = True
    return found


def _joined(layout: Layout, place: slice, shape: _Shape) -> SuperPacket:
    rows = layout.matrix[place]
    headers = bytearray(rows[0, : shape.payload])
    if shape.is_tcp:
        headers[shape.transport + FLAGS] = rows[-1, shape.transport + FLAGS]
    payload = np.ascontiguousarray(rows[:, shape.payload : shape.end])
    size = shape.end - shape.payload
    return SuperPacket(bytes(headers), payload.reshape(-1).data, size, shape.transport)
