"""XAUTH, mode config and hybrid authentication by pluto, between Cygnet hosts and with strongSwan 6.0."""

import pytest

from lab.gateways import peer_missing
from lab.hosts import until
from lab.topology import Lab
from lab.tunnels import End, assert_carries, bring_up, configure, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]

IKEV1 = {"keyexchange": "ikev1"}
_MISSING = peer_missing("trixie")
_WITH_PEER = [pytest.mark.peer, pytest.mark.skipif(bool(_MISSING), reason=_MISSING)]
PAIRS = [
    pytest.param(pair, marks=_WITH_PEER if "strongswan" in pair else [], id=pair)
    for pair in ("cygnet-cygnet", "cygnet-strongswan60", "strongswan60-cygnet")
]
PLUTO_LOG = "/var/log/pluto.log"
USER, PASSWORD = "carol", "what carol knows"
SECRETS = "/etc/ipsec.secrets"


def with_user(moon: End, sun: End, kind: str = "XAUTH", password: str = PASSWORD) -> None:
    """moon is a user whom sun asks, behind whatever else authenticates them."""
    first = f'{USER} : XAUTH "{password}"\n'
    moon.host.write(SECRETS, moon.host.read(SECRETS) + first, 0o600)
    sun.host.write(SECRETS, sun.host.read(SECRETS) + f'{USER} : {kind} "{PASSWORD}"\n', 0o600)
    replace(moon, "    left=", f"    leftauth2=xauth\n    xauth_identity={USER}\n    left=")
    replace(sun, "    left=", "    rightauth2=xauth\n    left=")


@pytest.mark.parametrize("auth", ["psk", "rsa"])
@pytest.mark.parametrize("kinds", PAIRS)
def test_user_proves_himself_and_traffic_is_carried(lab: Lab, kinds: str, auth: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, auth, **IKEV1)
    with_user(moon, sun)
    bring_up(moon, sun)
    assert_carries(moon, sun)
    assert f"Remote XAuth identity: {USER}" in sun.host.ipsec("statusall")
    moon.host.ipsec("down", "net-net")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing left at either end")


@pytest.mark.parametrize("kinds", PAIRS)
def test_authby_says_the_same(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, **IKEV1)
    with_user(moon, sun, "EAP")
    for end, role in ((moon, "client"), (sun, "server")):
        text = end.host.read("/etc/ipsec.conf")
        lines = [one for one in text.splitlines() if "auth=" not in one and "auth2=" not in one]
        lines += ["    authby=xauthpsk", f"    xauth={role}", ""]
        end.host.write("/etc/ipsec.conf", "\n".join(lines))
    bring_up(moon, sun)
    assert_carries(moon, sun, 1)


@pytest.mark.parametrize("kinds", PAIRS)
def test_wrong_password_is_refused(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, keyingtries="1", **IKEV1)
    with_user(moon, sun, password="what carol guessed")
    sun.host.start()
    moon.host.start()
    status = 1 if moon.host.kind == "cygnet" else 0
    assert "failed" in moon.host.ipsec("up", "net-net", status=status)
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "nothing left at either end")
    for end in (moon, sun):
        if end.host.kind == "cygnet":
            log = end.host.read(PLUTO_LOG)
            assert "XAuth authentication" in log and "failed" in log
            assert PASSWORD not in log and "guessed" not in log


def test_user_is_told_to_whack(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, keyingtries="1", **IKEV1)
    with_user(moon, sun, password="forgotten")
    sun.host.start()
    moon.host.start()
    moon.host.run("ipsec", "whack", "--name", "net-net", "--xauthname", USER, "--xauthpass", PASSWORD)
    done = moon.host.run("ipsec", "whack", "--name", "net-net", "--initiate")
    assert done.stdout.splitlines()[-1].startswith("004 ")
    assert_carries(moon, sun, 1)
    wrong = ("--name", "net-net", "--xauthname", USER, "--xauthpass", "x")
    refused = sun.host.run("ipsec", "whack", *wrong, status=3)
    assert "unsuitable for user credentials" in refused.stdout
