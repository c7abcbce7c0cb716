"""Everything that happens to SAs between up and down, as an operator sees it."""

import re
import subprocess
import time

import pytest

from lab.gateways import Gateway
from lab.hosts import until
from lab.network import ping
from lab.pings import no_ping_lost
from lab.topology import PAIRS, Lab
from lab.tunnels import End, assert_carries, bring_up, configure, connection, is_up, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]

TO_CYGNET = [pair for pair in PAIRS if str(pair.id).startswith("cygnet-")]
WITH_PEER = [pair for pair in PAIRS if "strongswan" in str(pair.id)]
IMPATIENT = "retransmit_tries = 2"
"""Three unanswered messages, two seconds, and a peer is dead."""


def add_connection(one: End, other: End, name: str, subnets: tuple[str, str], **options: str) -> None:
    """A second connection at both ends, which shares all but its networks with the first."""
    for end, peer, near, far in ((one, other, *subnets), (other, one, *subnets[::-1])):
        text = connection(name, end, peer, options)
        text = text.replace(end.subnet, near).replace(peer.subnet, far)
        end.host.write("/etc/ipsec.conf", end.host.read("/etc/ipsec.conf") + text)


def crash(host: Gateway) -> None:
    """Every process of the host is gone without a word; what a reboot would clear is cleared."""
    host.run("sh", "-c", "kill -KILL -1", status=None)
    for name in ("charon", "starter", "starter.charon"):
        host.file(f"/run/{name}.pid").unlink(missing_ok=True)


@pytest.mark.parametrize("kinds", PAIRS)
def test_traffic_flows_through_reauthentications_without_a_lost_packet(lab: Lab, kinds: str) -> None:
    """Two CHILD_SAs of one IKE_SA, which is made anew every two seconds, make-before-break."""
    moon, sun = lab.pair(kinds)
    options = {"ikelifetime": "3s", "margintime": "1s", "rekeyfuzz": "0%", "lifetime": "1h"}
    configure(moon, sun, **options)
    add_connection(moon, sun, "second", ("10.1.0.1/32", "fd02::/64"), **options)
    replace(sun, "ikelifetime=3s", "ikelifetime=1h")
    bring_up(moon, sun)
    moon.host.ipsec("up", "second")
    with no_ping_lost(moon, sun, 200):
        until(lambda: moon.host.log().count("reauthenticating IKE_SA") >= 3, "three reauthentications", 20)
        until(lambda: is_up(moon) and is_up(sun), "one IKE_SA at both ends")
    until(lambda: moon.host.installed("second") == sun.host.installed("second") == 1, "both CHILD_SAs")


@pytest.mark.parametrize("kinds", TO_CYGNET)
def test_lifetimes_by_packets_and_bytes_renew_the_child_sa_under_traffic(lab: Lab, kinds: str) -> None:
    """Soft limits lose nothing; a hard one without a margin ends the CHILD_SA, and another is made."""
    moon, sun = lab.pair(kinds)
    configure(moon, sun, lifetime="1h")
    replace(moon, "lifetime=1h", "lifetime=1h\n    rekeyfuzz=0%\n    lifepackets=300\n    marginpackets=150")
    bring_up(moon, sun)
    with no_ping_lost(moon, sun):
        until(lambda: "net-net{4}" in moon.host.ipsec("status"), "three rekeyings by packets")
    moon.host.ipsec("down", "net-net")
    replace(moon, "lifepackets=300\n    marginpackets=150", "lifebytes=20000")
    moon.host.ipsec("update")
    moon.host.ipsec("up", "net-net")
    ping(moon.host, moon.inside, sun.inside, count=30, size=1000)
    moon.host.says("creating delete job for CHILD_SA")
    until(lambda: is_up(moon) and is_up(sun), "a new CHILD_SA")
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", TO_CYGNET)
def test_peer_that_crashed_is_found_dead_and_the_tunnel_comes_back(lab: Lab, kinds: str) -> None:
    """dpdaction=restart after a crash; after an orderly stop closeaction=hold, or auto=start alone."""
    moon, sun = lab.pair(kinds)
    configure(moon, sun, dpdaction="restart", dpddelay="1s", keyingtries="%forever")
    replace(moon, "auto=add", "auto=start")
    moon.host.settings(IMPATIENT)
    sun.host.start()
    moon.host.start()
    until(lambda: is_up(moon) and is_up(sun), "tunnel up")
    crash(sun.host)
    until(lambda: "peer not responding" in moon.host.log(), "the peer found dead", 10)
    sun.host.start()
    until(lambda: is_up(moon) and is_up(sun), "tunnel up again", 15)
    assert ping(moon.host, moon.inside, sun.inside)
    if kinds == "cygnet-strongswan":
        replace(moon, "auto=start", "auto=route\n    closeaction=hold")
        moon.host.ipsec("update")
        moon.host.ipsec("unroute", "net-net")
    sun.host.stop()
    sun.host.start()
    if kinds == "cygnet-strongswan":
        assert "ROUTED" in moon.host.ipsec("status")
        assert ping(moon.host, moon.inside, sun.inside, count=1)
    until(lambda: is_up(moon) and is_up(sun), "tunnel up after an orderly restart", 20)
    moon.host.ipsec("down", "net-net")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing left", 3)
    time.sleep(1)
    assert moon.host.has_nothing()


