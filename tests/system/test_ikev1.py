"""IKEv1 by pluto, between Cygnet hosts and with strongSwan, whose charon has both versions."""

import pytest

from lab.gateways import peer_missing
from lab.hosts import until
from lab.topology import Lab
from lab.tunnels import PSK, assert_carries, bring_up, configure, connection, is_up, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]

IKEV1 = {"keyexchange": "ikev1"}
_MISSING = peer_missing("trixie")
_WITH_PEER = [pytest.mark.peer, pytest.mark.skipif(bool(_MISSING), reason=_MISSING)]
PAIRS = [
    pytest.param(pair, marks=_WITH_PEER if "strongswan" in pair else [], id=pair)
    for pair in ("cygnet-cygnet", "cygnet-strongswan60", "strongswan60-cygnet")
]
PLUTO_LOG = "/var/log/pluto.log"
QUICK = "retransmit_timeout = 0.3\nretransmit_tries = 1"


@pytest.mark.parametrize("auth", ["psk", "rsa", "ecdsa"])
@pytest.mark.parametrize("kinds", PAIRS)
def test_main_mode_and_quick_mode_carry_traffic_until_down(lab: Lab, kinds: str, auth: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, auth, **IKEV1)
    bring_up(moon, sun)
    assert_carries(moon, sun)
    for end in (moon, sun):
        assert "IKEv1 SPIs: " in end.host.ipsec("statusall")
    moon.host.ipsec("down", "net-net")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing left at either end")


@pytest.mark.parametrize("kinds", PAIRS)
def test_initiator_behind_a_nat_gets_through(lab: Lab, kinds: str) -> None:
    moon, sun, _ = lab.pair_with_nat(kinds)
    configure(moon, sun, **IKEV1)
    bring_up(moon, sun)
    assert_carries(moon, sun)
    assert "ESP in UDP SPIs" in sun.host.ipsec("status")


@pytest.mark.parametrize("sockets", ["inherited", "raw", "udp"])
def test_pluto_alone_takes_esp_out_of_udp(lab: Lab, sockets: str) -> None:
    """Without charon, which else would give espd its sockets where starter opens none."""
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, forceencaps="yes", **IKEV1)
    moon.host.settings(f"socket = {sockets}")
    text = moon.host.read("/etc/strongswan.conf")
    moon.host.write("/etc/strongswan.conf", text.replace("pluto {", f"pluto {{\n  socket = {sockets}", 1))
    replace(moon, "config setup\n", "config setup\n    charonstart=no\n    plutostart=yes\n")
    bring_up(moon, sun)
    assert f"socket-{sockets}" in moon.host.ipsec("whack", "--status")
    assert "ESP in UDP SPIs" in moon.host.ipsec("status")
    assert_carries(moon, sun)


def test_wrong_secret_is_named_as_that(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, keyingtries="1", **IKEV1)
    moon.host.settings(QUICK)
    replace(sun, PSK, "another secret of some length", "/etc/ipsec.secrets")
    sun.host.start()
    moon.host.start()
    shown = moon.host.ipsec("up", "net-net", status=1)
    assert "establishing connection 'net-net' failed" in shown
    assert "wrong pre-shared key" in shown
    until(lambda: "wrong pre-shared key" in sun.host.read(PLUTO_LOG), "the responder's log says so", 5)
    assert moon.host.established() == sun.host.established() == 0
    assert PSK not in sun.host.read(PLUTO_LOG) + moon.host.read(PLUTO_LOG)


def test_aggressive_mode_with_a_secret_is_refused_unless_asked_for(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, aggressive="yes", keyingtries="1", ike="aes128-sha256-modp2048!", **IKEV1)
    yes = "i_dont_care_about_security_and_use_aggressive_mode_psk = yes"
    moon.host.settings(f"{QUICK}\n{yes}")
    sun.host.start()
    moon.host.start()
    assert "failed" in moon.host.ipsec("up", "net-net", status=1)
    assert sun.host.established() == 0
    sun.host.stop()
    sun.host.settings(yes)
    sun.host.start()
    moon.host.ipsec("up", "net-net")
    until(lambda: is_up(moon) and is_up(sun), "aggressive mode up")
    assert_carries(moon, sun)


def test_both_versions_have_a_tunnel_at_the_same_time(lab: Lab) -> None:
    """charon one of them, pluto the other, on the same ports; either goes without the other's."""
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, name="new")
    moon.subnet, sun.subnet = "10.3.1.0/24", "10.3.2.0/24"
    for end, peer in ((moon, sun), (sun, moon)):
        old = connection("old", end, peer, IKEV1)
        end.host.write("/etc/ipsec.conf", f"{end.host.read('/etc/ipsec.conf')}\n{old}")
    bring_up(moon, sun, "old")
    moon.host.ipsec("up", "new")
    until(lambda: is_up(moon, "new") and is_up(sun, "new"), "both up")
    assert_carries(moon, sun)
    shown = moon.host.ipsec("statusall")
    assert "IKEv1 SPIs: " in shown and "IKEv2 SPIs: " in shown
    assert "Security Associations (2 up, 0 connecting)" in shown
    moon.host.ipsec("down", "old")
    until(lambda: not sun.host.established("old"), "the one is down")
    assert is_up(moon, "new")
    assert_carries(moon, sun)


def test_phase_1_is_renewed_and_phase_2_rekeyed_while_traffic_flows(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    times = {"ikelifetime": "9s", "lifetime": "10s", "margintime": "5s", "rekeyfuzz": "0%"}
    configure(moon, sun, **IKEV1, **times)
    replace(sun, "rekeyfuzz=0%", "rekeyfuzz=0%\n    rekey=no")
    bring_up(moon, sun)
    until(lambda: "net-net[1]" not in moon.host.ipsec("status"), "another ISAKMP SA", 20)
    until(lambda: "net-net{1}" not in moon.host.ipsec("status"), "another IPsec SA", 20)
    assert moon.host.established() and moon.host.installed()
    assert_carries(moon, sun)


def test_peer_that_was_killed_is_found_dead_and_the_tunnel_comes_back(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, dpddelay="1s", dpdtimeout="3s", dpdaction="restart", **IKEV1)
    bring_up(moon, sun)
    before = sun.host.pid_of("pluto")
    sun.host.run("kill", "-KILL", str(before))
    until(lambda: sun.host.pid_of("pluto") not in (0, before), "a new pluto")
    until(lambda: is_up(moon) and is_up(sun), "the tunnel again", 30)
    assert_carries(moon, sun)
