"""Tunnels over paths that are not simple: NAT, loss, large messages."""

import re

import pytest

from lab.certificates import Holder, authority, leaf, sub_authority
from lab.hosts import until
from lab.network import lose
from lab.topology import PAIRS, Lab
from lab.tunnels import End, assert_carries, bring_up, configure, credentials, is_up, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]


@pytest.mark.parametrize("kinds", PAIRS)
def test_initiator_behind_nat(lab: Lab, kinds: str) -> None:
    moon, sun, _router = lab.pair_with_nat(kinds)
    configure(moon, sun)
    bring_up(moon, sun)
    assert "192.0.2.2[sun.lab]...192.0.2.254[moon.lab]" in sun.host.ipsec("status")
    assert "ESP in UDP" in sun.host.ipsec("status")
    assert_carries(moon, sun)
    sun.host.ipsec("down", "net-net")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "both sides without SAs", 3)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("sockets", ["inherited", "raw", "udp"])
def test_esp_in_udp_by_every_kind_of_socket_and_after_a_restart(
    lab: Lab, sockets: str, family: int
) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    if family == 6:
        moon.address, sun.address = "2001:db8::1", "2001:db8::2"
    configure(moon, sun, forceencaps="yes")
    replace(moon, "auto=add", "auto=start")
    for end in (sun, moon):
        end.host.settings(f"socket = {sockets}")
        end.host.start()
    until(lambda: is_up(moon) and is_up(sun), "tunnel up at both ends")
    assert "ESP in UDP" in sun.host.ipsec("status")
    assert_carries(moon, sun)
    was = moon.host.pid_of("charon")
    moon.host.run("kill", "-KILL", str(was))
    until(lambda: moon.host.pid_of("charon") not in (0, was) and is_up(moon) and is_up(sun), "tunnel again")
    moon.host.says(f"using {sockets} IKE sockets")
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", PAIRS)
def test_fifth_of_the_messages_lost(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "rsa")
    for end in (moon, sun):
        lose(end.host, 20)
        end.host.settings("retransmit_tries = 20")  # IKE_AUTH has fragments: six rounds of ten fail
    sun.host.start()
    moon.host.start()
    moon.host.ipsec("up", "net-net", timeout=60)
    until(lambda: is_up(moon) and is_up(sun), "tunnel up at both ends")
    assert_carries(moon, sun)


def large(end: End) -> Holder:
    """A certificate below two authorities, of several fragments' size; the peer knows only the root."""
    middle = sub_authority(authority("rsa"), f"Lab Intermediate {end.host.name}")
    above = sub_authority(middle, f"Lab Issuing {end.host.name}")
    return leaf(above, end.identity.removeprefix("@"), padding=60)


@pytest.mark.parametrize("kinds", PAIRS)
def test_large_certificate_chain_travels_in_fragments(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "rsa", fragmentation="yes")
    for end in (moon, sun):
        credentials(end, large(end))
    bring_up(moon, sun)
    assert_carries(moon, sun)
    for end in (moon, sun):
        assert re.search(r"IKE_AUTH (request|response) 1 \[ EF\(3/\d+\) \]", end.host.log())


@pytest.mark.parametrize("kinds", PAIRS)
def test_large_packets_pass(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    bring_up(moon, sun)
    assert_carries(moon, sun, count=3, size=1300)
    assert_carries(moon, sun, count=3, size=4000)
