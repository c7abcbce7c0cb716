"""What SAs have carried, and their limits; more in test_associations."""

from cygnet.esp.meter import Meter
from cygnet.esp.records import Due, Limits


def test_room_ends_before_what_reaches_a_limit():
    meter = Meter(Limits(soft_octets=1000, hard_packets=20))
    assert meter.has_room(999, 19)
    assert not meter.has_room(1000, 1) and not meter.has_room(1, 20)
    assert meter.add(990, 1.0, 10) is Due.NONE
    assert not meter.has_room(10, 1)
    assert meter.add(10, 2.0) is Due.SOFT
    assert meter.has_room(5000, 8)
    assert (meter.octets, meter.packets, meter.last_used) == (1000, 11, 2.0)
