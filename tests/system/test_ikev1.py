"""IKEv1 by pluto, between Cygnet hosts and with strongSwan, whose charon has both versions."""

import re

import pytest

from lab.hosts import until
from lab.ikev1 import AS_INITIATOR, AS_RESPONDER, IKEV1, PAIRS, PLUTO_LOG
from lab.network import address, assert_pings_as_esp, ping
from lab.topology import Lab
from lab.tunnels import PSK, End, assert_carries, bring_up, configure, connection, is_up, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]

IKE_NAME, CHILD_NAME = r"net-net\[\d+\]", r"net-net\{\d+\}"
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
    assert f"socket-{sockets}" in moon.host.ipsec("whack", "--statusall")
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
    ike, child = (re.findall(form, moon.host.ipsec("status"))[0] for form in (IKE_NAME, CHILD_NAME))
    until(lambda: ike not in moon.host.ipsec("status"), "another ISAKMP SA", 20)
    until(lambda: child not in moon.host.ipsec("status"), "another IPsec SA", 20)
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


@pytest.mark.parametrize("kinds", AS_INITIATOR)
def test_keys_are_renewed_by_hand(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, **IKEV1)
    bring_up(moon, sun)
    ike, child = (re.findall(form, moon.host.ipsec("status"))[0] for form in (IKE_NAME, CHILD_NAME))
    assert "rekeyed successfully" in moon.host.ipsec("rekey", "net-net{*}")
    assert child not in re.findall(f"{CHILD_NAME}:  INSTALLED", moon.host.ipsec("status"))
    assert "is being authenticated anew" in moon.host.ipsec("rekey", "net-net[*]")
    until(lambda: re.search(r"net-net\[(?!1\])\d+\]: ESTABLISHED", moon.host.ipsec("status")), "phase 1 anew")
    assert ike == "net-net[1]" and "no IKE_SA" in moon.host.ipsec("rekey", "other", status=1)
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", AS_INITIATOR)
def test_packet_at_a_trap_brings_up_what_it_asks_for(lab: Lab, kinds: str) -> None:
    """``auto=route`` by pluto stands in one list with charon's; deleted by the peer, it waits again."""
    moon, sun = lab.pair(kinds)
    configure(moon, sun, **IKEV1)
    replace(moon, "auto=add", "auto=route")
    other = connection("new", moon, sun, {"auto": "route"}).replace(sun.subnet, "10.9.0.0/16")
    moon.host.write("/etc/ipsec.conf", moon.host.read("/etc/ipsec.conf") + other)
    sun.host.start()
    moon.host.start()
    until(lambda: moon.host.ipsec("status").count(":  ROUTED, TUNNEL, reqid ") == 2, "both daemons' traps")
    assert moon.host.ipsec("status").count("Routed Connections:") == 1
    assert not moon.host.established()
    for time in (1, 2):
        until(lambda: ping(moon.host, moon.inside, sun.inside, 1), f"a packet gets through, {time}")
        assert is_up(moon) and is_up(sun)
        assert_carries(moon, sun)
        if time == 1:
            sun.host.ipsec("down", "net-net[*]")
            until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "down")
            assert "net-net{" in moon.host.ipsec("status"), "the trap is still there"
    moon.host.ipsec("unroute", "net-net")
    moon.host.ipsec("down", "net-net")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "down for good")
    assert not ping(moon.host, moon.inside, sun.inside, 1)
    assert "net-net" not in moon.host.ipsec("status")
    moon.host.ipsec("route", "net-net")
    assert ":  ROUTED, TUNNEL, reqid " in moon.host.ipsec("status", "net-net")


@pytest.mark.parametrize("kinds", AS_INITIATOR)
def test_what_is_to_be_up_for_good_comes_back_when_the_peer_deleted_it(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, **IKEV1)
    replace(moon, "auto=add", "auto=start")
    sun.host.start()
    moon.host.start()
    until(lambda: is_up(moon) and is_up(sun), "up by itself")
    sun.host.ipsec("down", "net-net[*]")
    until(lambda: not moon.host.established(), "down")
    until(lambda: is_up(moon) and is_up(sun), "up again", 15)
    assert_carries(moon, sun)
    moon.host.ipsec("down", "net-net")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "down as the operator wants")


