"""Which rows of decrypted packets make one super-packet."""

import pytest

from cygnet.esp.grid import Grid, Layout
from cygnet.esp.join import LEAST, join
from cygnet.esp.superpackets import FLAGS, split
from espkit import ACK, PSH, TCP, UDP, canonical, super_packet, tcp_header

TRAILER = bytes((1, 2, 2, 4))
SIZE = 100


def rows(packets: list[bytes], trailer: bytes = TRAILER) -> tuple[Layout, int]:
    octets = b"".join(packet + trailer for packet in packets)
    return Grid().load(octets, len(packets[0] + trailer)), len(packets)


def flow(count: int = 12, **more: object) -> list[bytes]:
    return split(super_packet(bytes(range(250)) * 8 * count, SIZE, **more))[:count]  # type: ignore[arg-type]


def runs(packets: list[bytes], trailer: bytes = TRAILER) -> list[int]:
    """Rows of each super-packet, negative ones of what stays single."""
    found = join(*rows(packets, trailer))
    return [count if joined else -count for joined, count in found]


def changed(packet: bytes, at: int, value: int) -> bytes:
    return packet[:at] + bytes((value,)) + packet[at + 1 :]


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("protocol", [TCP, UDP])
def test_one_flow_is_one_super_packet_that_is_cut_into_what_it_was(version, protocol):
    packets = flow(version=version, protocol=protocol)
    [(packet, count)] = join(*rows(packets))
    assert count == packet.segments == 12
    assert [canonical(one) for one in split(packet)] == [canonical(one) for one in packets]


def test_gap_in_sequence_numbers_begins_another():
    packets = flow(16)
    assert runs(packets[:6] + packets[7:]) == [6, 9]


def test_other_flow_begins_another():
    assert runs(flow(6) + flow(5, port=443)) == [6, 5]


@pytest.mark.parametrize("at", [8, 11, 34, 36, 60])
def test_what_is_different_or_has_a_wrong_checksum_is_in_none(at):
    """TTL, IP checksum, window, TCP checksum, payload."""
    packets = flow(12)
    packets[6] = changed(packets[6], at, packets[6][at] ^ 1)
    assert runs(packets) == [6, -1, 5]


@pytest.mark.parametrize("flags", [ACK | 0x01, ACK | 0x04, ACK | 0x02, 0x00, ACK | 0x20, ACK | 0x80])
def test_segments_with_a_meaning_of_their_own_stay_single(flags):
    """FIN, RST, SYN, no ACK, URG, CWR."""
    assert runs(flow(8) + split(super_packet(bytes(SIZE), SIZE, flags=flags))) == [8, -1]


def test_segment_that_pushes_ends_a_super_packet_and_its_flag_stays():
    packets = split(super_packet(bytes(6 * SIZE), SIZE, flags=ACK | PSH))
    following = split(super_packet(bytes(6 * SIZE), SIZE, sequence=6 * SIZE))
    [(first, _), (second, _)] = join(*rows(packets + following))
    assert [one.headers[20 + FLAGS] for one in (first, second)] == [ACK | PSH, ACK]


def test_few_packets_stay_single():
    assert set(runs(flow(LEAST - 1))) == {-1}


def test_rows_all_mixed_up_are_given_up():
    mixed = [one for pair in zip(flow(20), flow(20, port=443), strict=True) for one in pair]
    found = runs(mixed)
    assert sum(found) == -40 and len(found) < 6


@pytest.mark.parametrize("packet", [
    flow(1)[0][:6] + b"\0\0" + flow(1)[0][8:],  # may be fragmented
    changed(flow(1)[0], 0, 0x46),  # has options
    flow(1)[0][:9] + b"\1" + flow(1)[0][10:],  # ICMP
    bytes(60),
])  # fmt: skip
def test_other_packets_stay_single(packet):
    assert runs([packet] * 8) == [-1, -1, -6]


def test_udp_without_checksum_stays_single():
    packets = [changed(changed(one, 26, 0), 27, 0) for one in flow(8, protocol=UDP)]
    assert runs(packets) == [-1, -1, -6]


def test_trailer_must_be_the_same():
    layout, count = rows(flow(12))
    layout.matrix[6, -2] = 1
    assert [found if joined else -found for joined, found in join(layout, count)] == [6, -1, 5]


def test_traffic_flow_padding_is_no_part_of_a_packet():
    [(packet, _)] = join(*rows(flow(8), bytes(40) + TRAILER))
    assert packet.size == SIZE


def test_options_are_part_of_the_headers():
    options = bytes((1, 1, 8, 10)) + bytes(8)
    packets = flow(8, options=options)
    [(packet, _)] = join(*rows(packets))
    assert packet.headers[40:] == options and len(tcp_header(options=options)) == 32
