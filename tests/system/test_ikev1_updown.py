"""What pluto tells updown scripts, as client and as gateway, beside what strongSwan's charon tells them.

Connections, peers and roles are the same in both cases, so that the environments must be, too.
"""

import re
from collections.abc import Callable

import pytest

from lab.firewall import assert_passes_while_up
from lab.hosts import until
from lab.ikev1 import ADDRESS, AS_INITIATOR, AS_RESPONDER, IKEV1, WITH_PEER, with_pool
from lab.topology import Lab
from lab.tunnels import End, bring_up, configure, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]

TOLD = "/var/log/told"
SCRIPT = f"#!/bin/sh\nexport -p >> {TOLD}\necho end >> {TOLD}\n"
OWN_NUMBER = "PLUTO_REQID"
"""Where pluto's numbers begin is its own business."""
PEER_IN_SELECTORS = """plugins {
  kernel-libipsec {
    allow_peer_ts = yes
  }
  kernel-netlink {
    fwmark = !0x42
  }
  socket-default {
    fwmark = 0x42
  }
}"""


def of_one_protocol(moon: End, sun: End) -> None:
    """A type of ICMP stands where ports do, type and code in one number."""
    configure(moon, sun, **IKEV1, leftprotoport="icmp/2048", rightprotoport="icmp/2048")


def between_hosts(moon: End, sun: End) -> None:
    """No network on either side."""
    moon.subnet = sun.subnet = ""
    configure(moon, sun, **IKEV1)
    for end in (moon, sun):
        if end.host.kind != "cygnet":
            end.host.settings(PEER_IN_SELECTORS)


def to_anybody(moon: End, sun: End) -> None:
    """A user with a virtual address, at an instance of the gateway's connection."""
    with_pool(moon, sun)
    replace(sun, f"right={moon.address}", "right=%any")
    replace(sun, "    left=", "    lefthostaccess=yes\n    left=")


def told(end: End) -> list[dict[str, str]]:
    """strongSwan's variables, each time that the script was run."""
    parts = end.host.read(TOLD).split("end\n")[:-1]
    return [dict(re.findall(r"^export (PLUTO_\w+)='?(.*?)'?$", part, re.M)) for part in parts]


def up_and_down(moon: End, sun: End) -> list[list[dict[str, str]]]:
    """What the scripts of both ends were told."""
    for end in (moon, sun):
        end.host.write("/etc/ipsec.d/script", SCRIPT, 0o755)
        replace(end, "    left=", "    leftupdown=/etc/ipsec.d/script\n    left=")
    bring_up(moon, sun)
    until(lambda: told(moon) and told(sun), "the scripts were run", 5)
    moon.host.ipsec("down", "net-net[*]")
    until(lambda: len(told(moon)) == len(told(sun)) == 2, "the scripts were run again", 5)
    return [told(moon), told(sun)]


@pytest.mark.parametrize("prepare", [of_one_protocol, between_hosts, to_anybody])
@pytest.mark.peer
@WITH_PEER[1]
def test_scripts_are_told_what_strongswan_tells(lab: Lab, prepare: Callable[[End, End], None]) -> None:
    seen = {}
    for kinds in ("cygnet-strongswan60", "strongswan60-cygnet"):
        moon, sun = lab.beside(kinds).pair(kinds)
        prepare(moon, sun)
        for role, end, environments in zip("IR", (moon, sun), up_and_down(moon, sun), strict=True):
            numbers = [one.pop(OWN_NUMBER) for one in environments]
            assert numbers[0] == numbers[1] != "0"
            seen[role, end.host.kind] = environments
    for role in "IR":
        assert [one["PLUTO_VERB"].split("-")[0] for one in seen[role, "cygnet"]] == ["up", "down"]
        assert seen[role, "cygnet"] == seen[role, "strongswan60"]


@pytest.mark.parametrize("kinds", AS_INITIATOR)
def test_firewall_of_the_client_lets_the_tunnel_through(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    with_pool(moon, sun)
    assert_passes_while_up(moon, sun, moon, ADDRESS)


@pytest.mark.parametrize("kinds", AS_RESPONDER)
def test_firewall_of_the_gateway_lets_each_peers_tunnel_through(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    to_anybody(moon, sun)
    assert_passes_while_up(moon, sun, sun, ADDRESS)
