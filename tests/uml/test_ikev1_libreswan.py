"""pluto and libreswan's pluto, both over the kernel's IPsec, each as initiator and as responder."""

import re

import pytest
from bench import Bench, crossed, spis, states, up, write_configs

from lab.certificates import authority, leaf
from lab.hosts import until
from lab.libreswan import Libreswan
from lab.network import address
from lab.tunnels import PSK, End, credentials

pytestmark = pytest.mark.libreswan

IKE = "aes256-sha256-modp2048!"
GCM, PFS = "aes128gcm16!", "aes256-sha256-modp2048!"
SHORT = {"margintime": "8s", "rekeyfuzz": "0%"}
CONNS: dict[str, dict[str, str]] = {
    "tunnel": {"esp": GCM},
    "pfs": {"esp": PFS},
    "rsa": {
        "esp": PFS,
        "authby": "rsasig",
        "othercert": "own.pem",
        "oneid": "@sun.lab",
        "otherid": "@moon.lab",
    },
    "transport": {"esp": "aes256-sha256!", "type": "transport", "onesubnet": "", "othersubnet": ""},
    "renewed": {"esp": PFS, "ikelifetime": "16s", "lifetime": "19s", **SHORT},
    "theirs": {"esp": PFS, "rekey": "no"},
    "dead": {"esp": GCM, "dpdaction": "clear", "dpddelay": "1s", "dpdtimeout": "4s"},
}
COMMON = {
    "authby": "secret",
    "ikev2": "no",
    "auto": "add",
    "ike": "aes256-sha2_256;modp2048",
    "leftupdown": "/bin/true",
    "left": "192.0.2.2",
    "right": "192.0.2.1",
}
THEIR_GCM = {"esp": "aes_gcm128-null", "pfs": "no"}
THEIR_PFS = {"esp": "aes256-sha2_256;modp2048", "pfs": "yes"}
OF_RSA = {"authby": "rsasig", "leftcert": "own", "rightrsasigkey": "%cert", "rightca": "%same"}
LIVES = {"ikelifetime": "24s", "salifetime": "20s", "rekeymargin": "10s", "rekeyfuzz": "0%"}
THEIRS: dict[str, dict[str, str]] = {
    "tunnel": {**THEIR_GCM},
    "pfs": {**THEIR_PFS},
    "rsa": {**THEIR_PFS, **OF_RSA, "leftid": "@sun.lab", "rightid": "@moon.lab"},
    "transport": {"type": "transport", "esp": "aes256-sha2_256", "pfs": "no"},
    "renewed": {**THEIR_PFS},
    "theirs": {**THEIR_PFS, **LIVES},
    "dead": {**THEIR_GCM, "dpddelay": "1", "dpdtimeout": "4", "dpdaction": "clear"},
}
HOSTS = ("192.0.2.1", "192.0.2.2")


def inside(name: str) -> tuple[str, str]:
    """The inner addresses of both ends: libreswan keeps a connection's network to itself."""
    number = list(CONNS).index(name)
    return f"10.1.{number}.1", f"10.2.{number}.1"


