"""Super-packets cut all at once; the property tests compare with one by one."""

import pytest

from cygnet.esp.cut import cut
from cygnet.esp.grid import Grid
from cygnet.esp.superpackets import split
from espkit import UDP, super_packet


@pytest.mark.parametrize("size", [99, 100])
@pytest.mark.parametrize("version", [4, 6])
def test_last_segment_that_is_shorter_is_left_out(version, size):
    packet = super_packet(bytes(range(251)) * 4, size, version)
    layout = Grid().layout(len(packet.headers) + size)
    count = cut(packet, layout)
    assert (count, packet.segments) == (10, 11)
    assert [row.tobytes() for row in layout.matrix[:count]] == split(packet)[:count]


def test_udp_checksum_that_would_be_none_is_the_other_zero():
    payload = b"".join(number.to_bytes(2, "big") for number in range(0x10000))
    found = set()
    for start in range(0, len(payload), 256):
        packet = super_packet(payload[start : start + 256], 2, protocol=UDP)
        layout = Grid().layout(30)
        found |= set(layout.field(26, ">u2")[: cut(packet, layout)].tolist())
    assert 0 not in found and 0xFFFF in found


def test_octets_behind_the_packet_are_left_alone():
    packet = super_packet(bytes(40), 10)
    layout = Grid().layout(60)
    layout.matrix[:] = 7
    assert layout.matrix[: cut(packet, layout), 50:].tobytes() == bytes((7,)) * 40
