"""The laboratory itself, shown with two real strongSwans: what it says of Cygnet can be believed."""

import pytest

from lab.network import lose, ping, seen
from lab.topology import Lab
from lab.tunnels import assert_carries, bring_up, configure

pytestmark = [pytest.mark.root, pytest.mark.tun, pytest.mark.peer]


def test_strongswans_carry_pings_as_esp(lab: Lab) -> None:
    moon, sun = lab.pair("strongswan-strongswan")
    configure(moon, sun, "ed25519")
    assert not ping(moon.host, moon.inside, sun.inside, count=1)
    bring_up(moon, sun)
    assert_carries(moon, sun)
    moon.host.ipsec("down", "net-net")
    assert sun.host.has_nothing()


def test_nat_and_loss_are_real(lab: Lab) -> None:
    moon, sun, _router = lab.pair_with_nat("strongswan-strongswan")
    configure(moon, sun)
    lose(sun.host, 20)
    bring_up(moon, sun)
    assert "192.0.2.254" in sun.host.ipsec("status")
    assert_carries(moon, sun)
    assert seen(sun.host)["ike"] >= 2
