"""``ipsec load-test`` against real responders, Cygnet's and strongSwan's."""

import json
import os
import signal
import subprocess

import pytest

from lab.certificates import authority, leaf
from lab.gateways import Gateway, peer_missing
from lab.hosts import until
from lab.topology import PAIRS, Lab
from lab.tunnels import End

pytestmark = [pytest.mark.root, pytest.mark.tun]

SECRET = "a secret for the load test"
CONNECTION = """config setup

conn load
  keyexchange=ikev2
  left=192.0.2.2
  leftid=@sun.lab
  leftsubnet=10.2.0.0/24
  right=%any
  rightid=%any
  rightsubnet=10.64.0.0/10
  ike=aes128gcm16-prfsha256-x25519!
  esp=aes128gcm16!
  auto=add
"""


IKEV1 = {
    "keyexchange=ikev2": "keyexchange=ikev1",
    "aes128gcm16-prfsha256-x25519": "aes128-sha256-x25519",
}


def prepare(
    lab: Lab, kinds: str, auth: str = "psk", changes: dict[str, str] | None = None
) -> tuple[Gateway, Gateway]:
    """moon is to make the load, sun responds to anybody."""
    moon, sun = lab.pair(kinds)
    sun.host.settings("dos_protection = no")
    text = CONNECTION + ("  authby=secret\n" if auth == "psk" else "  leftcert=own.pem\n")
    for old, new in (changes or {}).items():
        text = text.replace(old, new)
    sun.host.write("/etc/ipsec.conf", text)
    sun.host.write("/etc/ipsec.secrets", secrets(sun, auth), 0o600)
    sun.host.start()
    return moon.host, sun.host


def secrets(sun: End, auth: str) -> str:
    if auth == "psk":
        return f': PSK "{SECRET}"\n'
    holder, root = leaf(authority(auth), "sun.lab"), authority(auth)
    sun.host.write("/etc/ipsec.d/certs/own.pem", holder.pem)
    sun.host.write("/etc/ipsec.d/private/own.key", holder.key_pem, 0o600)
    sun.host.write("/etc/ipsec.d/cacerts/ca.pem", root.pem)
    return f": {holder.secret_type} own.key\n"


def load(moon: Gateway, *arguments: str, status: int = 0) -> str:
    common = ("load-test", "192.0.2.2", "--local-ts", "10.64.0.0/16", "--timeout", "1")
    return moon.ipsec(*common, *arguments, status=status)


_MISSING = peer_missing("trixie")
_WITH_PEER = [pytest.mark.peer, pytest.mark.skipif(bool(_MISSING), reason=_MISSING)]
IKEV1_RESPONDERS = ["cygnet-cygnet", pytest.param("cygnet-strongswan60", marks=_WITH_PEER)]
RESPONDERS = [pair for pair in PAIRS if str(pair.id).startswith("cygnet")]


@pytest.mark.parametrize("kinds", RESPONDERS)
def test_load_with_a_secret_from_two_processes(lab: Lab, kinds: str) -> None:
    moon, sun = prepare(lab, kinds)
    moon.write("/etc/secret", SECRET + "\n", 0o600)
    text = load(moon, "--psk-file", "/etc/secret", "--count", "40", "--processes", "2")
    assert "40 handshakes with 192.0.2.2" in text
    assert "40 established, 0 failed" in text
    assert "40 SAs deleted" in text
    assert "latency: median" in text
    until(sun.has_nothing, "responder without SAs", 3)


@pytest.mark.parametrize("kinds", RESPONDERS)
def test_load_with_certificates_made_on_the_fly(lab: Lab, kinds: str) -> None:
    moon, _ = prepare(lab, kinds, "ecdsa")
    moon.write("/etc/ca.pem", authority("ecdsa").pem)
    moon.write("/etc/ca.key", authority("ecdsa").key_pem, 0o600)
    files = ("--ca", "/etc/ca.pem", "--ca-key", "/etc/ca.key")
    text = load(moon, *files, "--remote-identity", "sun.lab", "--count", "10")
    assert "10 established, 0 failed" in text


def test_wrong_secret_is_named_and_fails(lab: Lab) -> None:
    moon, _ = prepare(lab, "cygnet-cygnet")
    text = load(moon, "--psk", "not the secret", "--count", "3", status=1)
    assert "failed 3 times: received AUTHENTICATION_FAILED notify error" in text


def test_nobody_there_fails_within_the_retransmissions(lab: Lab) -> None:
    moon, _ = lab.pair("cygnet-cygnet")
    text = load(moon.host, "--psk", "x", "--count", "2", "--tries", "1", "--timeout", "0.2", status=1)
    assert "2 retransmissions" in text
    assert "failed 2 times" in text


def test_sas_are_held_until_interrupted_and_then_deleted(lab: Lab) -> None:
    moon, sun = prepare(lab, "cygnet-cygnet")
    command = ["ipsec", "load-test", "192.0.2.2", "--psk", SECRET, "--count", "5", "--hold", "--json"]
    command += ["--local-ts", "10.64.0.0/16"]
    with subprocess.Popen(
        [*moon.enter(), *command], env=moon.environment(), stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        events = (json.loads(line) for line in process.stdout)
        established = next(event for event in events if event["event"] == "established")
        assert established["established"] == 5
        assert sun.established("load") == sun.installed("load") == 5
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        result = next(event for event in events if event["event"] == "result")
    assert result["deleted"] == 5
    until(sun.has_nothing, "responder without SAs", 3)


def test_kept_sas_stay_with_the_responder(lab: Lab) -> None:
    moon, sun = prepare(lab, "cygnet-cygnet")
    load(moon, "--psk", SECRET, "--count", "5", "--keep")
    assert sun.established("load") == 5


@pytest.mark.parametrize("auth", ["psk", "rsa"])
@pytest.mark.parametrize("kinds", IKEV1_RESPONDERS)
def test_load_of_ikev1(lab: Lab, kinds: str, auth: str) -> None:
    moon, sun = prepare(lab, kinds, auth, IKEV1)
    credentials = ("--psk", SECRET)
    if auth == "rsa":
        moon.write("/etc/ca.pem", authority("rsa").pem)
        moon.write("/etc/ca.key", authority("rsa").key_pem, 0o600)
        credentials = ("--ca", "/etc/ca.pem", "--ca-key", "/etc/ca.key", "--key-type", "rsa")
    command = ("--ikev1", "--remote-ts", "10.2.0.0/24", "--count", "20", "--processes", "2", "--reuse-keys")
    text = load(moon, *command, *credentials)
    assert "20 established, 0 failed" in text
    assert "20 SAs deleted" in text
    until(sun.has_nothing, "responder without SAs", 5)


def test_wrong_secret_in_ikev1_is_named(lab: Lab) -> None:
    moon, _ = prepare(lab, "cygnet-cygnet", changes=IKEV1)
    command = ("--ikev1", "--remote-ts", "10.2.0.0/24", "--count", "2", "--tries", "1")
    assert "wrong pre-shared key" in load(moon, *command, "--psk", "not the secret", status=1)
