"""Super-packets cut one by one."""

import pytest

from cygnet.esp.checksums import checksum, pseudo_header
from cygnet.esp.superpackets import FLAGS, SuperPacket, split
from espkit import TCP, UDP, ip_header, super_packet


def is_right(packet: bytes, transport: int, protocol: int) -> bool:
    """Whether checksums and lengths of a packet are right."""
    if packet[0] >> 4 == 4:
        assert checksum(packet[:transport]) == b"\0\0"
        assert int.from_bytes(packet[2:4], "big") == len(packet)
    else:
        assert int.from_bytes(packet[4:6], "big") == len(packet) - 40
    body = packet[transport:]
    return checksum(pseudo_header(packet, len(body), protocol) + body) == b"\0\0"


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("protocol", [TCP, UDP])
def test_segments_have_their_own_lengths_and_checksums(version, protocol):
    packet = super_packet(bytes(range(256)) * 2, 100, version, protocol)
    found = split(packet)
    start = len(packet.headers)
    assert [len(one) - start for one in found] == [100] * 5 + [12]
    assert b"".join(one[start:] for one in found) == packet.payload
    assert all(is_right(one, packet.transport, protocol) for one in found)
    assert (packet.segments, packet.largest, packet.octets) == (6, start + 100, sum(map(len, found)))


def test_identifications_and_sequence_numbers_count_up_and_wrap():
    headers = ip_header(4, TCP, 0xFFFF) + super_packet(b"", 1, sequence=0xFFFFFFF0).headers[20:]
    found = split(SuperPacket(headers, bytes(48), 16, 20))
    assert [int.from_bytes(one[4:6], "big") for one in found] == [0xFFFF, 0, 1]
    assert [int.from_bytes(one[24:28], "big") for one in found] == [0xFFFFFFF0, 0, 16]


def test_flags_that_end_or_begin_something_are_where_they_belong():
    found = split(super_packet(bytes(300), 100, flags=0x99))
    assert [one[20 + FLAGS] for one in found] == [0x90, 0x10, 0x19]


def test_udp_length_is_the_segments():
    found = split(super_packet(bytes(150), 100, protocol=UDP))
    assert [int.from_bytes(one[24:26], "big") for one in found] == [108, 58]


def test_udp_checksum_that_would_be_none_is_the_other_zero():
    for number in range(0x10000):
        [one] = split(super_packet(number.to_bytes(2, "big"), 2, protocol=UDP))
        if one[26:28] == b"\xff\xff":
            break
        assert one[26:28] != b"\0\0"
    else:
        pytest.fail("no payload has this checksum")
