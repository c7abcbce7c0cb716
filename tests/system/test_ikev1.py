"""IKEv1 by pluto, between Cygnet hosts and with strongSwan."""

import pytest

from lab.hosts import until
from lab.topology import PAIRS, Lab
from lab.tunnels import assert_carries, bring_up, configure

pytestmark = [pytest.mark.root, pytest.mark.tun]

KEYWORDS = {"keyexchange": "ikev1"}


@pytest.mark.parametrize("kinds", PAIRS)
@pytest.mark.parametrize("auth", ["psk", "rsa", "ecdsa"])
def test_main_mode_and_quick_mode_carry_traffic(lab: Lab, kinds: str, auth: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, auth, **KEYWORDS)
    bring_up(moon, sun)
    assert_carries(moon, sun)
    for end in (moon, sun):
        assert "IKEv1" in end.host.ipsec("statusall")
    moon.host.ipsec("down", "net-net")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing left at either end")
