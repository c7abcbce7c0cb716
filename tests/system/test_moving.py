"""Hosts that move while traffic flows: MOBIKE, and NATs that come, go and forget."""

import time

import pytest

from lab.hosts import until
from lab.pings import Outcome, Pings
from lab.topology import PAIRS, Lab
from lab.tunnels import End, assert_carries, bring_up, configure

pytestmark = [pytest.mark.root, pytest.mark.tun]

BEFORE_S = 0.5
AT_MOST_S = 2.0
"""How long after a path is gone the next packet may come through another."""


def moves(moon: End, sun: End, after_s: float, change) -> Outcome:  # type: ignore[no-untyped-def]
    """Pings from moon's network to sun's while something changes."""
    pings = Pings(moon.host, moon.inside, sun.inside)
    time.sleep(BEFORE_S)
    change()
    time.sleep(after_s)
    found = pings.stop()
    print(f"sent {found.sent}, lost {found.lost}, longest gap {found.gap_s:.2f} s")
    return found


@pytest.mark.parametrize("kinds", PAIRS)
def test_initiator_loses_its_link_and_goes_on_over_another(lab: Lab, kinds: str) -> None:
    moon, sun, _ = lab.pair_with_two_uplinks(kinds)
    sun.public, moon.public = sun.address, "%any"
    moon.address = "%defaultroute"
    configure(moon, sun)
    bring_up(moon, sun)
    assert "192.0.2.1[moon.lab]...203.0.113.2[sun.lab]" in moon.host.ipsec("status")
    found = moves(moon, sun, 2.5, lambda: moon.host.net("ip", "link", "set", "eth0", "down"))
    assert found.gap_s < AT_MOST_S and found.lost < 100
    for end in (moon, sun):
        assert "198.51.100.1[moon.lab]" in end.host.ipsec("status")
    assert_carries(moon, sun)
