"""EAP with real daemons: moon is a user of sun, which proves itself by its certificate."""

import time

import pytest

from lab.gateways import StrongSwan
from lab.pam import check_passwords_by_pam
from lab.topology import PAIRS, Lab
from lab.tunnels import End, assert_carries, bring_up, configure, replace

pytestmark = [pytest.mark.root]
PASSWORD = 'carol : EAP "a password of carol"\n'


def prepare(lab: Lab, kinds: str, method: str, user: str = "carol") -> tuple[End, End]:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "ecdsa")
    for end, side, identity in ((moon, "left", user), (sun, "right", "%any")):
        name = f"\n    eap_identity={identity}" if identity else ""
        replace(end, f"{side}auth=pubkey", f"{side}auth={method}{name}")
        secrets = end.host.read("/etc/ipsec.secrets") + PASSWORD
        end.host.write("/etc/ipsec.secrets", secrets, 0o600)
    return moon, sun


@pytest.mark.parametrize("kinds", PAIRS)
@pytest.mark.parametrize("method", ["eap-md5", "eap-mschapv2", "eap-gtc"])
def test_user_with_password(lab: Lab, kinds: str, method: str) -> None:
    """strongSwan has the passwords of EAP-GTC checked by PAM."""
    moon, sun = prepare(lab, kinds, method)
    if method == "eap-gtc" and isinstance(sun.host, StrongSwan):
        check_passwords_by_pam(sun.host, "carol", "a password of carol")
    bring_up(moon, sun)
    assert_carries(moon, sun)
    if sun.host.kind == "cygnet":
        assert "Remote EAP identity: carol" in sun.host.ipsec("statusall")
    name = method.upper().replace("-", "_")
    assert f"uses {name} authentication with EAP identity '%any'" in sun.host.ipsec("statusall")


@pytest.mark.parametrize("kinds", PAIRS)
@pytest.mark.parametrize("only", ["no", "yes"])
def test_user_with_certificate(lab: Lab, kinds: str, only: str) -> None:
    """With EAP alone (RFC 5998) and with sun's certificate in IKE besides."""
    moon, sun = prepare(lab, kinds, "eap-tls", "")
    if only == "yes":
        replace(moon, "rightauth=pubkey", "rightauth=eap-tls")
        replace(sun, "leftauth=pubkey", "leftauth=eap-tls")
    bring_up(moon, sun)
    assert_carries(moon, sun)
    for end in (moon, sun):
        end.host.says("EAP method EAP_TLS succeeded, MSK established")


@pytest.mark.parametrize("kinds", PAIRS)
def test_password_inside_tls(lab: Lab, kinds: str) -> None:
    moon, sun = prepare(lab, kinds, "eap-ttls")
    bring_up(moon, sun)
    assert_carries(moon, sun)


@pytest.mark.parametrize("piggyback", ["no", "yes"])
def test_password_inside_peap(lab: Lab, piggyback: str) -> None:
    """Debian's strongSwan has no PEAP; programs of others are in test_eap_programs.py."""
    moon, sun = prepare(lab, "cygnet-cygnet", "eap-peap")
    peap = f"phase2_method = mschapv2\n phase2_piggyback = {piggyback}"
    sun.host.settings(f"plugins {{\n eap-peap {{\n {peap}\n }}\n }}")
    bring_up(moon, sun)
    assert_carries(moon, sun)
    sun.host.says("EAP method EAP_PEAP succeeded, MSK established")


@pytest.mark.parametrize("kinds", PAIRS)
def test_fragments_and_method_inside_tls_are_those_of_the_settings(lab: Lab, kinds: str) -> None:
    moon, sun = prepare(lab, kinds, "eap-ttls")
    ttls = "fragment_size = 100\n max_message_count = 0\n include_length = no\n phase2_method = mschapv2"
    for end in (moon, sun):
        end.host.settings(f"plugins {{\n eap-ttls {{\n {ttls}\n }}\n }}")
    bring_up(moon, sun)
    assert_carries(moon, sun)
    packets = moon.host.log().count("EAP/RES/TTLS")
    assert packets > 16, f"only {packets} packets"


