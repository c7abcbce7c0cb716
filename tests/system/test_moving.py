"""Hosts that move while traffic flows: MOBIKE, and NATs that come, go and forget.

strongSwan's user-space ESP cannot move an SA (``kernel-libipsec`` answers "not supported"): after a move it
rekeys the CHILD_SA, over the new path. Its ESP is in UDP always.
"""

import re
from collections.abc import Callable

import pytest

from lab.hosts import Host, until
from lab.network import address, forget_mappings, masquerade, ping, seen
from lab.pings import Pings
from lab.topology import PAIRS, Lab
from lab.tunnels import End, assert_carries, bring_up, configure, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]

SILENCE = """
table inet silence {
  chain forward {
    type filter hook forward priority 0;
    ip saddr 192.0.2.1 drop
  }
}
"""
"""What moon sends by its first uplink is lost; what is sent there is not."""
REKEY = {"cygnet": "ipsec stroke rekey net-net[]", "strongswan": "swanctl --rekey --ike net-net"}
OURS = ["cygnet-cygnet"]
AT_MOST_S = 2.0
"""How long after a path is gone the next packet may come through another."""


def assert_goes_on(moon: End, sun: End, change: Callable[[], object]) -> None:
    """Pings from moon's network to sun's are answered soon after something has changed."""
    with Pings(moon.host, moon.inside, sun.inside, 0.02) as pings:
        pings.go_on()
        change()
        pings.go_on()
    assert pings.gap_s < AT_MOST_S, f"no answer for {pings.gap_s:.2f} s"


def roaming(lab: Lab, kinds: str, mover: str = "moon", **options: str) -> tuple[End, End, Host]:
    """A tunnel of which one end has two uplinks; moon's address is whatever the kernel takes."""
    moon, sun, router = lab.pair_with_two_uplinks(kinds, mover=mover)
    moon.address, moon.public = "%defaultroute", "%any"
    sun.public, sun.address = sun.address, "%defaultroute"
    configure(moon, sun, **options)
    bring_up(moon, sun)
    return moon, sun, router


def status(end: End) -> str:
    return end.host.ipsec("status", status=None)


def cut_first_uplink(end: End) -> None:
    end.host.net("ip", "link", "set", "eth0", "down")


