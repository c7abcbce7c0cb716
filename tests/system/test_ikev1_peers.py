"""The life of IKEv1's SAs by pluto, between Cygnet hosts and with strongSwan 6.0: renewed, dead, deleted."""

import re

import pytest

from lab.hosts import until
from lab.ikev1 import AS_RESPONDER, IKEV1, WITH_STRONGSWAN
from lab.network import address, assert_pings_as_esp
from lab.pings import no_ping_lost
from lab.topology import Lab
from lab.tunnels import End, assert_carries, bring_up, configure, is_up, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]

TIMES = {"ikelifetime": "9s", "lifetime": "10s", "margintime": "6s", "rekeyfuzz": "0%"}
"""Both phases are renewed every three to five seconds; a replaced ISAKMP SA goes ten seconds later."""
SHORT = {**TIMES, "esp": "aes128-sha256-ecp256!"}


def names(end: End) -> set[str]:
    """All SAs of both phases, by what tells one from its successor."""
    return set(re.findall(r"net-net[\[{]\d+[\]}]", end.host.ipsec("status")))


@pytest.mark.parametrize("renews", ["initiator", "responder"])
@pytest.mark.parametrize("kinds", WITH_STRONGSWAN)
def test_both_phases_are_renewed_under_traffic(lab: Lab, kinds: str, renews: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, **IKEV1, **SHORT)
    one, other = (moon, sun) if renews == "initiator" else (sun, moon)
    replace(other, "rekeyfuzz=0%", "rekey=no")
    bring_up(moon, sun)
    first = [(end, names(end)) for end in (moon, sun)]
    with no_ping_lost(moon, sun, 200):
        for end, old in first:
            gone = f"the first SAs gone at {end.host.name}"
            until(lambda end=end, old=old: not names(end) & old, gone, 20)  # type: ignore[misc]
    for end in (moon, sun):
        until(lambda end=end: end.host.installed() == 1, "one IPsec SA", 5)  # type: ignore[misc]
    assert_carries(moon, sun)
    one.host.ipsec("down", "net-net[*]")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing left at either end")


FEW_TRIES = "retransmit_timeout = 0.5\nretransmit_base = 1\nretransmit_tries = 3"
DAEMONS = {"cygnet": ("starter", "pluto"), "strongswan60": ("starter.charon", "charon")}
"""Who has the SAs, behind the one that starts it again when it has died."""


def kill(end: End, *, for_good: bool) -> None:
    """End who has the SAs without a word."""
    ending = DAEMONS[end.host.kind][0 if for_good else 1 :]
    pids = [end.host.pid_of(name) for name in ending]
    assert 0 not in pids, f"{ending} of {end.host.name}: {pids}"
    end.host.run("sh", "-c", "kill -KILL " + " ".join(map(str, pids)))


@pytest.mark.parametrize("action", ["clear", "restart"])
@pytest.mark.parametrize("kinds", WITH_STRONGSWAN)
def test_peer_that_was_killed_is_found_dead(lab: Lab, kinds: str, action: str) -> None:
    """By the initiator, which either forgets it or has a tunnel again once it is back."""
    moon, sun = lab.pair(kinds)
    configure(moon, sun, dpddelay="1s", dpdtimeout="3s", dpdaction=action, keyingtries="%forever", **IKEV1)
    for host in (moon.host, sun.host):
        host.settings(FEW_TRIES)
    bring_up(moon, sun)
    first = names(moon)
    kill(sun, for_good=action == "clear")
    until(lambda: not names(moon) & first, "the dead peer's SAs gone", 15)
    if action == "clear":
        assert moon.host.has_nothing()
    else:
        until(lambda: is_up(moon) and is_up(sun), "the tunnel again", 15)
        assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", WITH_STRONGSWAN)
def test_initiator_that_was_killed_is_forgotten(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, **IKEV1)
    replace(sun, "    left=", "    dpddelay=1s\n    dpdtimeout=3s\n    dpdaction=clear\n    left=")
    sun.host.settings(FEW_TRIES)
    bring_up(moon, sun)
    kill(moon, for_good=True)
    until(sun.host.has_nothing, "the dead peer's SAs gone", 15)