@pytest.mark.parametrize("kinds", PAIRS)
def test_certificate_first_and_user_second(lab: Lab, kinds: str) -> None:
    """Two rounds of moon (RFC 4739)."""
    moon, sun = prepare(lab, kinds, "eap-mschapv2")
    for end, side in ((moon, "left"), (sun, "right")):
        replace(end, f"{side}auth=eap-mschapv2", f"{side}auth=pubkey\n    {side}auth2=eap-mschapv2")
    bring_up(moon, sun)
    assert_carries(moon, sun)
    sun.host.says("authentication of 'moon.lab' with EC")
    sun.host.says("EAP method EAP_MSCHAPV2 succeeded, MSK established")


@pytest.mark.parametrize("kinds", PAIRS)
def test_second_round_that_is_missing(lab: Lab, kinds: str) -> None:
    moon, sun = prepare(lab, kinds, "eap-mschapv2")
    replace(moon, "leftauth=eap-mschapv2", "leftauth=pubkey")
    replace(sun, "rightauth=eap-mschapv2", "rightauth=pubkey\n    rightauth2=eap-mschapv2")
    sun.host.start()
    moon.host.start()
    done = moon.host.run("ipsec", "up", "net-net", status=None)
    assert "establishing connection 'net-net' failed" in done.stdout
    assert sun.host.installed() == 0


@pytest.mark.parametrize("kinds", PAIRS)
@pytest.mark.parametrize("method", ["eap-mschapv2", "eap-gtc"])
def test_wrong_password(lab: Lab, kinds: str, method: str) -> None:
    moon, sun = prepare(lab, kinds, method)
    if method == "eap-gtc" and isinstance(sun.host, StrongSwan):
        check_passwords_by_pam(sun.host, "carol", "another password")
    replace(sun, "a password of carol", "another password", "/etc/ipsec.secrets")
    sun.host.start()
    moon.host.start()
    done = moon.host.run("ipsec", "up", "net-net", status=None)
    assert "establishing connection 'net-net' failed" in done.stdout
    assert sun.host.installed() == 0
    if moon.host.kind == "cygnet":
        moon.host.says("received EAP_FAILURE, EAP authentication failed")
    if sun.host.kind == "cygnet":
        sun.host.says("wrong password for 'carol'")


@pytest.mark.parametrize("kinds", PAIRS)
def test_method_that_the_user_does_not_take(lab: Lab, kinds: str) -> None:
    moon, sun = prepare(lab, kinds, "eap-md5")
    replace(moon, "leftauth=eap-md5", "leftauth=eap-mschapv2")
    sun.host.start()
    moon.host.start()
    moon.host.run("ipsec", "up", "net-net", status=None)
    assert sun.host.installed() == 0


HOLD = """
table inet hold
delete table inet hold
table inet hold {
  chain input {
    type filter hook input priority -300;
    udp dport 4500 @th,64,32 0 @th,256,32 >= FIRST drop
    udp dport 500 @th,224,32 >= FIRST drop
  }
}
"""
"""IKE messages from the one with this message ID on do not arrive."""


@pytest.mark.parametrize("kinds", [pair for pair in PAIRS if str(pair.id).startswith("cygnet")])
def test_user_who_is_slow_has_the_half_open_timeout_for_all_of_it(lab: Lab, kinds: str) -> None:
    """An answer now and then gains no time, with strongSwan as with Cygnet."""
    moon, sun = prepare(lab, kinds, "eap-mschapv2")
    sun.host.settings("half_open_timeout = 8")
    for end in (sun, moon):
        end.host.start()
    begun = time.monotonic()
    sun.host.net("nft", "-f", "-", stdin=HOLD.replace("FIRST", "2"))
    moon.host.spawn("ipsec", "up", "net-net", log="up.log")
    for first, when in ((3, 2.5), (4, 6.0)):
        time.sleep(max(begun + when - time.monotonic(), 0))
        sun.host.net("nft", "-f", "-", stdin=HOLD.replace("FIRST", str(first)))
        sun.host.says(f"IKE_AUTH request {first - 1} [ EAP", 2)
    sun.host.says("after timeout", 4)
    assert 7 < time.monotonic() - begun < 11
    assert sun.host.installed() == 0
