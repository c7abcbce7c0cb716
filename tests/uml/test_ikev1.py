"""pluto over the kernel's IPsec: IKEv1 between two Cygnets."""

import re

import pytest
from bench import SETTINGS, Bench, crossed, down, is_foreign_only, policies, spis, states, up, write_configs

from lab.hosts import until
from lab.network import address, ping
from lab.tunnels import End

HOST = {"onesubnet": "", "othersubnet": ""}
SIX = {"one": "2001:db8::1", "other": "2001:db8::2"}
CONNS: dict[str, dict[str, str]] = {
    "tunnel": {},
    "pfs": {"esp": "aes256-sha256-modp2048!"},
    "six": {
        **SIX,
        "onesubnet": "fd01::/64",
        "othersubnet": "fd02::/64",
        "esp": "aes128-sha256-esn!",
    },
    "transport": {"type": "transport", **HOST},
    "ah": {"ah": "sha256!"},
    "udp": {"forceencaps": "yes"},
    "transport-udp": {"type": "transport", "forceencaps": "yes", **HOST},
    "rekeyed": {"lifebytes": "60000", "marginbytes": "50000"},
    "seconds": {"lifetime": "3s", "margintime": "0s", "rekeyfuzz": "0%"},
    "second": {"keyexchange": "ikev2"},
}


def inside(name: str) -> tuple[str, str]:
    """The inner addresses of a connection's two ends: each connection has networks of its own."""
    if name == "six":
        return "fd01::1", "fd02::1"
    number = list(CONNS).index(name)
    return f"10.1.{number}.1", f"10.2.{number}.1"


@pytest.fixture(scope="module")
def ends(bench: Bench) -> tuple[End, End]:
    moon, sun = bench.gateway("cygnet", "moon", 1), bench.gateway("cygnet", "sun", 2)
    for number, (name, options) in enumerate(CONNS.items()):
        options |= {
            "keyexchange": options.get("keyexchange", "ikev1"),
            "oneid": f"@moon.{name}",
            "otherid": f"@sun.{name}",
        }
        for end, key, at in zip((moon, sun), ("onesubnet", "othersubnet"), inside(name), strict=True):
            if number and name != "six":
                address(end.host, f"{at}/24", device="lan0")
            options.setdefault(key, at.removesuffix("1") + "0/24")
    write_configs(moon, sun, CONNS)
    sun.host.start()
    moon.host.start()
    bench.switch.listen()
    return moon, sun


@pytest.mark.parametrize("name", ["tunnel", "pfs", "six"])
def test_tunnel_is_in_the_kernel_and_leaves_nothing(bench: Bench, ends: tuple[End, End], name: str) -> None:
    moon, sun = ends
    up(moon, name, sun)
    assert "ESP(spi=" in crossed(bench.switch, moon.host, *inside(name))
    assert "ESP(spi=" in crossed(bench.switch, sun.host, *reversed(inside(name)))
    assert "(6 pkts" in moon.host.ipsec("statusall")
    down(moon, name, sun)
    for end in ends:
        assert not states(end.host) + policies(end.host)
        assert not end.host.net("ip", "route", "show", "table", "220").stdout


def test_transport_mode(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "transport", sun)
    seen = crossed(bench.switch, moon.host, moon.address, sun.address)
    assert "ESP(spi=" in seen and "ICMP echo" not in seen
    assert "mode transport" in states(moon.host)
    down(moon, "transport", sun)


def test_authentication_header(bench: Bench, ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "ah", sun)
    bench.switch.since()
    assert ping(moon.host, *inside("ah"))
    seen = bench.switch.since()
    assert "AH(spi=" in seen and "ESP" not in seen
    down(moon, "ah", sun)


@pytest.mark.parametrize("name", ["udp", "transport-udp"])
def test_encapsulation_in_udp(bench: Bench, ends: tuple[End, End], name: str) -> None:
    moon, sun = ends
    up(moon, name, sun)
    pair = inside(name) if name == "udp" else (moon.address, sun.address)
    assert "192.0.2.1.4500 > 192.0.2.2.4500: UDP-encap: ESP" in crossed(bench.switch, moon.host, *pair)
    down(moon, name, sun)


