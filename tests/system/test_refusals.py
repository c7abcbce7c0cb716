"""Tunnels that must not come up: the command fails, and both logs say why."""

import datetime

import pytest

from lab.certificates import authority, leaf
from lab.topology import PAIRS, Lab
from lab.tunnels import PSK, End, configure, credentials, replace

pytestmark = [pytest.mark.root]


def assert_refused(moon: End, sun: End, at_moon: list[str], at_sun: list[str]) -> None:
    """Brings the tunnel up from moon, which must fail, and looks for the reasons in the logs."""
    sun.host.start()
    moon.host.start()
    told = moon.host.ipsec("up", "net-net", status=None)
    assert "establishing connection 'net-net' failed" in told
    if moon.host.kind == "cygnet":
        assert moon.host.run("ipsec", "up", "net-net", status=None).returncode not in (0, 2, 7)
    assert sun.host.installed() == 0
    for end, reasons in ((moon, at_moon), (sun, at_sun)):
        for reason in reasons:
            assert reason in end.host.log(), f"{end.host.name} does not say {reason}"


@pytest.mark.parametrize("kinds", PAIRS)
def test_wrong_pre_shared_key(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(sun, PSK, "another key", "/etc/ipsec.secrets")
    assert_refused(moon, sun, ["AUTHENTICATION_FAILED"], ["'moon.lab'", "shared key", "mismatch"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_missing_pre_shared_key(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    sun.host.write("/etc/ipsec.secrets", "", 0o600)
    assert_refused(moon, sun, ["AUTHENTICATION_FAILED"], ["no shared key found for 'sun.lab'", "'moon.lab'"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_no_common_ike_proposal(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, ike="aes128gcm16-prfsha256-x25519!")
    replace(sun, "aes128gcm16", "aes256gcm16")
    assert_refused(moon, sun, ["NO_PROPOSAL_CHOSEN"], ["AES_GCM_16_128", "AES_GCM_16_256"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_no_common_esp_proposal(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, esp="aes128-sha256!")
    replace(sun, "aes128-sha256", "aes256-sha512")
    assert_refused(moon, sun, ["NO_PROPOSAL_CHOSEN"], ["ESP:AES_CBC_128", "ESP:AES_CBC_256"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_no_common_traffic_selector(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(moon, "rightsubnet=10.2.0.0/24", "rightsubnet=10.9.0.0/24")
    assert_refused(moon, sun, ["TS_UNACCEPTABLE"], ["10.9.0.0/24", "10.2.0.0/24"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_initiator_claims_an_unknown_identity(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(moon, "@moon.lab", "@intruder.lab")
    replace(moon, "@moon.lab", "@intruder.lab", "/etc/ipsec.secrets")
    assert_refused(moon, sun, ["AUTHENTICATION_FAILED"], ["intruder.lab"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_responder_is_not_who_was_asked_for(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(moon, "@sun.lab", "@venus.lab")
    assert_refused(moon, sun, ["AUTHENTICATION_FAILED"], ["venus.lab"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_expired_certificate(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "ecdsa")
    past = datetime.datetime(2024, 6, 1, tzinfo=datetime.UTC)
    credentials(moon, leaf(authority("ecdsa"), "moon.lab", end=past))
    assert_refused(moon, sun, ["AUTHENTICATION_FAILED"], ["CN=moon.lab", "2024"])


@pytest.mark.parametrize("kinds", PAIRS)
def test_certificate_of_another_authority(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "ecdsa")
    stranger = leaf(authority("ecdsa", "Somebody Else"), "moon.lab")
    moon.host.write("/etc/ipsec.d/certs/own.pem", stranger.pem)
    moon.host.write("/etc/ipsec.d/private/own.key", stranger.key_pem, 0o600)
    assert_refused(moon, sun, ["AUTHENTICATION_FAILED"], ["CN=Somebody Else"])
