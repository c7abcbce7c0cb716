"""The life of IKEv1's SAs by pluto, between Cygnet hosts and with strongSwan 6.0: renewed, dead, deleted."""

import re

import pytest

from lab.hosts import until
from lab.ikev1 import IKEV1, WITH_STRONGSWAN
from lab.topology import Lab
from lab.traffic import CountedPings
from lab.tunnels import End, assert_carries, bring_up, configure, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]

SHORT = {"ikelifetime": "9s", "lifetime": "10s", "margintime": "6s", "rekeyfuzz": "0%"}
"""Both phases are renewed every four or five seconds; a replaced ISAKMP SA goes ten seconds later."""


def names(end: End) -> set[str]:
    """All SAs of both phases, by what tells one from its successor."""
    return set(re.findall(r"net-net[\[{]\d+[\]}]", end.host.ipsec("status")))


@pytest.mark.parametrize("renews", ["initiator", "responder"])
@pytest.mark.parametrize("kinds", WITH_STRONGSWAN)
def test_both_phases_are_renewed_under_traffic(lab: Lab, kinds: str, renews: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, **IKEV1, **SHORT)
    one, other = (moon, sun) if renews == "initiator" else (sun, moon)
    replace(other, "rekeyfuzz=0%", "rekey=no")
    bring_up(moon, sun)
    first = [(end, names(end)) for end in (moon, sun)]
    with CountedPings(moon.host, moon.inside, sun.host, sun.inside) as pings:
        for end, old in first:
            gone = f"the first SAs gone at {end.host.name}"
            until(lambda end=end, old=old: not names(end) & old, gone, 20)  # type: ignore[misc]
    assert pings.sent > 400 and pings.lost == 0, f"{pings.lost} of {pings.sent} lost"
    for end in (moon, sun):
        until(lambda end=end: end.host.installed() == 1, "one IPsec SA", 5)  # type: ignore[misc]
    assert_carries(moon, sun)
    one.host.ipsec("down", "net-net[*]")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing left at either end")
