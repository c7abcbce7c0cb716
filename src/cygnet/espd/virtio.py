"""The header before each packet of a TUN device with IFF_VNET_HDR (virtio 1.2, 5.1.6; ``virtio_net.h``).

The host's stack leaves checksums to us and hands over super-packets; it takes both, too.
"""

from struct import Struct, pack_into

from cygnet.esp.checksums import checksum, pseudo_header
from cygnet.esp.flows import TCP, UDP
from cygnet.esp.superpackets import TCP_CHECKSUM, UDP_CHECKSUM, UDP_HEADER, UDP_LENGTH, SuperPacket

HEADER = Struct("=BBHHHH")
"""Flags, kind of super-packet, octets of headers, payload of a segment, where the checksum begins, and from
there to its place."""
PLAIN = bytes(HEADER.size)
_NEEDS_CHECKSUM = 1
_TCP4, _TCP6, _UDP, _ECN = 1, 4, 5, 0x80
_LEAST_TCP = 20


def completed(framed: memoryview) -> bytes:
    """The packet behind a header as it goes on a wire: with the checksum that the host has left to us, which
    is written into its place."""
    flags, _, _, _, start, place = HEADER.unpack_from(framed)
    start += HEADER.size
    at = start + place
    if flags & _NEEDS_CHECKSUM and at + 2 <= len(framed):
        code = checksum(framed[start:])  # what is at its place is the sum of the pseudo header
        framed[at : at + 2] = b"\xff\xff" if place == UDP_CHECKSUM and code == b"\0\0" else code
    return bytes(framed[HEADER.size :])


def super_packet(header: bytes, packet: memoryview) -> SuperPacket | None:
    """What the host hands over to be cut, ``None`` if it makes no sense."""
    flags, kind, _, size, transport, _ = HEADER.unpack(header)
    kind &= ~_ECN
    if not flags & _NEEDS_CHECKSUM or not size or transport + _LEAST_TCP > len(packet):
        return None
    if kind in (_TCP4, _TCP6):
        end = transport + (packet[transport + 12] >> 4) * 4
        least = transport + _LEAST_TCP
    elif kind == _UDP:
        end = least = transport + UDP_HEADER
    else:
        return None
    if not least <= end < len(packet):
        return None
    return SuperPacket(bytes(packet[:end]), packet[end:], size, transport)


def handed_over(packet: SuperPacket) -> tuple[bytes, bytes | memoryview]:
    """A super-packet as the host takes it: all headers, and the payload."""
    at, start = packet.transport, len(packet.headers)
    headers = bytearray(HEADER.size) + packet.headers
    length = start + len(packet.payload)
    is_ipv4 = packet.headers[0] >> 4 == 4
    kind, place = (_TCP4 if is_ipv4 else _TCP6, TCP_CHECKSUM) if packet.is_tcp else (_UDP, UDP_CHECKSUM)
    HEADER.pack_into(headers, 0, _NEEDS_CHECKSUM, kind, start, packet.size, at, place)
    base = HEADER.size
    if is_ipv4:
        pack_into("!H", headers, base + 2, length)
        headers[base + 10 : base + 12] = b"\0\0"
        headers[base + 10 : base + 12] = checksum(bytes(headers[base : base + at]))
    else:
        pack_into("!H", headers, base + 4, length - 40)
    if not packet.is_tcp:
        pack_into("!H", headers, base + at + UDP_LENGTH, length - at)
    pseudo = pseudo_header(packet.headers, length - at, TCP if packet.is_tcp else UDP)
    pack_into("!H", headers, base + at + place, int.from_bytes(pseudo, "big") % 0xFFFF)
    return bytes(headers), packet.payload
