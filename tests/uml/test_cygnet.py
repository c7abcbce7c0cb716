"""Cygnet and Cygnet over the kernel's IPsec: what carries, what expires, what is cleaned up."""

import re
from collections.abc import Iterator
from functools import partial

import pytest
from bench import (
    Bench,
    carried,
    crossed,
    down,
    give_networks,
    inside_of,
    is_foreign_only,
    policies,
    spis,
    states,
    up,
    write_configs,
)

from lab.hosts import Host, until
from lab.network import ping
from lab.tunnels import End, replace


def names(name: str) -> dict[str, str]:
    """Identities of their own, for connections whose IKE_SA is not like that of the others."""
    return {"oneid": f"@moon.{name}", "otherid": f"@sun.{name}"}


HOST = {"onesubnet": "", "othersubnet": ""}
SIX = {"one": "2001:db8::1", "other": "2001:db8::2"}
CONNS: dict[str, dict[str, str]] = {
    "tunnel": {},
    "six-in-four": {"onesubnet": "fd01::/64", "othersubnet": "fd02::/64"},
    "four-in-six": {**SIX, "esp": "aes128-sha256-esn!", "replay_window": "128"},
    "transport": {"type": "transport", **HOST},
    "beet": {"type": "beet", "onesubnet": "10.1.4.1/32", "othersubnet": "10.2.4.1/32"},
    "ah": {"ah": "sha256!"},
    "ah-transport": {**SIX, **HOST, "ah": "sha256!", "type": "transport"},
    "compressed": {"compress": "yes"},
    "udp": {"forceencaps": "yes", **names("udp")},
    "rekeyed": {"lifebytes": "60000", "marginbytes": "50000"},
    "octets": {"lifebytes": "3000", "marginbytes": "0", "margintime": "0s", **names("mortal")},
    "seconds": {"lifetime": "3s", "margintime": "0s", **names("mortal")},
    "trap": {},
    "wide": {},
    "device": {"interface": "auto:tun7"},
}


inside = partial(inside_of, CONNS)


@pytest.fixture(scope="module")
def ends(bench: Bench) -> tuple[End, End]:
    moon, sun = bench.gateway("cygnet", "moon", 1), bench.gateway("cygnet", "sun", 2)
    give_networks((moon, sun), CONNS)
    write_configs(moon, sun, CONNS)
    for subnet in inside("wide"):  # moon wants to protect everything, sun narrows that
        replace(moon, subnet.removesuffix("1") + "0/24", "0.0.0.0/0")
    # Only one side counts, or both would rekey at the same moment.
    replace(sun, "lifebytes=60000", "lifebytes=0")
    sun.host.start()
    moon.host.start()
    bench.switch.listen()
    return moon, sun


@pytest.fixture(autouse=True)
def _taken_down(ends: tuple[End, End]) -> Iterator[None]:
    """A test that fails leaves no CHILD_SAs to the next one."""
    yield
    for end in ends:
        shown = end.host.ipsec("status", status=None)
        for name in set(re.findall(r"^ *(\S+)\{\d+\}:  INSTALLED", shown, re.M)):
            end.host.ipsec("down", f"{name}{{*}}", status=None)


def test_tunnel_is_in_the_kernel_and_leaves_nothing(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "tunnel", sun)
    assert "ESP(spi=" in crossed(bench.switch, moon.host, *inside("tunnel"))
    assert "ESP(spi=" in crossed(bench.switch, sun.host, *reversed(inside("tunnel")))
    assert carried(moon.host) == [6 * 84, 6 * 84]
    held = policies(moon.host)
    assert held.count("priority 375423") == 3
    assert "dir fwd" in held
    assert "src 10.1.0.1" in moon.host.net("ip", "route", "show", "table", "220").stdout
    assert "504 bytes_i (6 pkts" in moon.host.ipsec("statusall")
    down(moon, "tunnel", sun)
    assert not states(moon.host) + policies(moon.host) + states(sun.host) + policies(sun.host)
    assert not moon.host.net("ip", "route", "show", "table", "220").stdout