@pytest.mark.parametrize("kinds", AS_INITIATOR)
def test_each_pair_of_subnets_is_an_sa_of_its_own(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    address(sun.host, "10.4.0.1/24", device="lan0")
    sun.subnet = f"{sun.subnet},10.4.0.0/24"
    configure(moon, sun, **IKEV1)
    sun.host.start()
    moon.host.start()
    moon.host.ipsec("up", "net-net")
    until(lambda: moon.host.installed() == sun.host.installed() == 2, "two SAs at both ends", 5)
    assert moon.host.established() == sun.host.established() == 1
    reqids = set(re.findall(r"net-net\{\d+\}:  INSTALLED, TUNNEL, reqid (\d+)", moon.host.ipsec("status")))
    assert len(reqids) == 2
    assert_carries(moon, sun)
    assert_pings_as_esp(moon.host, moon.inside, sun.host, "10.4.0.1")


@pytest.mark.parametrize("kinds", PAIRS)
def test_connections_of_one_peer_share_an_isakmp_sa(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    address(sun.host, "10.4.0.1/24", device="lan0")
    configure(moon, sun, **IKEV1)
    for end in (moon, sun):
        text = end.host.read("/etc/ipsec.conf")
        second = text[text.index("conn net-net"):].replace("conn net-net", "conn second")
        end.host.write("/etc/ipsec.conf", f"{text}\n{second.replace(sun.subnet, '10.4.0.0/24')}")
    bring_up(moon, sun)
    moon.host.ipsec("up", "second")
    for end in (moon, sun):
        until(lambda end=end: end.host.installed("second") == 1, "the second one")  # type: ignore[misc]
        assert (end.host.established(), end.host.established("second")) == (1, 0)
    assert_carries(moon, sun)
    assert_pings_as_esp(moon.host, moon.inside, sun.host, "10.4.0.1")
    moon.host.ipsec("down", "second{*}")
    until(lambda: not (moon.host.installed("second") or sun.host.installed("second")), "the first one alone")
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", AS_RESPONDER)
def test_shorter_lifetime_of_the_responder_holds_on_both_sides(lab: Lab, kinds: str) -> None:
    """It is told with RESPONDER-LIFETIME (RFC 2407, 4.6.3.1), which strongSwan tolerates."""
    moon, sun = lab.pair(kinds)
    configure(moon, sun, lifetime="1h", margintime="2m", rekeyfuzz="0%", **IKEV1)
    replace(sun, "lifetime=1h", "lifetime=10m")
    bring_up(moon, sun)
    assert_carries(moon, sun)
    gateways = [end.host for end in (moon, sun) if end.host.kind == "cygnet"]
    for host in gateways:
        assert re.search(r"INSTALLED.*\n.*rekeying in [78] minutes", host.ipsec("statusall"))


def test_extended_sequence_numbers(lab: Lab) -> None:
    """RFC 4304: an attribute of phase 2. strongSwan has them with the kernel's ESP only (``tests/uml``)."""
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, esp="aes128-sha256-esn!", **IKEV1)
    bring_up(moon, sun)
    assert_carries(moon, sun)
    assert all("/EXT_SEQ, " in end.host.ipsec("statusall") for end in (moon, sun))


@pytest.mark.parametrize("auto", ["start", "route"])
def test_pluto_that_was_killed_has_all_again(lab: Lab, auto: str) -> None:
    """What starter began before, it begins again; the peer believes INITIAL-CONTACT (RFC 2407, 4.6.3.3)."""
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, **IKEV1)
    replace(moon, "auto=add", f"auto={auto}")
    sun.host.start()
    moon.host.start()
    for time in (1, 2):
        if auto == "route":
            until(lambda: ":  ROUTED, TUNNEL" in moon.host.ipsec("status", status=None), f"trap, {time}")
            until(lambda: ping(moon.host, moon.inside, sun.inside, 1), f"a packet gets through, {time}")
        until(lambda: is_up(moon) and is_up(sun), f"up, {time}", 10)
        assert_carries(moon, sun)
        if time == 1:
            before = moon.host.pid_of("pluto")
            moon.host.run("kill", "-KILL", str(before))
            until(lambda before=before: moon.host.pid_of("pluto") not in (0, before), "a new pluto")


def test_peer_that_comes_late_is_found(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, keyingtries="%forever", **IKEV1)
    replace(moon, "auto=add", "auto=start")
    moon.host.settings(QUICK)
    moon.host.start()
    until(lambda: "; trying again in " in moon.host.read(PLUTO_LOG), "an attempt that failed")
    sun.host.start()
    until(lambda: is_up(moon) and is_up(sun), "up", 20)
    assert_carries(moon, sun)


def test_sas_are_named_by_one_number_each(lab: Lab) -> None:
    """``#n`` of whack: an IPsec SA goes alone, an ISAKMP SA with all it has."""
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, **IKEV1)
    bring_up(moon, sun)
    numbers = re.findall(r"^000 #(\d+): \"net-net\" STATE_(\w+)", whack(moon, "--status"), re.M)
    assert [state for _, state in numbers] == ["MAIN_I4", "QUICK_I2"]
    assert len({number for number, _ in numbers}) == 2
    ike, child = (number for number, _ in numbers)
    assert f"terminating #{child}" in whack(moon, "--name", f"#{child}", "--terminate")
    until(lambda: moon.host.installed() == sun.host.installed() == 0, "no IPsec SA")
    assert moon.host.established() == sun.host.established() == 1
    assert f"terminating #{ike}" in whack(moon, "--deletestate", ike)
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing")


def whack(end: End, *arguments: str) -> str:
    """What ``ipsec whack`` prints."""
    return end.host.ipsec("whack", *arguments)
