"""Tunnels that must not come up: the command fails, and both logs say why."""

import datetime

import pytest

from lab.certificates import authority, leaf
from lab.topology import PAIRS, Lab
from lab.tunnels import PSK, End, configure, credentials, replace

pytestmark = [pytest.mark.root]

SECRET = ["leftid=moon.lab", "rightid=sun.lab", "PSK", "ipsec.secrets"]


def assert_refused(moon: End, sun: End, at_moon: list[str], at_sun: list[str], change: list[str]) -> None:
    """Brings the tunnel up from moon, which must fail, and looks for the reasons in the logs.

    ``change`` is what our last line names as the settings to look at.
    """
    sun.host.start()
    moon.host.start()
    done = moon.host.run("ipsec", "up", "net-net", status=None)
    assert "establishing connection 'net-net' failed" in done.stdout
    if moon.host.kind == "cygnet":
        assert done.returncode == 1
        assert done.stderr.startswith(f"ipsec up: received {at_moon[0]}")
        for setting in change:
            assert setting in done.stderr, f"{done.stderr} does not name {setting}"
    assert sun.host.installed() == 0
    for end, reasons in ((moon, at_moon), (sun, at_sun)):
        for reason in reasons:
            end.host.says(reason)


@pytest.mark.parametrize("kinds", PAIRS)
def test_wrong_pre_shared_key(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(sun, PSK, "another key", "/etc/ipsec.secrets")
    assert_refused(moon, sun, ["AUTHENTICATION_FAILED"], ["'moon.lab'", "shared key", "mismatch"], SECRET)


@pytest.mark.parametrize("kinds", PAIRS)
def test_missing_pre_shared_key(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    sun.host.write("/etc/ipsec.secrets", "", 0o600)
    at_sun = ["no shared key found for 'sun.lab'", "'moon.lab'"]
    assert_refused(moon, sun, ["AUTHENTICATION_FAILED"], at_sun, SECRET)


@pytest.mark.parametrize("kinds", PAIRS)
def test_no_common_ike_proposal(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, ike="aes128gcm16-prfsha256-x25519!")
    replace(sun, "aes128gcm16", "aes256gcm16")
    at_sun = ["AES_GCM_16_128", "AES_GCM_16_256"]
    assert_refused(moon, sun, ["NO_PROPOSAL_CHOSEN"], at_sun, ["ike=", "AES_GCM_16_128"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_no_common_esp_proposal(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, esp="aes128-sha256!")
    replace(sun, "aes128-sha256", "aes256-sha512")
    at_sun = ["ESP:AES_CBC_128", "ESP:AES_CBC_256"]
    assert_refused(moon, sun, ["NO_PROPOSAL_CHOSEN"], at_sun, ["esp=", "AES_CBC_128"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_no_common_traffic_selector(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(moon, "rightsubnet=10.2.0.0/24", "rightsubnet=10.9.0.0/24")
    at_sun = ["10.9.0.0/24", "10.2.0.0/24"]
    assert_refused(moon, sun, ["TS_UNACCEPTABLE"], at_sun, ["rightsubnet=", "10.9.0.0/24"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_initiator_claims_an_unknown_identity(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(moon, "@moon.lab", "@intruder.lab")
    replace(moon, "@moon.lab", "@intruder.lab", "/etc/ipsec.secrets")
    assert_refused(moon, sun, ["AUTHENTICATION_FAILED"], ["intruder.lab"], ["leftid=intruder.lab"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_responder_is_not_who_was_asked_for(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(moon, "@sun.lab", "@venus.lab")
    assert_refused(moon, sun, ["AUTHENTICATION_FAILED"], ["venus.lab"], ["rightid=venus.lab"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_expired_certificate(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "ecdsa")
    past = datetime.datetime(2024, 6, 1, tzinfo=datetime.UTC)
    credentials(moon, leaf(authority("ecdsa"), "moon.lab", end=past))
    assert_refused(moon, sun, ["AUTHENTICATION_FAILED"], ["CN=moon.lab", "2024"], ["validity"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_certificate_of_another_authority(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "ecdsa")
    stranger = leaf(authority("ecdsa", "Somebody Else"), "moon.lab")
    moon.host.write("/etc/ipsec.d/certs/own.pem", stranger.pem)
    moon.host.write("/etc/ipsec.d/private/own.key", stranger.key_pem, 0o600)
    assert_refused(moon, sun, ["AUTHENTICATION_FAILED"], ["CN=Somebody Else"], ["cacerts"])


UNREACHABLE = {
    "192.0.2.77": ["nobody answers at 192.0.2.77[500]", "right=", "UDP 500 and 4500"],
    "192.0.2.2": ["nobody answers at 192.0.2.2[500]", "daemon run there"],
    "203.0.113.9": ["no route to 203.0.113.9"],
    "nosuch.invalid": ["unable to resolve nosuch.invalid", "right=", "DNS"],
    "%any": ["%any", "right="],
}
"""No such host, no daemon there, no route, no such name, no address at all."""


def test_peer_that_cannot_be_reached_is_named(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    moon.host.settings("retransmit_timeout = 0.1\n  retransmit_tries = 1")
    moon.host.start()
    before = "192.0.2.2"
    for right, words in UNREACHABLE.items():
        replace(moon, f"right={before}", f"right={right}")
        before = right
        moon.host.ipsec("update")
        done = moon.host.run("ipsec", "up", "net-net", status=1)
        assert "establishing connection 'net-net' failed" in done.stdout
        for word in words:
            assert word in done.stderr, f"{done.stderr} does not say {word}"


def test_secret_or_key_missing_here_is_named_with_the_file(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun)
    moon.host.write("/etc/ipsec.secrets", "", 0o600)
    sun.host.start()
    moon.host.start()
    told = moon.host.run("ipsec", "up", "net-net", status=1).stderr
    assert "no shared key found for 'moon.lab' - 'sun.lab'" in told
    assert "moon.lab sun.lab : PSK" in told
    configure(moon, sun, "ecdsa")
    moon.host.write("/etc/ipsec.secrets", "", 0o600)
    moon.host.ipsec("update")
    told = moon.host.run("ipsec", "up", "net-net", status=1).stderr
    assert "no private key found for 'moon.lab'" in told
    assert "ipsec.secrets" in told