@pytest.mark.parametrize("name", ["six-in-four", "four-in-six"])
def test_families_inside_one_another(bench: Bench, ends: tuple[End, End], name: str) -> None:
    moon, sun = ends
    pair = ("fd01::1", "fd02::1") if name == "six-in-four" else inside(name)
    up(moon, name, sun)
    seen = crossed(bench.switch, moon.host, *pair, size=1400)
    outer = "IP 192.0.2.1 > 192.0.2.2: ESP" if name == "six-in-four" else "IP6 2001:db8::1 > 2001:db8::2: "
    assert outer in seen
    down(moon, name, sun)


def test_transport_mode(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "transport", sun)
    seen = crossed(bench.switch, moon.host, moon.address, sun.address)
    assert "ESP(spi=" in seen and "ICMP echo" not in seen
    assert "mode transport" in states(moon.host)
    down(moon, "transport", sun)


def test_beet_mode(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "beet", sun)
    assert "ESP(spi=" in crossed(bench.switch, moon.host, *inside("beet"))
    assert "mode beet" in states(moon.host)
    down(moon, "beet", sun)


@pytest.mark.parametrize("name", ["ah", "ah-transport"])
def test_authentication_header(bench: Bench, ends: tuple[End, End], name: str) -> None:
    moon, sun = ends
    pair = inside("ah") if name == "ah" else ("2001:db8::1", "2001:db8::2")
    up(moon, name, sun)
    bench.switch.since()
    assert ping(moon.host, *pair)
    seen = bench.switch.since()
    assert "AH(spi=" in seen and "ESP" not in seen
    assert (
        len(re.findall("ICMP6?.? echo request", seen))
        == len(re.findall("AH.*ICMP6?.? echo request", seen))
        == 3
    )
    down(moon, name, sun)


def test_compression(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "compressed", sun)
    crossed(bench.switch, moon.host, *inside("compressed"), size=1200)
    assert min(carried(moon.host, "comp")) >= 3 * 1200
    assert max(carried(moon.host, "esp")) < 3 * 600
    down(moon, "compressed", sun)
    assert not states(moon.host) + states(sun.host)


def test_encapsulation_in_udp(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "udp", sun)
    seen = crossed(bench.switch, moon.host, *inside("udp"))
    assert "192.0.2.1.4500 > 192.0.2.2.4500: UDP-encap: ESP" in seen
    down(moon, "udp", sun)


def test_rekeying_under_traffic_loses_nothing(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "rekeyed", sun)
    before = spis(moon.host)
    source, target = inside("rekeyed")
    flood = moon.host.net("ping", "-q", "-c", "300", "-i", "0.02", "-s", "400", "-I", source, target).stdout
    assert " 300 received, 0% packet loss" in flood
    assert not before & spis(moon.host)
    assert "creating rekey job for CHILD_SA ESP/" in moon.host.log()
    until(lambda: moon.host.installed("rekeyed") == 1, "one CHILD_SA", 15)
    down(moon, "rekeyed", sun)
    until(lambda: not states(moon.host), "no SAs", 15)


@pytest.mark.parametrize("name", ["octets", "seconds"])
def test_sa_expires(bench: Bench, ends: tuple[End, End], name: str) -> None:
    moon, sun = ends
    up(moon, name, sun)
    before = spis(moon.host)
    if name == "octets":
        ping(moon.host, *inside(name), count=6, size=900)
    until(lambda: not before & spis(moon.host), "old SAs gone", 15)
    until(lambda: not before & spis(sun.host), "old SAs gone at the peer", 15)
    assert "creating delete job for CHILD_SA ESP/" in moon.host.log() + sun.host.log()
    moon.host.ipsec("down", "octets[*]")
    until(lambda: not states(moon.host) + states(sun.host), "no SAs")


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


