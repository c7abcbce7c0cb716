"""Packets that come before their SA does."""

from cygnet.esp import early
from cygnet.esp.early import KEEP_S, MAX_PER_SPI, EarlyPackets

PACKET = (b"\x00\x00\x01\x00data", 0, None)


def packet(number: int) -> early.Datagram:
    return bytes([0, 0, 1, 0, number]), 0, None


def test_packet_for_a_promised_spi_waits_for_its_sa():
    kept = EarlyPackets()
    kept.expect(0x100)
    assert kept.keep(0x100, PACKET, 1.0)
    assert kept.take(0x100, 1.5) == [PACKET]
    assert kept.take(0x100, 1.5) == []


def test_packet_for_any_other_spi_does_not():
    assert not EarlyPackets().keep(0x100, PACKET, 1.0)


def test_what_is_too_old_is_forgotten():
    kept = EarlyPackets()
    kept.expect(0x100)
    kept.keep(0x100, packet(1), 1.0)
    kept.keep(0x100, packet(2), 2.5)
    assert kept.take(0x100, 1.1 + KEEP_S) == [packet(2)]


def test_promise_that_is_taken_back_takes_its_packets_along():
    kept = EarlyPackets()
    kept.expect(0x100)
    kept.keep(0x100, PACKET, 1.0)
    kept.cancel(0x100)
    kept.cancel(0x100)
    assert not kept.keep(0x100, PACKET, 1.0)
    assert kept.take(0x100, 1.0) == []


def test_newest_packets_of_an_spi_are_kept():
    kept = EarlyPackets()
    kept.expect(0x100)
    for number in range(MAX_PER_SPI + 10):
        kept.keep(0x100, packet(number), 1.0)
    assert kept.take(0x100, 1.0) == [packet(number) for number in range(10, MAX_PER_SPI + 10)]


def test_all_together_are_limited(monkeypatch):
    monkeypatch.setattr(early, "MAX_PACKETS", 3)
    kept = EarlyPackets()
    for spi in (1, 2):
        kept.expect(spi)
        kept.keep(spi, packet(spi), 1.0)
        kept.keep(spi, packet(spi), 1.0)
    assert not kept.keep(1, packet(9), 1.0)
    kept.cancel(2)
    assert kept.keep(1, packet(9), 1.0)