@pytest.mark.parametrize("by", ["initiator", "responder"])
@pytest.mark.parametrize("kinds", WITH_STRONGSWAN)
def test_each_phase_that_one_side_deletes_goes_at_the_other(lab: Lab, kinds: str, by: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, **IKEV1)
    bring_up(moon, sun)
    one, other = (moon, sun) if by == "initiator" else (sun, moon)
    one.host.ipsec("down", "net-net{*}")
    for end in (one, other):
        until(lambda end=end: not end.host.installed(), f"no IPsec SA at {end.host.name}", 3)  # type: ignore[misc]
    assert moon.host.established() == sun.host.established() == 1
    one.host.ipsec("up", "net-net")
    until(lambda: is_up(moon) and is_up(sun), "another IPsec SA under the same ISAKMP SA", 5)
    assert_carries(moon, sun)
    one.host.ipsec("down", "net-net[*]")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing left at either end", 3)


ALGORITHMS = [
    ("aes128-sha256-modp2048", "aes256gcm16-ecp256", "AES_GCM_16_256"),
    ("aes256-sha384-ecp384", "aes128-sha256-curve25519", "AES_CBC_128/HMAC_SHA2_256_128"),
    ("3des-sha1-curve25519", "3des-sha1-modp3072", "3DES_CBC/HMAC_SHA1_96"),
]
"""Of phase 1 and, with the group of its own key exchange, phase 2; how ``statusall`` has the latter."""
GROUPS = {"modp": "MODP_", "ecp": "ECP_", "curve": "CURVE_"}


def shown(suite: str) -> str:
    """The group of a suite as ``statusall`` has it."""
    kind, number = re.fullmatch(r".*-([a-z]+)(\d+)", suite).groups()  # type: ignore[union-attr]
    return GROUPS[kind] + number


@pytest.mark.parametrize(("ike", "esp", "cipher"), ALGORITHMS)
@pytest.mark.parametrize("kinds", WITH_STRONGSWAN)
def test_algorithms_and_groups_of_both_phases(lab: Lab, kinds: str, ike: str, esp: str, cipher: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, ike=f"{ike}!", esp=f"{esp}!", **IKEV1)
    bring_up(moon, sun)
    assert_carries(moon, sun)
    for end in (moon, sun):
        status = end.host.ipsec("statusall")
        assert f"/{shown(ike)}\n" in status
        assert f" {cipher}/{shown(esp)}, " in status, status


@pytest.mark.parametrize("kinds", WITH_STRONGSWAN[1:])
def test_old_cipher_of_phase_2_is_refused_unless_named(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, **IKEV1)
    replace(moon, "    left=", "    esp=3des-sha1!\n    left=")
    sun.host.start()
    moon.host.start()
    assert "received NO_PROPOSAL_CHOSEN error notify" in moon.host.ipsec("up", "net-net")
    assert moon.host.installed() == sun.host.installed() == 0


@pytest.mark.parametrize("kinds", AS_RESPONDER)
def test_connections_for_anybody_share_an_isakmp_sa(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    address(sun.host, "10.4.0.1/24", device="lan0")
    configure(moon, sun, **IKEV1)
    replace(sun, f"right={moon.address}", "right=%any")
    for end in (moon, sun):
        text = end.host.read("/etc/ipsec.conf")
        second = text[text.index("conn net-net") :].replace("conn net-net", "conn second")
        end.host.write("/etc/ipsec.conf", f"{text}\n{second.replace(sun.subnet, '10.4.0.0/24')}")
    bring_up(moon, sun)
    moon.host.ipsec("up", "second")
    for end in (moon, sun):
        until(lambda end=end: end.host.installed("second") == 1, "the second one", 5)  # type: ignore[misc]
        assert (end.host.established(), end.host.established("second")) == (1, 0)
    assert_carries(moon, sun)
    assert_pings_as_esp(moon.host, moon.inside, sun.host, "10.4.0.1")
    sun.host.ipsec("down", "second{*}")
    until(lambda: not (moon.host.installed("second") or sun.host.installed("second")), "the first one alone")
    sun.host.ipsec("whack", "--name", "net-net[1]", "--terminate")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing left at either end")
