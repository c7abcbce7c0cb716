"""Aggressive mode by pluto, between Cygnet hosts and with strongSwan 6.0."""

import pytest

from lab.hosts import until
from lab.ikev1 import ADDRESS, IKEV1, PAIRS, PLUTO_LOG, POOL, USER, with_pool, with_user
from lab.leases import assert_lent_and_returned
from lab.topology import Lab
from lab.tunnels import assert_carries, bring_up, configure

pytestmark = [pytest.mark.root, pytest.mark.tun]

AGGRESSIVE = {**IKEV1, "aggressive": "yes", "ike": "aes128-sha256-modp2048!", "keyingtries": "1"}
YES = "i_dont_care_about_security_and_use_aggressive_mode_psk = yes"
WHY = "Aggressive Mode PSK disabled for security reasons: whoever asks gets a hash of the secret"


@pytest.mark.parametrize("auth", ["psk", "rsa", "xauthpsk"])
@pytest.mark.parametrize("kinds", PAIRS)
def test_aggressive_mode_carries_traffic_until_down(lab: Lab, kinds: str, auth: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, auth.removeprefix("xauth"), **AGGRESSIVE)
    if auth.endswith("psk"):
        for end in (moon, sun):
            end.host.settings(YES)
    if auth.startswith("xauth"):
        with_user(moon, sun)
    bring_up(moon, sun)
    assert_carries(moon, sun)
    if auth.startswith("xauth"):
        assert f"Remote XAuth identity: {USER}" in sun.host.ipsec("statusall")
    for end in (moon, sun):
        if end.host.kind == "cygnet":
            log = end.host.read(PLUTO_LOG)
            assert "STATE_AGGR_" in log and "STATE_MAIN_" not in log
            assert ("using a pre-shared key in aggressive mode" in log) == auth.endswith("psk")
    moon.host.ipsec("down", "net-net")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing left at either end")


@pytest.mark.parametrize("kinds", PAIRS)
def test_user_behind_a_nat_with_all_that_remote_access_takes(lab: Lab, kinds: str) -> None:
    """A secret of the group, a password of the user, an address by mode config, at a gateway for anybody."""
    moon, sun, _ = lab.pair_with_nat(kinds)
    with_pool(moon, sun, **AGGRESSIVE)
    for end in (moon, sun):
        end.host.settings(YES)
    bring_up(moon, sun)
    assert "ESP in UDP SPIs" in sun.host.ipsec("status")
    assert_lent_and_returned(moon, sun, ADDRESS, POOL, USER)


@pytest.mark.parametrize("auth", ["psk", "xauthpsk"])
def test_initiator_without_the_yes_says_why_it_does_not_begin(lab: Lab, auth: str) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, **AGGRESSIVE)
    if auth == "xauthpsk":
        with_user(moon, sun)
    sun.host.start()
    moon.host.start()
    shown = moon.host.ipsec("up", "net-net", status=1)
    assert WHY in shown and "establishing connection 'net-net' failed" in shown
    until(lambda: WHY in moon.host.read(PLUTO_LOG), "the log says so, too", 3)
    assert moon.host.has_nothing() and sun.host.has_nothing()


@pytest.mark.parametrize("kinds", PAIRS)
def test_responder_without_the_yes_says_why_it_refuses(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, **AGGRESSIVE)
    moon.host.settings(f"{YES}\nretransmit_timeout = 0.3\nretransmit_tries = 1")
    sun.host.start()
    moon.host.start()
    shown = moon.host.ipsec("up", "net-net", status=1 if moon.host.kind == "cygnet" else 0)
    assert "failed" in shown
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing at either end")
    if sun.host.kind == "cygnet":
        assert WHY in sun.host.read(PLUTO_LOG)
        assert "NO_PROPOSAL_CHOSEN" in shown
    else:
        assert "Aggressive Mode PSK disabled for security reasons" in sun.host.log()
