"""Cygnet and Cygnet."""

import pytest
from bench import Bench, crossed, down, up, write_configs, states, policies
from lab.tunnels import End


@pytest.fixture(scope="module")
def ends(bench: Bench) -> tuple[End, End]:
    moon, sun = bench.gateway("cygnet", "moon", 1), bench.gateway("cygnet", "sun", 2)
    write_configs(moon, sun, {"net-net": {}, "natt": {"forceencaps": "yes"}})
    sun.host.start()
    moon.host.start()
    bench.switch.listen()
    return moon, sun


def test_tunnel(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "net-net", sun)
    print(states(moon.host), policies(moon.host))
    seen = crossed(bench.switch, moon.host, moon.inside, sun.inside)
    print(seen)
    seen = crossed(bench.switch, sun.host, sun.inside, moon.inside)
    print(moon.host.ipsec("statusall"))
    down(moon, "net-net", sun)
    print(states(moon.host), policies(moon.host))
    print(moon.host.log())
    assert 0