@pytest.mark.parametrize("kinds", PAIRS)
def test_initiator_loses_its_link_and_goes_on_over_another(lab: Lab, kinds: str) -> None:
    moon, sun, _ = roaming(lab, kinds)
    assert "192.0.2.1[moon.lab]...203.0.113.2[sun.lab]" in status(moon)
    assert_goes_on(moon, sun, lambda: cut_first_uplink(moon))
    for end in (moon, sun):
        until(lambda end=end: "192.0.2.1[" not in status(end), "the old address gone")  # type: ignore[misc]
        until(lambda end=end: end.host.installed() == 1, "one CHILD_SA")  # type: ignore[misc]
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", PAIRS)
def test_responder_loses_its_link_and_goes_on_over_another(lab: Lab, kinds: str) -> None:
    moon, sun, _ = roaming(lab, kinds, "sun")
    assert "203.0.113.2[moon.lab]...192.0.2.1[sun.lab]" in status(moon)
    assert_goes_on(moon, sun, lambda: cut_first_uplink(sun))
    for end in (moon, sun):
        until(lambda end=end: "192.0.2.1[" not in status(end), "the old address gone")  # type: ignore[misc]
        until(lambda end=end: end.host.installed() == 1, "one CHILD_SA")  # type: ignore[misc]
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", [one for one in PAIRS if str(one.id).startswith("cygnet")])
def test_initiator_moves_before_its_answer_to_a_rekeying_arrives(lab: Lab, kinds: str) -> None:
    moon, sun, router = roaming(lab, kinds, reauth="no")
    router.net("nft", "-f", "-", stdin=SILENCE)
    sun.host.run("sh", "-c", f"{REKEY[sun.host.kind]} > /dev/null 2>&1 &")
    until(lambda: "IKE_SA net-net[2] established" in moon.host.log(), "rekeying that moon has answered", 5)
    cut_first_uplink(moon)
    until(lambda: "192.0.2.1[" not in status(sun), "sun to follow in the old IKE_SA, to either address", 15)
    until(lambda: moon.host.established() == sun.host.established() == 1, "the old IKE_SA's end", 10)
    until(lambda: "192.0.2.1[" not in status(moon), "moon to go on in the new one", 10)
    until(lambda: moon.host.installed() == sun.host.installed() == 1, "one CHILD_SA", 10)
    # strongSwan rekeys the CHILD_SA once more after the move
    until(lambda: ping(moon.host, moon.inside, sun.inside, 1), "traffic", 10)
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", OURS)
def test_other_address_on_the_same_link(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    moon.host.net("ip", "address", "flush", "dev", "eth0", "scope", "global")
    address(moon.host, "192.0.2.1/24")
    moon.address, moon.public = "%defaultroute", "%any"
    configure(moon, sun)
    bring_up(moon, sun)

    def renumber() -> None:
        address(moon.host, "192.0.2.77/24")
        moon.host.net("ip", "address", "del", "192.0.2.1/24", "dev", "eth0")
        if "192.0.2.77" not in moon.host.net("ip", "-br", "address", "show", "dev", "eth0").stdout:
            address(moon.host, "192.0.2.77/24")  # the kernel takes secondary addresses with the first

    assert_goes_on(moon, sun, renumber)
    assert "192.0.2.2[sun.lab]...192.0.2.77[moon.lab]" in status(sun)
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", PAIRS)
def test_from_ipv4_to_ipv6(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    moon.address, moon.public = "%defaultroute", "%any"
    configure(moon, sun)
    bring_up(moon, sun)
    assert_goes_on(
        moon, sun, lambda: moon.host.net("ip", "address", "del", "192.0.2.1/24", "dev", "eth0")
    )
    assert "2001:db8::2[sun.lab]...2001:db8::1[moon.lab]" in status(sun)
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", [one for one in PAIRS if not one.id.endswith("-strongswan")])
def test_nat_is_restarted_while_traffic_flows_from_inside(lab: Lab, kinds: str) -> None:
    """Authentic ESP shows the new mapping, which strongSwan's user-space ESP does not look at."""
    moon, sun, router = lab.pair_with_nat(kinds)
    configure(moon, sun)
    bring_up(moon, sun)
    assert_goes_on(moon, sun, lambda: forget_mappings(router, 23000))
    assert_carries(moon, sun)
    sun.host.says("NAT mappings of CHILD_SA with SPI")


@pytest.mark.parametrize("kinds", PAIRS)
def test_nat_is_restarted_while_nothing_flows(lab: Lab, kinds: str) -> None:
    """Dead peer detection finds that the mapping has changed; traffic from outside comes through again.

    strongSwan knows no mapping before its first such message.
    """
    moon, sun, router = lab.pair_with_nat(kinds)
    configure(moon, sun, dpddelay="1s", dpdaction="restart")
    replace(sun, "dpddelay=1s", "dpddelay=0")
    bring_up(moon, sun)
    asked = r"parsed INFORMATIONAL request \d+ \[ N\(NATD"
    until(lambda: re.search(asked, sun.host.log()), "a first message")
    forget_mappings(router, 24000)
    until(lambda: ping(sun.host, sun.inside, moon.inside, 1), "traffic from outside", 15)
    assert_carries(sun, moon)


@pytest.mark.parametrize("kinds", OURS)
def test_nat_comes_and_goes(lab: Lab, kinds: str) -> None:
    moon, sun, router = lab.pair_with_nat(kinds)
    router.net("nft", "flush", "ruleset")
    sun.host.net("ip", "route", "add", "10.0.0.0/24", "via", "192.0.2.254")
    configure(moon, sun, dpddelay="1s", dpdaction="restart")
    replace(sun, "dpddelay=1s", "dpddelay=0")  # for a NAT leaves alone what comes from outside
    bring_up(moon, sun)
    assert "ESP in UDP" not in status(moon)
    assert_carries(moon, sun)
    assert seen(sun.host)["esp"]
    masquerade(router)
    until(lambda: "ESP in UDP" in status(moon) and "192.0.2.254[moon.lab]" in status(sun), "NAT found")
    assert_carries(moon, sun)
    router.net("nft", "flush", "ruleset")
    for state in ("down", "up"):
        router.net("ip", "link", "set", "eth1", state)
    until(lambda: "ESP in UDP" not in status(moon) + status(sun), "NAT gone")
    assert "10.0.0.2[moon.lab]" in status(sun)
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", OURS)
def test_path_that_falls_silent_is_left(lab: Lab, kinds: str) -> None:
    """Both links are up and all routes there; the first way is dead in the middle."""
    moon, sun, router = lab.pair_with_two_uplinks(kinds)
    moon.address, moon.public = "%defaultroute", "%any"
    moon.host.settings("interfaces_ignore = lan0")
    for rule in ("rule add from 198.51.100.1 table 101 priority 100",
                 "route add default via 198.51.100.254 table 101"):
        moon.host.net("ip", *rule.split())
    configure(moon, sun, dpddelay="1s", dpdaction="restart")
    bring_up(moon, sun)
    assert "10.1.0.1" not in moon.host.ipsec("statusall").partition("Connections:")[0]
    router.net("ip", "link", "set", "eth0", "down")
    until(lambda: "198.51.100.1[moon.lab]" in status(sun), "another path", 10)
    assert_carries(moon, sun)
    assert "10.1.0.1" not in sun.host.log()


@pytest.mark.parametrize("kinds", OURS)
def test_host_without_a_path_goes_on_when_there_is_one(lab: Lab, kinds: str) -> None:
    moon, sun, _ = roaming(lab, kinds)
    moon.host.net("ip", "link", "set", "eth1", "down")
    cut_first_uplink(moon)
    moon.host.says("old path is not available anymore, try to find another")
    assert moon.host.established() == 1
    moon.host.net("ip", "link", "set", "eth1", "up")
    moon.host.net("ip", "route", "add", "default", "via", "198.51.100.254", "dev", "eth1")
    until(lambda: "198.51.100.1[moon.lab]" in status(sun), "going on", 3)
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", OURS)
def test_without_mobike_a_new_ike_sa_is_made_from_what_is_left(lab: Lab, kinds: str) -> None:
    moon, sun, _ = roaming(lab, kinds, mobike="no")
    assert_goes_on(moon, sun, lambda: cut_first_uplink(moon))
    moon.host.says("reauthenticating IKE_SA due to address change")
    assert "198.51.100.1[moon.lab]" in status(sun)
    until(lambda: sun.host.established() == 1, "the old IKE_SA gone")
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", [one for one in PAIRS if "strongswan" in str(one.id)])
def test_everything_on_port_4500(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, leftikeport="4500", rightikeport="4500", forceencaps="yes")
    bring_up(moon, sun)
    assert_carries(moon, sun)
    assert "[500]" not in "".join(line for line in moon.host.log().splitlines() if "sending packet" in line)


@pytest.mark.parametrize("kinds", OURS)
def test_other_ports_on_both_sides(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    for end in (moon, sun):
        end.host.settings("port = 1500\nport_nat_t = 14500")
    configure(moon, sun, forceencaps="yes", leftikeport="14500", rightikeport="14500")
    bring_up(moon, sun)
    assert "ESP in UDP" in status(moon)
    assert ping(moon.host, moon.inside, sun.inside) and ping(sun.host, sun.inside, moon.inside)
