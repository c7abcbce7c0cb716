"""Sealing and opening many packets at once; the property tests compare with one by one."""

from dataclasses import replace

from cygnet.esp.associations import InboundSa, OutboundSa
from cygnet.esp.grid import MAX_ROWS
from cygnet.esp.records import Carriage, SaParameters
from cygnet.esp.rows import LEAST, Space, can_seal, open_rows, seal_super
from espkit import ALGORITHMS, OUTER, SPI, UDP, own_sealer, super_packet

PARAMETERS = SaParameters(SPI, *OUTER, replay_window=64)


def sealing(**changes: object) -> OutboundSa:
    return OutboundSa(replace(PARAMETERS, **changes), own_sealer(), bytes)


def opening(**changes: object) -> InboundSa:
    return InboundSa(replace(PARAMETERS, **changes), own_sealer())


def packet(count: int = 20, size: int = 50):
    return super_packet(bytes(count * size), size, protocol=UDP)


def test_few_or_many_packets_and_modes_that_change_them_go_one_by_one():
    space = Space()
    assert can_seal(sealing(), packet(LEAST), space)
    assert not can_seal(sealing(), packet(LEAST - 1), space)
    assert not can_seal(sealing(), packet(MAX_ROWS + 1), space)
    assert not can_seal(sealing(tfc=100), packet(), space)
    assert not can_seal(sealing(carriage=Carriage.TRANSPORT), packet(), space)


def test_sequence_numbers_go_on_between_both_ways():
    sa, space = sealing(), Space()
    data, size = seal_super(sa, packet(), space)
    numbers = [int.from_bytes(data[at + 4 : at + 8], "big") for at in range(0, len(data), size)]
    assert numbers == list(range(1, 21))
    assert sa.seal(bytes((0x45,)) + bytes(39))[4:8] == (21).to_bytes(4, "big")


def test_forged_packets_are_told_and_their_rows_closed_up():
    space = Space()
    data, size = seal_super(sealing(), packet(), space)
    forged = bytearray(data)
    forged[3 * size + 20] ^= 1
    forged[7 * size - 1] ^= 1
    sa = opening()
    plain, count, failed = open_rows(sa, bytes(forged), size, Space()) or (None, 0, 0)
    assert (count, failed, sa.window.top) == (18, 2, 20)
    good = open_rows(opening(), bytes(data), size, Space())
    kept = [row for row in range(20) if row not in (3, 6)]
    assert plain is not None and good is not None
    assert plain.matrix[:18].tobytes() == good[0].matrix[kept].tobytes()


def test_numbers_that_do_not_rise_are_left_to_one_by_one_and_change_nothing():
    sa, space = opening(), Space()
    data, size = seal_super(sealing(), packet(), space)
    swapped = bytes(data[size : 2 * size]) + bytes(data[:size]) + bytes(data[2 * size :])
    assert open_rows(sa, swapped, size, Space()) is None
    assert sa.window.top == 0
    assert open_rows(sa, bytes(data), size, Space()) is not None
    assert open_rows(sa, bytes(data), size, Space()) is None


def test_bursts_without_room_are_left_to_one_by_one():
    assert open_rows(opening(), bytes(MAX_ROWS * 50 + 50), 50, Space()) is None
    assert open_rows(opening(), bytes(100 * 1400), 1400, Space()) is None


def test_packets_too_short_for_their_algorithms_are_left_to_one_by_one():
    for name in ALGORITHMS:
        sa = InboundSa(PARAMETERS, own_sealer(name))
        assert open_rows(sa, bytes(9 * 12), 9, Space()) is None