@pytest.fixture(scope="module")
def ends(bench: Bench) -> tuple[End, Libreswan]:
    moon = bench.gateway("cygnet", "moon", 1)
    sun = Libreswan("sun", bench.folder / "sun")
    bench.hosts.append(sun)
    bench.plug(sun, 2)
    beyond = End(moon.host, "192.0.2.2", "10.2.0.1", "10.2.0.0/24", "@sun.lab")
    for name, options in CONNS.items():
        ours, theirs = inside(name)
        if name != "tunnel":
            address(moon.host, f"{ours}/24", device="lan0")
            address(sun, f"{theirs}/24", device="lan0")
        sun.net("ip", "route", "add", _net(ours), "via", "192.0.2.1", "src", theirs)  # its updown would
        if options.get("type") != "transport":
            options |= {"onesubnet": _net(theirs), "othersubnet": _net(ours)}
            THEIRS[name] |= {"leftsubnet": _net(theirs), "rightsubnet": _net(ours)}
        options |= {"keyexchange": "ikev1", "ike": IKE}
        options |= {"oneid": f"@sun.{name}", "otherid": f"@moon.{name}"} | options
    write_configs(beyond, moon, CONNS)
    key = credentials(moon, leaf(authority("rsa"), "moon.lab"))
    moon.host.write("/etc/ipsec.secrets", f'{key}: PSK "{PSK}"\n', 0o600)
    names = {name: {"leftid": f"@sun.{name}", "rightid": f"@moon.{name}"} for name in THEIRS}
    sun.configure({name: COMMON | names[name] | options for name, options in THEIRS.items()}, PSK)
    sun.own(leaf(authority("rsa"), "sun.lab"))
    sun.start()
    moon.host.start()
    bench.switch.listen()
    return moon, sun


def _net(address: str) -> str:
    return address.removesuffix("1") + "0/24"


def close(ends: tuple[End, Libreswan], name: str) -> None:
    """Take a connection down at our end; both must forget it."""
    moon, sun = ends
    moon.host.ipsec("down", f"{name}[*]", status=None)
    until(lambda: not states(moon.host) + states(sun), "no SAs at either end", 15)


def their_up(ends: tuple[End, Libreswan], name: str) -> None:
    """Have libreswan bring a connection up."""
    moon, sun = ends
    told = sun.up(name)
    assert re.search("IPsec SA established|established IPsec SA", told), told
    until(lambda: moon.host.installed(name) == 1, f"{name} at moon")


@pytest.mark.parametrize("name", ["tunnel", "pfs", "rsa", "transport"])
def test_it_carries_whoever_begins(bench: Bench, ends: tuple[End, Libreswan], name: str) -> None:
    moon, sun = ends
    pair = HOSTS if name == "transport" else inside(name)
    up(moon, name)
    assert "ESP(spi=" in crossed(bench.switch, moon.host, *pair)
    assert "ESP(spi=" in crossed(bench.switch, sun, *reversed(pair))
    close(ends, name)
    their_up(ends, name)
    assert "ESP(spi=" in crossed(bench.switch, sun, *reversed(pair))
    sun.down(name)
    until(lambda: not states(moon.host) + states(sun), "no SAs at either end", 15)


@pytest.mark.parametrize("name", ["renewed", "theirs"])
def test_both_phases_are_renewed_while_traffic_flows(ends: tuple[End, Libreswan], name: str) -> None:
    """By us and by libreswan."""
    moon, sun = ends
    if name == "renewed":
        up(moon, name)
    else:
        their_up(ends, name)
    before = spis(moon.host)
    first = re.findall(rf"{name}\[(\d+)\]: ESTABLISHED", moon.host.ipsec("status"))
    flood = moon.host.net("ping", "-q", "-c", "110", "-i", "0.2", "-I", *inside(name)).stdout
    assert re.search(r" (1[01]\d) received", flood), flood
    until(lambda: not before & spis(moon.host), "the first IPsec SAs are gone", 20)
    now = re.findall(rf"{name}\[(\d+)\]: ESTABLISHED", moon.host.ipsec("status"))
    assert now and first and now != first
    if name == "theirs":
        sun.down(name)  # it would begin anew what we delete
    else:
        close(ends, name)
    until(lambda: not states(moon.host) + states(sun), "no SAs at either end", 25)


def test_peer_that_is_gone_is_found_dead_by_either(ends: tuple[End, Libreswan]) -> None:
    moon, sun = ends
    up(moon, "dead")
    before = spis(moon.host)
    moon.host.run("sleep", "6")  # longer than it takes to be dead
    assert spis(moon.host) == before == spis(sun)
    sun.pause()
    until(lambda: not states(moon.host), "libreswan is found dead", 20)
    sun.pause(go_on=True)
    until(lambda: not states(sun), "so are we", 20)