@pytest.mark.parametrize("kinds", TO_CYGNET)
def test_both_initiate_at_once_and_one_ike_sa_stays(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    sun.host.start()
    moon.host.start()
    for _ in range(2):
        ups = [
            subprocess.Popen(
                [*end.host.enter(), "ipsec", "up", "net-net"],
                env=end.host.environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for end in (moon, sun)
        ]
        for up in ups:
            up.wait(20)
        until(lambda: is_up(moon) and is_up(sun), "one IKE_SA with one CHILD_SA at both ends", 15)
        assert_carries(moon, sun, count=1)
        moon.host.ipsec("up", "net-net")
        assert is_up(moon) and is_up(sun)
        moon.host.ipsec("down", "net-net")
        until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing left", 5)


@pytest.mark.parametrize("kinds", TO_CYGNET)
def test_childless_then_idle_then_closed(lab: Lab, kinds: str) -> None:
    """The CHILD_SA gets an exchange of its own, goes when it is idle, and the peer's closing is obeyed."""
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(moon, "auto=add", "auto=add\n    childless=force\n    inactivity=2s\n    closeaction=restart")
    bring_up(moon, sun)
    assert re.search(r"parsed IKE_SA_INIT response .*N\(CHDLESS_SUP\)", moon.host.log())
    moon.host.says("generating CREATE_CHILD_SA request")
    assert_carries(moon, sun)
    until(lambda: moon.host.installed() == sun.host.installed() == 0, "idle CHILD_SA closed", 6)
    assert moon.host.established() == sun.host.established() == 1
    moon.host.ipsec("up", "net-net")
    until(lambda: is_up(moon) and is_up(sun), "a CHILD_SA in the same IKE_SA")
    sun.host.ipsec("down", "net-net{*}")
    until(lambda: "received DELETE for ESP CHILD_SA" in moon.host.log(), "deletion by the peer")
    until(lambda: is_up(moon) and is_up(sun), "closeaction=restart", 5)


@pytest.mark.parametrize("kinds", WITH_PEER)
def test_responder_that_wants_authentication_gets_it(lab: Lab, kinds: str) -> None:
    """Cygnet asks for it with AUTH_LIFETIME, strongSwan takes it itself where both could begin."""
    moon, sun = lab.pair(kinds)
    configure(moon, sun, ikelifetime="6s", margintime="2s", rekeyfuzz="0%", lifetime="1h")
    replace(moon, "ikelifetime=6s", "ikelifetime=1h\n    reauth=no")
    bring_up(moon, sun)
    if kinds.endswith("-cygnet"):
        sun.host.says("N(AUTH_LFT)")
        until(lambda: "reauthenticating IKE_SA net-net[1]" in moon.host.log(), "obedience", 6)
        assert "reauthenticating" not in sun.host.log()
    else:
        until(lambda: "reauthenticating IKE_SA" in sun.host.log(), "self-help", 6)
    until(lambda: is_up(moon) and is_up(sun), "one IKE_SA at both ends")
    assert_carries(moon, sun, count=1)


@pytest.mark.parametrize("kinds", [pair for pair in WITH_PEER if pair in TO_CYGNET])
def test_break_before_make(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, ikelifetime="4s", margintime="1s", rekeyfuzz="0%", lifetime="1h")
    replace(sun, "ikelifetime=4s", "ikelifetime=1h")
    moon.host.settings("make_before_break = no")
    bring_up(moon, sun)
    until(lambda: "reauthenticating IKE_SA net-net[1]" in moon.host.log(), "reauthentication", 6)
    until(lambda: "net-net[2]" in moon.host.ipsec("status") and is_up(moon) and is_up(sun), "a new IKE_SA")
    assert_carries(moon, sun, count=1)
