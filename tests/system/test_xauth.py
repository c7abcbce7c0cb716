"""XAUTH, mode config and hybrid authentication by pluto, between Cygnet hosts and with strongSwan 6.0."""

import pytest

from lab.hosts import until
from lab.ikev1 import (
    ADDRESS,
    AS_INITIATOR,
    AS_RESPONDER,
    IKEV1,
    PAIRS,
    PASSWORD,
    PLUTO_LOG,
    POOL,
    SECRETS,
    USER,
    with_pool,
    with_user,
)
from lab.leases import assert_lent_and_returned
from lab.network import assert_pings_as_esp
from lab.topology import Lab
from lab.tunnels import End, assert_carries, bring_up, configure, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]



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


@pytest.mark.parametrize("by", ["whack", "stroke"])
def test_user_is_told_by_hand(lab: Lab, by: str) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, keyingtries="1", **IKEV1)
    with_user(moon, sun, password="forgotten")
    sun.host.start()
    moon.host.start()
    if by == "whack":
        moon.host.run("ipsec", "whack", "--name", "net-net", "--xauthname", USER, "--xauthpass", PASSWORD)
    else:
        moon.host.stroke("user-creds", "net-net", USER, PASSWORD)
    done = moon.host.run("ipsec", "whack", "--name", "net-net", "--initiate")
    assert done.stdout.splitlines()[-1].startswith("004 ")
    assert_carries(moon, sun, 1)
    wrong = ("--name", "net-net", "--xauthname", USER, "--xauthpass", "x")
    refused = sun.host.run("ipsec", "whack", *wrong, status=3)
    assert "unsuitable for user credentials" in refused.stdout


@pytest.mark.parametrize("mode", ["pull", "push"])
@pytest.mark.parametrize("kinds", PAIRS)
def test_mode_config_gives_an_address(lab: Lab, kinds: str, mode: str) -> None:
    moon, sun = lab.pair(kinds)
    with_pool(moon, sun, modeconfig=mode)
    bring_up(moon, sun)
    moon.host.net("ping", "-c", "1", "-W", "2", sun.inside)
    assert_lent_and_returned(moon, sun, ADDRESS, POOL, USER)


