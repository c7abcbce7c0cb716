"""Counting lost packets."""

from cygnet.esp.drops import Drops
from cygnet.esp.meter import Meter
from cygnet.esp.records import Drop, Limits


def test_losses_count_for_all_and_for_their_sa():
    drops, meter = Drops(), Meter(Limits())
    drops.lose(Drop.UNKNOWN_SPI)
    drops.lose(Drop.REPLAY, meter, 3)
    drops.lose(Drop.REPLAY)
    assert drops == {Drop.UNKNOWN_SPI: 1, Drop.REPLAY: 4}
    assert meter.drops == {Drop.REPLAY: 3}
