"""The header of a TUN device: what the host hands over, and what it takes."""

from dataclasses import replace

import pytest

from cygnet.esp.checksums import pseudo_header
from cygnet.esp.superpackets import SuperPacket, split
from cygnet.espd import virtio
from espkit import TCP, UDP, canonical, super_packet

PLACES = {TCP: 16, UDP: 6}
KINDS = {(4, TCP): 1, (6, TCP): 4, (4, UDP): 5, (6, UDP): 5}


def left_to_us(packet: bytes, transport: int, protocol: int) -> bytes:
    """A packet with the sum of its pseudo header where the checksum belongs."""
    at = transport + PLACES[protocol]
    pseudo = int.from_bytes(pseudo_header(packet, len(packet) - transport, protocol), "big") % 0xFFFF
    return packet[:at] + pseudo.to_bytes(2, "big") + packet[at + 2 :]


@pytest.mark.parametrize("protocol", [TCP, UDP])
@pytest.mark.parametrize("version", [4, 6])
def test_checksum_left_to_us_is_completed(version, protocol):
    packet = super_packet(bytes(range(101)), 101, version, protocol)
    [whole] = split(packet)
    header = virtio.HEADER.pack(1, 0, 0, 0, packet.transport, PLACES[protocol])
    assert completed(header, left_to_us(whole, packet.transport, protocol)) == whole


def completed(header: bytes, packet: bytes) -> bytes:
    return virtio.completed(memoryview(bytearray(header + packet)))


def test_packets_with_a_checksum_or_a_senseless_place_stay_as_they_are():
    [whole] = split(super_packet(bytes(10), 10))
    assert completed(virtio.PLAIN, whole) == whole
    assert completed(virtio.HEADER.pack(1, 0, 0, 0, 49, 1), whole) == whole


@pytest.mark.parametrize("protocol", [TCP, UDP])
@pytest.mark.parametrize("version", [4, 6])
def test_super_packets_are_taken_as_they_are_handed_over(version, protocol):
    packet = super_packet(bytes(range(250)), 100, version, protocol)
    headers, payload = virtio.handed_over(packet)
    header, whole = headers[: virtio.HEADER.size], headers[virtio.HEADER.size :] + bytes(payload)
    flags, kind, length, size, start, place = virtio.HEADER.unpack(header)
    assert (flags, kind, length, size) == (1, KINDS[version, protocol], len(packet.headers), 100)
    assert (start, place) == (packet.transport, PLACES[protocol])
    [single] = split(replace(packet, size=len(packet.payload)))
    assert canonical(whole) == canonical(left_to_us(single, packet.transport, protocol))
    again = virtio.super_packet(header, memoryview(whole))
    assert isinstance(again, SuperPacket) and split(again) == split(packet)


def test_congestion_bit_of_the_kind_is_no_other_kind():
    headers, payload = virtio.handed_over(super_packet(bytes(250), 100))
    header = headers[:1] + bytes((headers[1] | 0x80,)) + headers[2 : virtio.HEADER.size]
    whole = headers[virtio.HEADER.size :] + bytes(payload)
    assert virtio.super_packet(header, memoryview(whole)) is not None


@pytest.mark.parametrize("header", [
    virtio.HEADER.pack(0, 1, 40, 100, 20, 16), virtio.HEADER.pack(1, 1, 40, 0, 20, 16),
    virtio.HEADER.pack(1, 3, 28, 100, 20, 6), virtio.HEADER.pack(1, 1, 40, 100, 280, 16),
    virtio.HEADER.pack(1, 1, 40, 100, 0, 16),
])  # fmt: skip
def test_senseless_super_packets_are_none(header):
    """No checksum left to us, no size, fragments of UDP, a transport behind the end, one that is none."""
    headers, payload = virtio.handed_over(super_packet(bytes(250), 100))
    assert virtio.super_packet(header, memoryview(headers[virtio.HEADER.size :] + bytes(payload))) is None
