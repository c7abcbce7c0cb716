"""Sealing and opening many packets of one SA at once (RFC 4303): what is the same is written once.

Only the cipher is asked for each packet. Sequence numbers, IVs, padding and integrity are those that
packets one by one have.
"""

from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np

from cygnet.esp.associations import TRAILERS, InboundSa, OutboundSa
from cygnet.esp.carriages import IPV4, IPV6
from cygnet.esp.cut import cut
from cygnet.esp.grid import MAX_ROWS, ROOM, STEPS, Grid, Layout, Octets
from cygnet.esp.superpackets import SuperPacket, segment

LEAST = 10
"""Fewer packets are faster one by one."""
_HEADER = 8
_EXTENDED = 12


class Space:
    """Room for the packets of one direction; what is in it is good until it is used again."""

    def __init__(self) -> None:
        self.plain = Grid()
        self.sealed = Grid()
        self.extended = Grid()


def can_seal(sa: OutboundSa, packet: SuperPacket, space: Space) -> bool:
    """Whether :func:`seal_super` is for this: enough packets, and not too many."""
    end = len(packet.headers) + packet.size
    count = len(packet.payload) // packet.size
    if count < LEAST or not sa.many:
        return False
    plain, sealed = space.plain.layout(_padded(end, sa)), space.sealed.layout(_sealed(end, sa))
    return count <= plain.count and count < sealed.count


def seal_super(sa: OutboundSa, packet: SuperPacket, space: Space) -> tuple[memoryview, int]:
    """The ESP packets of all segments one after the other, and the length of each but perhaps the last."""
    end = len(packet.headers) + packet.size
    plain = space.plain.layout(_padded(end, sa))
    count = cut(packet, plain)
    next_header = IPV4 if packet.headers[0] >> 4 == 4 else IPV6
    trailer = TRAILERS[next_header][plain.length - 2 - end]
    plain.matrix[:count, end:] = np.frombuffer(trailer, np.uint8)
    sealed = _seal_rows(sa, plain, count, space)
    used = count * sealed.length
    if count < packet.segments:
        last = sa.seal(segment(packet, count))
        assert isinstance(last, bytes)  # an SA that seals many refuses none
        sealed.memory[used : used + len(last)] = last
        used += len(last)
    return sealed.memory[:used], sealed.length


def open_rows(sa: InboundSa, data: Octets, length: int, space: Space) -> tuple[Layout, int, int] | None:
    """Decrypted payloads in rows, how many, and how many packets more were not authentic.

    ``None`` where the packets are not one after the other: then nothing has happened to the SA.
    """
    count, sealer = len(data) // length, sa.sealer
    start = _HEADER + sealer.iv_size
    if count > MAX_ROWS or len(data) > ROOM or length < start + sealer.icv_size + 2:
        return None
    sealed = space.sealed.load(data, length)
    numbers = sa.window.successors(sealed.field(4, ">u4")[:count].tolist())
    if not numbers:
        return None
    plain = space.plain.layout(length - start - sealer.icv_size)
    aads, trailers = _authenticated(sa, sealed, numbers, space)
    ivs, bodies = sealed.slices(_HEADER, start, count), sealed.slices(start, length, count)
    places = plain.slices(0, plain.length, count)
    failed = sealer.open_all(zip(ivs, bodies, aads, trailers, places, strict=False))
    if failed:
        lost = set(failed)
        numbers = [number for row, number in enumerate(numbers) if row not in lost]
        plain.matrix[: len(numbers)] = np.delete(plain.matrix[:count], failed, axis=0)
    sa.window.accept_all(numbers)
    return plain, len(numbers), len(failed)


def _seal_rows(sa: OutboundSa, plain: Layout, count: int, space: Space) -> Layout:
    """Plaintext with trailers to ESP packets."""
    sealer, first = sa.sealer, sa.take(count)
    start = _HEADER + sealer.iv_size
    sealed = space.sealed.layout(start + plain.length + sealer.icv_size)
    numbers = STEPS[:count] + np.uint64(first)
    sealed.field(0, ">u4")[:count] = sa.parameters.spi
    sealed.field(4, ">u4")[:count] = numbers & np.uint64(0xFFFFFFFF)
    if sealer.counter_mode:
        sealed.field(_HEADER, ">u8")[:count] = numbers
    elif sealer.iv_size:
        fresh = np.frombuffer(sa.iv(count), np.uint8)
        sealed.matrix[:count, _HEADER:start] = fresh.reshape(count, sealer.iv_size)
    aads, trailers = _authenticated(sa, sealed, range(first, first + count), space)
    ivs, bodies = sealed.slices(_HEADER, start, count), plain.slices(0, plain.length, count)
    places = sealed.slices(start, sealed.length, count)
    sealer.seal_all(zip(ivs, bodies, aads, trailers, places, strict=False))
    return sealed


def _authenticated(
    sa: OutboundSa | InboundSa, sealed: Layout, numbers: Sequence[int], space: Space
) -> tuple[list[memoryview], Iterable[bytes]]:
    """What is authenticated before and after each packet's own octets (RFC 4303, 2.2.1; RFC 4106, 5).

    There are just as many trailers as packets, perhaps more of the other.
    """
    count = len(numbers)
    if not sa.parameters.esn:
        return sealed.slices(0, _HEADER, count), repeat(b"", count)
    if not sa.sealer.aead:
        return sealed.slices(0, _HEADER, count), [(number >> 32).to_bytes(4, "big") for number in numbers]
    extended = space.extended.layout(_EXTENDED)
    extended.field(0, ">u4")[:count] = sa.parameters.spi
    extended.field(4, ">u8")[:count] = numbers
    return extended.slices(0, _EXTENDED, count), repeat(b"", count)


def _padded(end: int, sa: OutboundSa) -> int:
    """Octets of a packet with its trailer."""
    return end + -(end + 2) % sa.align + 2


def _sealed(end: int, sa: OutboundSa) -> int:
    return _HEADER + sa.sealer.iv_size + _padded(end, sa) + sa.sealer.icv_size