def test_rekeying_at_the_kernels_word_loses_nothing(ends: tuple[End, End]) -> None:
    """By both sides, which agree on a volume; old SAs stay until their end (``delete_rekeyed``)."""
    moon, sun = ends
    up(moon, "rekeyed", sun)
    before = spis(moon.host)
    source, target = inside("rekeyed")
    flood = moon.host.net("ping", "-q", "-c", "300", "-i", "0.02", "-s", "400", "-I", source, target).stdout
    assert " 300 received, 0% packet loss" in flood
    assert len(spis(moon.host) - before) >= 2
    moon.host.ipsec("down", "rekeyed[*]")
    until(lambda: not states(moon.host), "no SAs", 15)


def test_sa_expires(ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "seconds", sun)
    before = spis(moon.host)
    until(lambda: not before & (spis(moon.host) | spis(sun.host)), "the SAs are gone at both ends", 15)
    assert "CHILD_SA seconds" in moon.host.read("/var/log/pluto.log")
    moon.host.ipsec("down", "seconds[*]")
    until(lambda: not states(moon.host) + states(sun.host), "no SAs at either end", 15)


FOREIGN = (
    "ip xfrm state add src 198.51.100.1 dst 198.51.100.2 proto esp spi 0x4d mode tunnel "
    "aead 'rfc4106(gcm(aes))' 0x0000000000000000000000000000000000000001 128",
    "ip xfrm policy add src 198.51.100.1 dst 198.51.100.2 dir out action block",
)


def test_killed_pluto_leaves_nothing_and_others_keep_theirs(bench: Bench, ends: tuple[End, End]) -> None:
    """charon's among them: both daemons' SAs are in one kernel."""
    moon, sun = ends
    up(moon, "second", sun)
    assert "ESP(spi=" in crossed(bench.switch, moon.host, *inside("second"))
    charons = spis(moon.host)
    for command in FOREIGN:
        moon.host.net("sh", "-c", command)
    up(moon, "tunnel", sun)
    old = moon.host.pid_of("pluto")
    moon.host.run("kill", "-9", str(old))
    until(lambda: moon.host.pid_of("pluto") not in (0, old), "a new pluto", 30)
    until(lambda: spis(moon.host) == charons | {"0x0000004d"}, "only what is not pluto's", 30)
    assert "ESP(spi=" in crossed(bench.switch, moon.host, *inside("second"))
    up(moon, "tunnel")
    assert "ESP(spi=" in crossed(bench.switch, moon.host, *inside("tunnel"))
    down(moon, "second", sun)
    moon.host.ipsec("down", "tunnel")
    until(lambda: is_foreign_only(moon.host), "nothing of ours")


def test_stopping_a_pluto_that_hangs_leaves_nothing(ends: tuple[End, End]) -> None:
    moon, sun = ends
    up(moon, "tunnel", sun)
    assert not is_foreign_only(moon.host)
    moon.host.run("kill", "-STOP", str(moon.host.pid_of("pluto")))
    moon.host.ipsec("stop", timeout=40)
    assert is_foreign_only(moon.host)
    assert not moon.host.net("ip", "route", "show", "table", "220").stdout
    moon.host.start()


PLUTO_ALONE = """config setup
    charonstart=no
    plutostart=yes
"""


@pytest.mark.parametrize("sockets", ["inherited", "raw", "udp"])
def test_pluto_alone_takes_esp_out_of_udp(bench: Bench, ends: tuple[End, End], sockets: str) -> None:
    moon, sun = ends
    moon.host.stop()
    moon.host.settings(SETTINGS if sockets == "inherited" else f"{SETTINGS}\n  socket = {sockets}")
    text = moon.host.read("/etc/strongswan.conf")
    moon.host.write("/etc/strongswan.conf", text.replace("pluto {", f"pluto {{\n  socket = {sockets}", 1))
    only = re.findall(r"^conn udp\n(?: .*\n)*", moon.host.read("/etc/ipsec.conf"), re.M)
    moon.host.write("/etc/ipsec.conf", PLUTO_ALONE + only[0])
    moon.host.start()
    assert f"socket-{sockets}" in moon.host.ipsec("whack", "--statusall")
    up(moon, "udp", sun)
    assert "UDP-encap: ESP" in crossed(bench.switch, moon.host, *inside("udp"))
    assert "UDP-encap: ESP" in crossed(bench.switch, sun.host, *reversed(inside("udp")))
    down(moon, "udp", sun)