@pytest.mark.parametrize("kinds", PAIRS)
def test_ipv6_address_by_mode_config(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    moon.address, sun.address = "2001:db8::1", "2001:db8::2"
    sun.inside, sun.subnet = "fd02::1", "fd02::/64"
    with_pool(moon, sun)
    replace(moon, "leftsourceip=%config", "leftsourceip=%config6")
    replace(sun, POOL, "fd03::/112")
    bring_up(moon, sun)
    assert_pings_as_esp(moon.host, "fd03::1", sun.host, sun.inside, 2, 56)


@pytest.mark.parametrize("kinds", PAIRS)
def test_renewed_phase_1_keeps_the_address(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    with_pool(moon, sun, ikelifetime="1h")
    replace(moon, "ikelifetime=1h", "ikelifetime=25s\n    margintime=20s\n    rekeyfuzz=0%")
    bring_up(moon, sun)
    until(lambda: "net-net[1]" not in moon.host.ipsec("status"), "the first ISAKMP SA gone", 30)
    until(lambda: moon.host.established() == sun.host.established() == 1, "one ISAKMP SA", 5)
    assert ADDRESS in moon.host.net("ip", "addr").stdout
    assert_pings_as_esp(moon.host, ADDRESS, sun.host, sun.inside, 1, 56)


@pytest.mark.parametrize("kinds", AS_RESPONDER)
def test_peers_of_a_template_are_instances(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    with_pool(moon, sun)
    replace(sun, f"right={moon.address}", "right=%any")
    bring_up(moon, sun)
    shown = sun.host.run("ipsec", "whack", "--status").stdout
    assert '"net-net"[1]: ' in shown and ' "net-net"[1] STATE_QUICK_R2' in shown
    assert_pings_as_esp(moon.host, ADDRESS, sun.host, sun.inside, 1, 56)
    sun.host.run("ipsec", "whack", "--name", "net-net[1]", "--terminate")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "both sides without SAs", 3)
    until(lambda: "[1]" not in sun.host.run("ipsec", "whack", "--status").stdout, "no instance", 5)


@pytest.mark.parametrize("kinds", PAIRS)
def test_cisco_unity_tells_which_networks_are_behind_the_server(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    with_pool(moon, sun)
    replace(moon, "rightsubnet=10.2.0.0/24", "rightsubnet=0.0.0.0/0")
    moon.host.settings("cisco_unity = yes")
    attr = "attr {\n 28672 = Welcome to sun\n split-include = 10.2.0.0/24\n }"
    sun.host.settings(f"cisco_unity = yes\n plugins {{\n {attr}\n }}")
    bring_up(moon, sun)
    for end, selectors in (
        (moon, f"{ADDRESS}/32 === 10.2.0.0/24"), (sun, f"10.2.0.0/24 === {ADDRESS}/32"),
    ):  # fmt: skip
        assert selectors in end.host.ipsec("status")
    assert_pings_as_esp(moon.host, ADDRESS, sun.host, sun.inside, 2, 56)
    if moon.host.kind == "cygnet":
        assert "banner of the peer: Welcome to sun" in moon.host.read(PLUTO_LOG)


@pytest.mark.parametrize("kinds", PAIRS)
def test_first_messages_in_fragments(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "rsa", fragmentation="force", **IKEV1)
    for end in (moon, sun):
        end.host.settings("fragment_size = 400")
    bring_up(moon, sun)
    assert_carries(moon, sun, 1)
    if moon.host.kind == "cygnet":
        log = moon.host.read(PLUTO_LOG)
        assert log.index("splitting IKE message") < log.index("STATE_MAIN_I2")


def test_both_daemons_lists_and_leases_are_one_view(lab: Lab) -> None:
    moon, sun = lab.pair("cygnet-cygnet")
    with_pool(moon, sun)
    bring_up(moon, sun)
    listed = sun.host.ipsec("listalgs")
    assert listed.count("List of registered IKE algorithms:") == 1
    assert "\npluto:" in sun.host.ipsec("listplugins")
    assert sun.host.ipsec("leases").splitlines()[0] == f"Leases in pool '{POOL}', usage: 1/254, 1 online"
    sun.host.ipsec("purgeike")
    assert sun.host.established() == 1
    assert POOL in sun.host.run("ipsec", "whack", "--leases", "--name", POOL, "--lease-id", USER).stdout


@pytest.mark.parametrize("kinds", AS_INITIATOR)
def test_name_servers_and_script_while_the_tunnel_is_up(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    with_pool(moon, sun)
    replace(sun, "    rightsourceip=", "    rightdns=10.2.0.53\n    rightsourceip=")
    told = moon.host.file("/etc/told")
    moon.host.write("/etc/script", f"#!/bin/sh\nenv | grep ^PLUTO_ >> {told}\n", 0o755)
    replace(moon, "    leftsourceip=", f"    leftupdown={moon.host.file('/etc/script')}\n    leftsourceip=")
    path = moon.host.file("/etc/resolv.conf")
    path.write_text("nameserver 192.0.2.53\n")
    resolve = f"resolve {{\n file = {path}\n resolvconf {{\n path = /nonexistent\n }}\n }}"
    moon.host.settings(f"plugins {{\n {resolve}\n }}")
    bring_up(moon, sun)
    until(lambda: path.read_text().startswith("nameserver 10.2.0.53 "), "the name server", 3)
    until(told.exists, "the script was run", 3)
    lines = until(lambda: told.read_text().splitlines(), "what the script was told", 3)
    assert {
        "PLUTO_VERB=up-client", f"PLUTO_MY_SOURCEIP={ADDRESS}", f"PLUTO_MY_CLIENT={ADDRESS}/32",
        "PLUTO_DNS4_1=10.2.0.53", "PLUTO_PEER_CLIENT=10.2.0.0/24",
    } <= set(lines)  # fmt: skip
    moon.host.ipsec("down", "net-net")
    until(lambda: path.read_text() == "nameserver 192.0.2.53\n", "the old name server", 3)
    until(lambda: "PLUTO_VERB=down-client" in told.read_text(), "the script was run again", 3)


@pytest.mark.parametrize("kinds", PAIRS)
def test_hybrid_server_signs_and_user_gives_a_password(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    with_certificate_of_server_only(moon, sun)
    bring_up(moon, sun)
    assert_carries(moon, sun)
    if sun.host.kind == "cygnet":
        assert f"Remote XAuth identity: {USER}" in sun.host.ipsec("statusall")


def with_certificate_of_server_only(moon: End, sun: End) -> None:
    """moon has a CA to trust, a name and a password, and no key."""
    configure(moon, sun, "rsa", **IKEV1)
    with_user(moon, sun)
    for line in ("    leftauth2=xauth\n", "    leftcert=own.pem\n"):
        replace(moon, line, "")
    replace(moon, "leftauth=pubkey", "leftauth=xauth")
    replace(sun, "    rightauth2=xauth\n", "")
    replace(sun, "rightauth=pubkey", "rightauth=xauth")
    moon.host.write(SECRETS, f'{USER} : XAUTH "{PASSWORD}"\n', 0o600)