def test_trap_for_everything_lets_ike_pass(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    moon.host.ipsec("down", "tunnel", status=None)
    moon.host.ipsec("route", "wide")
    ping(moon.host, *inside("wide"), count=1)
    until(lambda: moon.host.installed("wide") == 1, "acquired CHILD_SA")
    assert "ESP(spi=" in crossed(bench.switch, moon.host, *inside("wide"))
    moon.host.ipsec("unroute", "wide")
    down(moon, "wide", sun)


def test_interface_of_a_connection(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "device", sun)
    link = moon.host.net("ip", "-d", "link", "show", "tun7").stdout
    assert "vti" in link and "alias cygnet" in link
    assert "dev tun7" in moon.host.net("ip", "route", "show", "table", "220").stdout
    assert "ESP(spi=" in crossed(bench.switch, moon.host, *inside("device"))
    assert "ESP(spi=" in crossed(bench.switch, sun.host, *reversed(inside("device")))
    counters = moon.host.net("ip", "-s", "link", "show", "tun7").stdout
    assert re.search(r"RX:.*\n +504 +6 ", counters), counters
    down(moon, "device", sun)
    assert moon.host.net("ip", "link", "show", "tun7", status=None).returncode


def test_differences_are_named_and_repaired(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "tunnel", sun)
    shown = moon.host.ipsec("kernel")
    assert "Data plane xfrm: 2 SAs, 3 policies" in shown and "tunnel{" in shown
    assert moon.host.ipsec("kernel", "--check") == "the kernel holds what it should\n"
    moon.host.net("ip", "route", "flush", "table", "220")
    moon.host.net("ip", "xfrm", "policy", "deleteall")
    spi = re.findall(r"out ESP ([0-9a-f]{8}) ", shown)[0]
    moon.host.net("ip", "xfrm", "state", "delete", "dst", sun.address, "proto", "esp", "spi", f"0x{spi}")
    told = moon.host.ipsec("kernel", "--check", status=1)
    assert len(re.findall("^policy .* is missing$", told, re.M)) == 3
    assert "is missing" in told and "route to 10.2.0.0/24 is missing" in told
    mended = moon.host.ipsec("kernel", "--check", "--repair")
    assert "negotiated anew" in mended and "repaired" in mended
    until(
        lambda: len(spis(moon.host)) == 2 and ping(moon.host, *inside("tunnel"), count=1),
        "a new CHILD_SA",
        20,
    )
    assert moon.host.ipsec("kernel", "--check") == "the kernel holds what it should\n"
    down(moon, "tunnel", sun)


FOREIGN = (
    "ip xfrm state add src 198.51.100.1 dst 198.51.100.2 proto esp spi 0x4d mode tunnel "
    "aead 'rfc4106(gcm(aes))' 0x0000000000000000000000000000000000000001 128",
    "ip xfrm policy add src 198.51.100.1 dst 198.51.100.2 dir out action block",
)


def test_killed_charon_leaves_nothing_and_others_keep_theirs(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    for command in FOREIGN:
        moon.host.net("sh", "-c", command)
    up(moon, "tunnel", sun)
    old = moon.host.pid_of("charon")
    moon.host.run("kill", "-9", str(old))
    until(lambda: moon.host.pid_of("charon") not in (0, old), "a new charon", 30)
    until(lambda: "tunnel" in moon.host.connections(), "its connections", 30)
    assert is_foreign_only(moon.host)
    assert not moon.host.net("ip", "route", "show", "table", "220").stdout
    assert re.search(r"removed 2 SAs and 3 policies", moon.host.log())
    up(moon, "tunnel")
    assert "ESP(spi=" in crossed(bench.switch, moon.host, *inside("tunnel"))


def test_stopping_a_charon_that_hangs_leaves_nothing(bench: Bench, ends: tuple[End, End]) -> None:
    moon, _ = ends
    up(moon, "tunnel")
    moon.host.run("kill", "-STOP", str(moon.host.pid_of("charon")))
    moon.host.ipsec("stop", timeout=40)
    assert is_foreign_only(moon.host)
    assert "220" not in _rules(moon.host)


def _rules(host: Host) -> str:
    return host.net("ip", "rule").stdout
