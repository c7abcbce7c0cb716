"""Connections loaded by whack alone: pluto by hand, without starter, charon and ``ipsec.conf``."""

import pytest

from lab.hosts import Host, until
from lab.topology import Lab
from lab.tunnels import PSK, End, assert_carries

pytestmark = [pytest.mark.root, pytest.mark.tun]

SECRETS = "/etc/pluto.secrets"
TUNNEL = "--encrypt --tunnel"
SECRET = f"--psk {TUNNEL}"


def whack(host: Host, line: str, status: int = 0) -> str:
    """What whack prints; ``status`` is what it must end with."""
    return host.run("ipsec", "whack", *line.split(), status=status).stdout


def begin(lab: Lab, secrets: str = f'@moon.lab @sun.lab : PSK "{PSK}"\n') -> tuple[End, End]:
    """Two hosts on which pluto hears peers."""
    moon, sun = lab.pair("cygnet-cygnet")
    for end in (moon, sun):
        end.host.settings("retransmit_timeout = 0.2\nretransmit_tries = 1")
        end.host.write(SECRETS, secrets, 0o600)
        end.host.spawn("ipsec", "pluto", "--nofork", "--secretsfile", SECRETS, log="pluto.log")
        until(lambda host=end.host: host.run("ipsec", "ready", status=None).returncode == 0, "pluto hears")
    return moon, sun


def ends(moon: End, sun: End, identity: str = "@moon.lab") -> str:
    """Both ends as whack's options."""
    return (
        f"--host {moon.address} --id {identity} --client {moon.subnet} "
        f"--to --host {sun.address} --id @sun.lab --client {sun.subnet}"
    )


def load(moon: End, sun: End, moons: str = SECRET, suns: str = SECRET, identity: str = "@moon.lab") -> None:
    assert "added connection" in whack(moon.host, f"--name net {ends(moon, sun, identity)} {moons}")
    assert "added connection" in whack(sun.host, f"--name net {ends(moon, sun)} {suns}")


def test_tunnel_is_loaded_routed_brought_up_and_taken_down_by_hand(lab: Lab) -> None:
    moon, sun = begin(lab)
    options = f"{SECRET} --pfs --ike aes128-sha1-modp2048! --esp aes128-sha1! --keyingtries 1"
    load(moon, sun, options, options)
    whack(moon.host, "--name net --route")
    assert "; prospective erouted; " in whack(moon.host, "--status")
    shown = whack(moon.host, "--name net --initiate")
    assert "[ HASH SA No KE ID ID ]" in shown
    codes = [line[:3] for line in shown.splitlines() if line[:3] != "002"]
    assert codes == ["102", "104", "106", "004", "110", "004", "004"]
    assert_carries(moon, sun)
    status = whack(moon.host, "--statusall")
    assert "IKE proposal: AES_CBC_128/HMAC_SHA1/MODP_2048 ; " in status
    assert "ESP proposal: AES_CBC_128/HMAC_SHA1/<Phase1>" in status
    assert "; erouted; " in status
    whack(moon.host, "--name net --terminate")
    assert "STATE_" not in whack(moon.host, "--status")
    whack(moon.host, "--name net --unroute")
    whack(moon.host, "--name net --delete")
    whack(moon.host, "--name net --initiate", status=21)


def test_failures_have_the_code_of_their_notification_and_retransmissions_theirs(lab: Lab) -> None:
    moon, sun = begin(lab)
    load(moon, sun, f"{SECRET} --pfs", SECRET)
    shown = whack(moon.host, "--name net --initiate", status=214)
    assert "214 received NO_PROPOSAL_CHOSEN error notify" in shown
    whack(moon.host, "--name net --terminate")
    whack(sun.host, "--unlisten")
    shown = whack(moon.host, "--name net --initiate", status=31)
    assert '010 "net" #' in shown and "STATE_MAIN_I1: retransmission; will wait 0s for response" in shown


def test_identity_is_what_myid_says(lab: Lab) -> None:
    moon, sun = begin(lab)
    load(moon, sun, identity="%myid")
    whack(moon.host, "--myid @moon.lab")
    assert "[%myid]" in whack(moon.host, "--name net --statusall")
    whack(moon.host, "--name net --initiate")
    assert_carries(moon, sun)


def test_raw_keys_are_told_by_keyid(lab: Lab) -> None:
    moon, sun = begin(lab)
    keys = {}
    for end in (moon, sun):
        end.host.run("sh", "-c", "mkdir -p /etc/ipsec.d/private && cd /etc/ipsec.d/private && umask 077 && "
                     "ipsec pki --gen --type rsa --size 2048 >own.der")  # fmt: skip
        end.host.write(SECRETS, f"{end.identity} : RSA own.der\n", 0o600)
        whack(end.host, "--rereadsecrets")
        made = end.host.run("sh", "-c", "ipsec pki --pub --in /etc/ipsec.d/private/own.der --outform dnskey")
        keys[end.identity] = made.stdout.strip().removeprefix("dns:")
    load(moon, sun, f"--rsasig {TUNNEL}", f"--rsasig {TUNNEL}")
    for end in (moon, sun):
        for identity, key in keys.items():
            whack(end.host, f"--keyid {identity} --pubkeyrsa 0s{key.removeprefix('0s')}")
    whack(moon.host, "--name net --initiate")
    assert_carries(moon, sun)
    whack(moon.host, "--name net --terminate")
    assert "forgot 1 public key" in whack(sun.host, "--keyid @moon.lab")
    shown = whack(moon.host, "--name net --initiate", status=224)
    assert "AUTHENTICATION_FAILED" in shown
