"""Cygnet and libreswan, both over the kernel's IPsec, each as initiator and as responder."""

import re

import pytest
from bench import Bench, crossed, states, up, write_configs

from lab.hosts import until
from lab.libreswan import Libreswan
from lab.tunnels import PSK, End

pytestmark = pytest.mark.libreswan

CONNS: dict[str, dict[str, str]] = {
    "tunnel": {"ike": "aes256-sha256-modp2048!", "esp": "aes128gcm16!"},
    "transport": {"ike": "aes256-sha256-modp2048!", "esp": "aes256-sha256!", "type": "transport",
                  "onesubnet": "", "othersubnet": ""},
}  # fmt: skip
COMMON = {
    "authby": "secret",
    "ikev2": "insist",
    "auto": "add",
    "ike": "aes256-sha2_256;modp2048",
    "fragmentation": "yes",
    "leftupdown": "/bin/true",
    "left": "192.0.2.2",
    "leftid": "@sun.lab",
    "right": "192.0.2.1",
    "rightid": "@moon.lab",
}
THEIRS = {
    "tunnel": {"leftsubnet": "10.2.0.0/24", "rightsubnet": "10.1.0.0/24", "esp": "aes_gcm128-null"},
    "transport": {"type": "transport", "esp": "aes256-sha2_256"},
}


@pytest.fixture(scope="module")
def ends(bench: Bench) -> tuple[End, Libreswan]:
    moon = bench.gateway("cygnet", "moon", 1)
    sun = Libreswan("sun", bench.folder / "sun")
    bench.hosts.append(sun)
    bench.plug(sun, 2)
    beyond = End(moon.host, "192.0.2.2", "10.2.0.1", "10.2.0.0/24", "@sun.lab")
    sun.net("ip", "route", "add", "10.1.0.0/24", "via", "192.0.2.1", "src", "10.2.0.1")  # its updown would
    write_configs(beyond, moon, CONNS)
    sun.configure({name: COMMON | options for name, options in THEIRS.items()}, PSK)
    sun.start()
    moon.host.start()
    bench.switch.listen()
    return moon, sun


@pytest.mark.parametrize("name", ["tunnel", "transport"])
def test_it_carries_whoever_begins(bench: Bench, ends: tuple[End, Libreswan], name: str) -> None:
    moon, sun = ends
    pair = ("10.1.0.1", "10.2.0.1") if name == "tunnel" else ("192.0.2.1", "192.0.2.2")
    up(moon, name)
    assert "ESP(spi=" in crossed(bench.switch, moon.host, *pair)
    assert "ESP(spi=" in crossed(bench.switch, sun, *reversed(pair))
    moon.host.ipsec("down", "tunnel[*]")
    until(lambda: not states(moon.host), "no SAs at moon")
    told = sun.up(name)
    assert re.search("established (Child|IKE) SA|established Child SA", told), told
    until(lambda: moon.host.installed(name) == 1, f"{name} at moon")
    assert "ESP(spi=" in crossed(bench.switch, sun, *reversed(pair))
    sun.down(name)
    until(lambda: not states(moon.host), "no SAs at moon")
