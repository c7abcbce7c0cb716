"""pluto over the kernel's IPsec, with strongSwan 6.0's IKEv1, each as initiator and as responder."""

from functools import partial

import pytest
from bench import Bench, carried, crossed, down, give_networks, inside_of, policies, states, up, write_configs

from lab.gateways import peer_missing
from lab.hosts import until
from lab.network import ping
from lab.tunnels import End

_MISSING = peer_missing("trixie")
pytestmark = [pytest.mark.peer, pytest.mark.skipif(bool(_MISSING), reason=_MISSING)]

IKEV1 = {"keyexchange": "ikev1"}
CONNS: dict[str, dict[str, str]] = {
    "tunnel": {**IKEV1},
    "esn": {**IKEV1, "esp": "aes128-sha256-esn!", "replay_window": "128"},
    "ah": {**IKEV1, "ah": "sha256!"},
    "compressed": {**IKEV1, "compress": "yes"},
    "trap": {**IKEV1},
    "transport": {**IKEV1, "type": "transport", "onesubnet": "", "othersubnet": ""},
}


inside = partial(inside_of, CONNS)


@pytest.fixture(scope="module")
def ends(bench: Bench) -> tuple[End, End]:
    moon, sun = bench.gateway("cygnet", "moon", 1), bench.gateway("strongswan60", "sun", 2)
    give_networks((moon, sun), CONNS)
    write_configs(moon, sun, CONNS)
    sun.host.start()
    moon.host.start()
    bench.switch.listen()
    return moon, sun


@pytest.mark.parametrize("name", ["tunnel", "esn"])
def test_tunnels(bench: Bench, ends: tuple[End, End], name: str) -> None:
    for first, second, way in ((*ends, inside(name)), (*reversed(ends), inside(name)[::-1])):
        up(first, name, second)
        assert crossed(bench.switch, first.host, *way, size=1000).count(": ESP(spi=") >= 6
        if name == "esn":
            assert "esn" in states(ends[0].host)
        down(first, name, second)
    assert not states(ends[0].host)


def test_transport_mode(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    for first, second in ((moon, sun), (sun, moon)):
        up(first, "transport", second)
        seen = crossed(bench.switch, first.host, first.address, second.address)
        assert "ESP(spi=" in seen and "ICMP echo" not in seen
        assert "mode transport" in states(moon.host)
        down(first, "transport", second)


def test_authentication_header(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "ah", sun)
    bench.switch.since()
    assert ping(moon.host, *inside("ah"))
    seen = bench.switch.since()
    assert "AH(spi=" in seen and "ESP" not in seen
    down(moon, "ah", sun)


def test_compression(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    for first, second, pair in ((moon, sun, inside("compressed")), (sun, moon, inside("compressed")[::-1])):
        up(first, "compressed", second)
        assert "IPCOMP CPIs: " in moon.host.ipsec("status")
        crossed(bench.switch, first.host, *pair, size=1200)
        assert min(carried(moon.host, "comp")) >= 3 * 1200
        assert max(carried(moon.host, "esp")) < 3 * 600
        down(first, "compressed", second)
    assert not states(moon.host)


def test_trap_fires_on_traffic(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    moon.host.ipsec("route", "trap")
    assert "priority 375424" in policies(moon.host)
    ping(moon.host, *inside("trap"), count=1)
    until(lambda: moon.host.installed("trap") == 1, "acquired CHILD_SA")
    assert "ESP(spi=" in crossed(bench.switch, moon.host, *inside("trap"))
    down(moon, "trap", sun)
    assert "priority 375424" in policies(moon.host) and "priority 375423" not in policies(moon.host)
    moon.host.ipsec("unroute", "trap")
    assert not policies(moon.host)
