"""Cutting super-packets into rows: what :func:`~cygnet.esp.superpackets.split` does, for all at once.

Segments of full size make rows of one length; one last shorter segment is left to ``segment``.
Checksums are remainders modulo 2^16 - 1 (RFC 1071), to which words add up in any byte order.
"""

import numpy as np

from cygnet.esp.checksums import pseudo_header
from cygnet.esp.flows import TCP, UDP
from cygnet.esp.grid import STEPS32, Column, Layout
from cygnet.esp.superpackets import (
    CWR,
    FIN,
    FLAGS,
    PSH,
    SEQUENCE,
    TCP_CHECKSUM,
    UDP_CHECKSUM,
    SuperPacket,
    flags,
    template,
)

_MODULUS = 0xFFFF


def cut(packet: SuperPacket, layout: Layout) -> int:
    """Write the segments of full size to the beginning of each row; how many there are.

    The layout has room for so many rows, and in each for such a segment.
    """
    size, at, start = packet.size, packet.transport, len(packet.headers)
    count = len(packet.payload) // size
    headers = template(packet, size)
    if packet.is_tcp:
        headers[at + FLAGS] &= ~(FIN | PSH | CWR)
    rows = layout.matrix[:count]
    rows[:, :start] = np.frombuffer(headers, np.uint8)
    rows[:, start : start + size] = np.frombuffer(packet.payload, np.uint8, count * size).reshape(count, size)
    if headers[0] >> 4 == 4:
        _count_up(headers[:at], layout, count)
    if packet.is_tcp:
        sequence = int.from_bytes(headers[at + SEQUENCE : at + SEQUENCE + 4], "big")
        layout.field(at + SEQUENCE, ">u4")[:count] = STEPS32[:count] * np.uint32(size) + np.uint32(sequence)
        rows[0, at + FLAGS] = flags(packet, 0)
        rows[count - 1, at + FLAGS] = flags(packet, count - 1)
    _check(headers, packet, layout, count)
    return count


def sums(layout: Layout, rows: slice, start: int, end: int) -> Column:
    """The sums of the little-endian 16-bit words of octets ``start`` to ``end``, one for each row."""
    found: Column = layout.words(start, end)[rows].sum(axis=1, dtype=np.uint32)
    if (end - start) % 2:
        found += layout.matrix[rows, end - 1]
    return found


def _count_up(header: bytearray, layout: Layout, count: int) -> None:
    """Identifications and checksums of IPv4 headers."""
    first = int.from_bytes(header[4:6], "big")
    others = int.from_bytes(header[:4] + header[6:], "big") % _MODULUS
    identifications = (STEPS32[:count] + np.uint32(first)) & np.uint32(0xFFFF)
    layout.field(4, ">u2")[:count] = identifications
    layout.field(10, ">u2")[:count] = _complement(identifications + np.uint32(others))


def _check(headers: bytearray, packet: SuperPacket, layout: Layout, count: int) -> None:
    """Transport checksums."""
    at, end = packet.transport, len(headers) + packet.size
    protocol, place = (TCP, TCP_CHECKSUM) if packet.is_tcp else (UDP, UDP_CHECKSUM)
    pseudo = int.from_bytes(pseudo_header(headers, end - at, protocol), "little") % _MODULUS
    codes = _complement(sums(layout, slice(count), at, end) + np.uint32(pseudo))
    if not packet.is_tcp:
        codes[codes == 0] = _MODULUS
    layout.field(at + place, "<u2")[:count] = codes


def _complement(totals: Column) -> Column:
    """What makes these sums 0 in one's complement arithmetic."""
    found: Column = (_MODULUS - totals % _MODULUS) % _MODULUS
    return found
