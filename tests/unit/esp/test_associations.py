"""ESP packets: what one side seals the other opens, and nothing else."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.crypto.ciphers import sealer
from cygnet.crypto.interfaces import Sealer
from cygnet.crypto.transforms import Transform
from cygnet.esp.associations import InboundSa, Meter, OutboundSa
from cygnet.esp.records import Drop, Due, Limits, SaParameters

SPI = 0xC0FFEE01
PARAMETERS = SaParameters(SPI, ip_address("192.0.2.1"), ip_address("192.0.2.2"), replay_window=64)
KINDS = {
    "gcm": lambda: sealer(Transform(1, 20, 128), None, bytes(20)),
    "gcm8": lambda: sealer(Transform(1, 18, 256), None, bytes(36)),
    "chacha": lambda: sealer(Transform(1, 28), None, bytes(36)),
    "cbc-sha1": lambda: sealer(Transform(1, 12, 128), Transform(3, 2), bytes(16), bytes(20)),
    "ctr-sha512": lambda: sealer(Transform(1, 13, 256), Transform(3, 14), bytes(36), bytes(64)),
    "null-sha256": lambda: sealer(Transform(1, 11), Transform(3, 12), b"", bytes(32)),
}


def ipv4(size: int) -> bytes:
    return bytes((0x45, 0)) + size.to_bytes(2, "big") + bytes(size - 4)


def ipv6(size: int) -> bytes:
    return bytes((0x60, 0, 0, 0)) + (size - 40).to_bytes(2, "big") + bytes(size - 6)


def pair(kind: str = "gcm", **changes: object) -> tuple[OutboundSa, InboundSa]:
    parameters = replace(PARAMETERS, **changes)  # type: ignore[arg-type]
    return OutboundSa(parameters, KINDS[kind](), bytes), InboundSa(parameters, KINDS[kind]())


def forged(plaintext: bytes, number: int = 1) -> bytes:
    """An authentic packet with any inside."""
    header = SPI.to_bytes(4, "big") + number.to_bytes(4, "big")
    own: Sealer = KINDS["gcm"]()
    return header + bytes(8) + own.seal(bytes(8), plaintext, header)


@pytest.mark.parametrize("esn", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_packets_of_all_sizes_come_through(kind, esn):
    sender, receiver = pair(kind, esn=esn)
    for packet in [ipv4(size) for size in range(20, 60)] + [ipv6(size) for size in range(40, 60)]:
        sealed = sender.seal(packet)
        assert receiver.open(sealed) == packet
        assert receiver.open(sealed) is Drop.REPLAY


@pytest.mark.parametrize("kind", KINDS)
def test_extended_numbers_pass_the_32_bit_boundary(kind):
    sender, receiver = pair(kind, esn=True)
    sender.skip((1 << 32) - 3)
    receiver.window.accept((1 << 32) - 3)
    numbers = []
    for _ in range(5):
        sealed = sender.seal(ipv4(40))
        numbers.append(int.from_bytes(sealed[4:8], "big"))
        assert receiver.open(sealed) == ipv4(40)
    assert numbers == [(1 << 32) - 2, (1 << 32) - 1, 0, 1, 2]


def test_wire_format_is_spi_number_iv_and_alignment():
    sender, _ = pair()
    sealed = sender.seal(ipv4(21))
    assert sealed[:8] == SPI.to_bytes(4, "big") + bytes((0, 0, 0, 1))
    assert len(sealed) == 8 + 8 + 24 + 16


@given(st.sampled_from(sorted(KINDS)), st.integers(0, 60), st.integers(1, 255))
def test_any_changed_octet_is_noticed(kind, at, change):
    sender, receiver = pair(kind)
    sealed = bytearray(sender.seal(ipv4(40)))
    at = 4 + at % (len(sealed) - 4)
    sealed[at] ^= change
    assert receiver.open(bytes(sealed)) in (Drop.INTEGRITY, Drop.REPLAY)
    sealed[at] ^= change
    assert receiver.open(bytes(sealed)) == ipv4(40)


@given(st.binary(max_size=120))
def test_any_octets_are_dropped_with_a_reason(data):
    for kind in KINDS:
        assert isinstance(pair(kind)[1].open(data), Drop)


@given(st.binary(max_size=80))
def test_any_authentic_inside_is_a_whole_packet_or_dropped(plaintext):
    inner = pair()[1].open(forged(plaintext))
    assert isinstance(inner, Drop) or len(inner) >= 20


@given(st.sampled_from(sorted(KINDS)), st.integers(-1, 2000), st.integers(20, 1800), st.sampled_from((4, 6)))
def test_padded_packets_come_out_as_they_were(kind, tfc, size, family):
    sender, receiver = pair(kind, tfc=tfc)
    packet = ipv4(size) if family == 4 else ipv6(max(size, 40))
    sealed = sender.seal(packet)
    assert receiver.open(sealed) == packet
    wanted = sender.inner_mtu if tfc < 0 else min(tfc, sender.inner_mtu)
    assert len(sealed) >= max(wanted, len(packet)) + 10


@pytest.mark.parametrize(("plaintext", "reason"), [
    (ipv4(22) + bytes((1, 2, 2, 4)), None),
    (ipv4(22) + bytes((1, 3, 2, 4)), Drop.PADDING),
    (ipv4(22) + bytes((1, 2, 200, 4)), Drop.PADDING),
    (ipv4(22) + bytes((0, 4)), None),
    (ipv4(22) + bytes((0, 41)), Drop.MALFORMED),
    (ipv4(22) + bytes((0, 59)), Drop.DUMMY),
    (ipv4(22) + bytes((0, 6)), Drop.NEXT_HEADER),
    (ipv4(22) + bytes(30) + bytes((0, 4)), None),
    (ipv4(30)[:22] + bytes((0, 4)), Drop.MALFORMED),
    (b"\x4f" + ipv4(24)[1:] + bytes((0, 4)), Drop.MALFORMED),
    (ipv4(22)[:10] + bytes((0, 4)), Drop.MALFORMED),
    (ipv6(48) + bytes(7) + bytes((0, 41)), None),
    (b"", Drop.MALFORMED),
    (b"\0", Drop.MALFORMED),
])
def test_inside_is_checked(plaintext, reason):
    inner = pair()[1].open(forged(plaintext))
    assert inner is reason if reason else inner in (ipv4(22), ipv6(48))


def test_unauthentic_packet_does_not_move_the_window():
    sender, receiver = pair()
    far = bytearray(sender.seal(ipv4(40)))
    far[4] = 0x70
    assert receiver.open(bytes(far)) is Drop.INTEGRITY
    assert receiver.open(sender.seal(ipv4(40))) == ipv4(40)


def test_traffic_flow_padding_hides_the_size_and_comes_off():
    sender, receiver = pair(tfc=200)
    sealed = sender.seal(ipv4(40))
    assert len(sealed) == len(sender.seal(ipv4(150)))
    assert receiver.open(sealed) == ipv4(40)


def test_padding_to_the_mtu_fills_it_exactly():
    sender, _ = pair(tfc=-1)
    assert 1500 - 4 < 20 + len(sender.seal(ipv4(40))) <= 1500


def test_soft_limit_is_told_once_and_the_hard_one_after_it():
    meter = Meter(Limits(soft_octets=100, hard_octets=300))
    assert [meter.add(60, 1.0) for _ in range(5)] == [Due.NONE, Due.SOFT, Due.NONE, Due.NONE, Due.HARD]
    assert (meter.octets, meter.packets, meter.last_used) == (300, 5, 1.0)


def test_packet_limits_count_packets():
    meter = Meter(Limits(soft_packets=1, hard_packets=2))
    assert [meter.add(1, 0.0), meter.add(1, 0.0)] == [Due.SOFT, Due.HARD]


def test_end_of_sequence_numbers_is_a_hard_limit():
    sender, _ = pair()
    sender.skip((1 << 32) - 2)
    sender.seal(ipv4(20))
    assert sender.meter.add(20, 0.0) is Due.HARD


def test_new_sa_is_asked_for_before_the_numbers_end():
    sender, _ = pair()
    sender.skip((1 << 32) - 1 - (1 << 28) - 1)
    sender.seal(ipv4(20))
    assert sender.meter.add(20, 0.0) is Due.SOFT


def test_limit_reached_by_replacing_the_soft_one_exactly():
    meter = Meter(Limits(soft_packets=5, hard_packets=5))
    assert [meter.add(1, 0.0) for _ in range(5)][-1] is Due.HARD


def test_move_changes_addresses_and_keeps_numbers():
    sender, receiver = pair(encapsulation=(4500, 4500))
    receiver.open(sender.seal(ipv4(40)))
    moved = replace(sender.parameters, source=ip_address("192.0.2.9"), encapsulation=(7777, 4500))
    sender.attachment = "way"
    sender.move(moved)
    receiver.move(moved)
    assert sender.attachment is None
    assert receiver.peer == ("192.0.2.9", 7777)
    assert receiver.open(sender.seal(ipv4(40))) == ipv4(40)
    assert receiver.window.top == 2
