"""Sizes, and answers to packets that are too big."""

import pytest

from cygnet.crypto.ciphers import sealer
from cygnet.crypto.transforms import Transform
from cygnet.esp.checksums import checksum
from cygnet.esp.mtu import packet_too_big, payload_mtu, too_big

GCM = sealer(Transform(1, 20, 128), None, bytes(20))
CBC = sealer(Transform(1, 12, 128), Transform(3, 12), bytes(16), bytes(32))


@pytest.mark.parametrize(("sealer_", "family", "udp", "expected"), [
    (GCM, 4, True, 1438), (GCM, 4, False, 1446), (GCM, 6, True, 1418),
    (CBC, 4, True, 1422), (CBC, 6, False, 1406),
])
def test_largest_inner_packet_fills_the_path(sealer_, family, udp, expected):
    assert payload_mtu(1500, family, udp, sealer_) == expected


def ipv4(size: int, flags: int = 0x40, protocol: int = 17, destination: bytes = b"\x0a\x00\x00\x02") -> bytes:
    head = bytes((0x45, 0)) + size.to_bytes(2, "big") + bytes((0, 0, flags, 0, 64, protocol, 0, 0))
    return head + b"\x0a\x00\x00\x01" + destination + bytes(size - 20)


def ipv6(size: int, next_header: int = 17) -> bytes:
    head = bytes((0x60, 0, 0, 0)) + (size - 40).to_bytes(2, "big") + bytes((next_header, 64))
    return head + b"\xfd" + bytes(14) + b"\1" + b"\xfd" + bytes(14) + b"\2" + bytes((128,)) + bytes(size - 41)


def test_only_what_must_not_be_fragmented_is_too_big():
    assert too_big(ipv4(1401), 1400)
    assert not too_big(ipv4(1400), 1400)
    assert not too_big(ipv4(1401, flags=0), 1400)
    assert too_big(ipv6(1401), 1400)
    assert not too_big(ipv6(1280), 1000)


def test_ipv4_sender_is_told_the_mtu():
    packet = ipv4(1401)
    answer = packet_too_big(packet, 1400)
    assert answer is not None
    assert answer[12:20] == packet[16:20] + packet[12:16]
    assert answer[20:22] == bytes((3, 4))
    assert int.from_bytes(answer[26:28], "big") == 1400
    assert answer[28:576] == packet[:548]
    assert (int.from_bytes(answer[2:4], "big"), answer[9]) == (len(answer), 1)
    assert checksum(answer[:20]) == checksum(answer[20:]) == b"\0\0"


def test_ipv6_sender_is_told_the_mtu():
    packet = ipv6(1401)
    answer = packet_too_big(packet, 1400)
    assert answer is not None
    assert (answer[6], answer[40], answer[41]) == (58, 2, 0)
    assert int.from_bytes(answer[44:48], "big") == 1400
    assert len(answer) == 1280
    pseudo = answer[8:40] + (len(answer) - 40).to_bytes(4, "big") + bytes((0, 0, 0, 58))
    assert checksum(pseudo + answer[40:]) == b"\0\0"


@pytest.mark.parametrize("packet", [
    ipv4(1401, protocol=1)[:20] + bytes((3, 4)) + bytes(1379),
    ipv4(1401, flags=0x41),
    ipv4(1401, destination=b"\xe0\0\0\1"),
    ipv6(1401, next_header=58)[:40] + bytes((1,)) + bytes(1360),
])
def test_errors_fragments_and_groups_get_no_answer(packet):
    assert packet_too_big(packet, 1400) is None
