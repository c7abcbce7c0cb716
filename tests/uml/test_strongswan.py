"""Cygnet and strongSwan 6, both over the kernel's IPsec, each as initiator and as responder."""

import re
from functools import partial

import pytest
from bench import (
    Bench,
    carried,
    crossed,
    down,
    give_networks,
    inside_of,
    masquerading,
    spis,
    states,
    up,
    write_configs,
)

from lab.hosts import Host, until
from lab.network import address, ping, wire
from lab.tunnels import PSK, End, replace

pytestmark = pytest.mark.peer

HOST = {"onesubnet": "", "othersubnet": ""}
CONNS: dict[str, dict[str, str]] = {
    "tunnel": {},
    "esn": {"esp": "aes128-sha256-esn!", "replay_window": "128"},
    "six-in-four": {"onesubnet": "fd01::/64", "othersubnet": "fd02::/64"},
    "transport": {"type": "transport", **HOST},
    "ah": {"ah": "sha256!"},
    "compressed": {"compress": "yes"},
    "udp": {"forceencaps": "yes", "oneid": "@moon.udp", "otherid": "@sun.udp"},
    "rekeyed": {"lifebytes": "60000", "marginbytes": "50000"},
}
ROAD = """
conn road
    keyexchange=ikev2
    auto=add
    authby=secret
    left=192.0.2.1
    leftid=@moon.road
    leftsubnet=10.1.0.0/24
    right=%any
    rightid=@carol.lab
    rightsubnet=10.3.0.0/24
"""


inside = partial(inside_of, CONNS)


@pytest.fixture(scope="module")
def ends(bench: Bench) -> tuple[End, End]:
    moon, sun = bench.gateway("cygnet", "moon", 1), bench.gateway("strongswan", "sun", 2)
    give_networks((moon, sun), CONNS)
    write_configs(moon, sun, CONNS)
    replace(moon, "lifebytes=60000", "lifebytes=0")
    moon.host.write("/etc/ipsec.conf", moon.host.read("/etc/ipsec.conf") + ROAD)
    sun.host.start()
    moon.host.start()
    bench.switch.listen()
    return moon, sun


@pytest.mark.parametrize("name", ["tunnel", "esn", "six-in-four", "udp"])
def test_tunnels(bench: Bench, ends: tuple[End, End], name: str) -> None:
    pair = ("fd01::1", "fd02::1") if name == "six-in-four" else inside(name)
    ways = [(*ends, pair), (*reversed(ends), pair[::-1])]
    for first, second, way in ways if name == "tunnel" else ways[:1]:
        up(first, name, second)
        seen = crossed(bench.switch, first.host, *way, size=1000)
        assert seen.count("UDP-encap: ESP" if name == "udp" else ": ESP(spi=") >= 6
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
        crossed(bench.switch, first.host, *pair, size=1200)
        assert min(carried(moon.host, "comp")) >= 3 * 1200
        assert max(carried(moon.host, "esp")) < 3 * 600
        down(first, "compressed", second)


def test_rekeying_by_the_peer_under_traffic_loses_nothing(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "rekeyed", sun)
    before = spis(moon.host)
    source, target = inside("rekeyed")
    flood = moon.host.net("ping", "-q", "-c", "200", "-i", "0.02", "-s", "400", "-I", source, target).stdout
    assert " 200 received, 0% packet loss" in flood
    assert not before & spis(moon.host)
    down(moon, "rekeyed", sun)


def test_peer_behind_a_nat_whose_mapping_changes(bench: Bench, ends: tuple[End, End]) -> None:
    moon, _ = ends
    router = Host("router", bench.folder / "router")
    bench.hosts.append(router)
    bench.switch.plug(router)
    address(router, "192.0.2.254/24")
    carol = bench.gateway("strongswan", "carol", 3)
    carol.host.net("ip", "link", "del", "eth0")
    wire(carol.host, router, "eth0", "eth1")
    address(carol.host, "10.0.0.2/24")
    address(router, "10.0.0.1/24", device="eth1")
    carol.host.net("ip", "route", "add", "192.0.2.0/24", "via", "10.0.0.1")
    masquerading(router, "eth0")
    router.net(
        "sh",
        "-c",
        "for f in udp_timeout udp_timeout_stream; do echo 1 > /proc/sys/net/netfilter/nf_conntrack_$f; done",
    )
    road = (
        ROAD.replace("left=192", "right=192")
        .replace("leftid", "rightid")
        .replace("leftsubnet", "rightsubnet", 1)
    )
    road = road.replace("right=%any", "left=%any").replace("rightid=@carol", "leftid=@carol")
    road = road.replace("rightsubnet=10.3", "leftsubnet=10.3")
    carol.host.write("/etc/ipsec.conf", "config setup\n" + road)
    carol.host.write("/etc/ipsec.secrets", f': PSK "{PSK}"\n', 0o600)
    carol.host.start()
    up(carol, "road", moon)
    seen = crossed(bench.switch, carol.host, "10.3.0.1", "10.1.0.1")
    ports = {int(port) for port in re.findall(r"192\.0\.2\.254\.(\d+) > .*UDP-encap: ESP", seen)}
    assert len(ports) == 1 and ports != {4500}

    def moved() -> bool:
        assert ping(carol.host, "10.3.0.1", "10.1.0.1", count=2) or True
        found = re.findall(r"sport (\d+) dport 4500|sport 4500 dport (\d+)", states(moon.host))
        return {int(one or other) for one, other in found} != ports and len(set(found)) == 2

    router.net("sleep", "3")
    until(moved, "SAs that follow", 20)
    assert "NAT mappings of CHILD_SA" in moon.host.log()
    assert ping(carol.host, "10.3.0.1", "10.1.0.1", count=3)
