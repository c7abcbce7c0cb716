"""Virtual addresses between Cygnet and strongSwan in both roles: pools, pings through them, name servers."""

import pytest

from lab.firewall import assert_passes_while_up
from lab.hosts import until
from lab.leases import assert_lent_and_returned
from lab.network import assert_pings_as_esp
from lab.topology import PAIRS, Lab
from lab.tunnels import End, bring_up, configure, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]
POOL, ADDRESS = "10.3.0.0/24", "10.3.0.1"


def road_warrior(moon: End, sun: End, wanted: str = "%config", pool: str = POOL, **options: str) -> None:
    """moon asks sun for an address; what is behind moon stays there."""
    moon.subnet = ""
    configure(moon, sun, **options)
    replace(moon, "    left=", f"    leftsourceip={wanted}\n    left=")
    replace(sun, "    right=", f"    rightsourceip={pool}\n    right=")


@pytest.mark.parametrize("kinds", PAIRS)
def test_road_warrior_reaches_the_network_from_its_virtual_address(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    road_warrior(moon, sun)
    bring_up(moon, sun)
    assert_lent_and_returned(moon, sun, ADDRESS, POOL, "moon.lab")


@pytest.mark.parametrize("kinds", PAIRS)
def test_packets_to_the_network_leave_with_the_virtual_address(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    road_warrior(moon, sun)
    bring_up(moon, sun)
    moon.host.net("ping", "-c", "1", "-W", "2", sun.inside)


@pytest.mark.parametrize("kinds", PAIRS)
def test_ipv6_address_inside_an_ipv6_tunnel(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    moon.address, sun.address = "2001:db8::1", "2001:db8::2"
    sun.inside, sun.subnet = "fd02::1", "fd02::/64"
    road_warrior(moon, sun, "%config6", "fd03::/112")
    bring_up(moon, sun)
    assert_pings_as_esp(moon.host, "fd03::1", sun.host, sun.inside, 3, 56)


@pytest.mark.parametrize("kinds", PAIRS)
def test_reauthentication_keeps_the_address(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    road_warrior(moon, sun, ikelifetime="1h", reauth="yes")
    replace(moon, "ikelifetime=1h", "ikelifetime=25s\n    margintime=20s\n    rekeyfuzz=0%")
    bring_up(moon, sun)
    until(lambda: "net-net[1]" not in moon.host.ipsec("status"), "the first IKE_SA gone", 15)
    until(lambda: moon.host.established() == sun.host.established() == 1, "one IKE_SA", 5)
    assert ADDRESS in moon.host.net("ip", "addr").stdout
    assert_pings_as_esp(moon.host, ADDRESS, sun.host, sun.inside, 1, 56)


@pytest.mark.parametrize("kinds", [pair for pair in PAIRS if str(pair.id).startswith("cygnet")])
def test_name_servers_are_in_resolv_conf_while_the_tunnel_is_up(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    road_warrior(moon, sun)
    replace(sun, "    rightsourceip=", "    rightdns=10.2.0.53\n    rightsourceip=")
    path = moon.host.file("/etc/resolv.conf")
    path.write_text("nameserver 192.0.2.53\n")
    resolve = f"resolve {{\n file = {path}\n resolvconf {{\n path = /nonexistent\n }}\n }}"
    moon.host.settings(f"plugins {{\n {resolve}\n }}")
    bring_up(moon, sun)
    until(lambda: path.read_text().startswith("nameserver 10.2.0.53 "), "the name server", 3)
    moon.host.ipsec("down", "net-net")
    until(lambda: path.read_text() == "nameserver 192.0.2.53\n", "the old name server", 3)


RESOLVECTL = '#!/bin/sh\necho "$@" >> /run/resolvectl.calls\n'
RESOLVER = "dns.corp.example 10.2.0.53 alpn=dot port=8853"


@pytest.mark.parametrize("kinds", [pair for pair in PAIRS if str(pair.id).startswith("cygnet")])
def test_encrypted_resolvers_go_to_systemd_resolved(lab: Lab, kinds: str) -> None:
    """A gateway that knows nothing of them (strongSwan) tells its ordinary server."""
    moon, sun = lab.pair(kinds)
    road_warrior(moon, sun)
    encrypted = f'    rightencdns="{RESOLVER}"\n' if sun.host.kind == "cygnet" else ""
    replace(sun, "    rightsourceip=", f"    rightdns=10.2.0.54\n{encrypted}    rightsourceip=")
    replace(moon, "    left=", '    leftupdown="env > /run/updown.$PLUTO_VERB"\n    left=')
    moon.host.write("/etc/resolvectl", RESOLVECTL, 0o755)
    moon.host.settings("plugins {\n resolve {\n resolvectl = /etc/resolvectl\n }\n }")
    bring_up(moon, sun)
    server = "10.2.0.53:8853#dns.corp.example" if encrypted else "10.2.0.54"
    calls = moon.host.file("/run/resolvectl.calls")
    until(lambda: calls.exists() and "domain ipsec0 ~." in calls.read_text(), "resolvectl", 3)
    assert f"dns ipsec0 {server}\n" in calls.read_text()
    assert ("dnsovertls ipsec0 yes\n" in calls.read_text()) is bool(encrypted)
    if encrypted:
        assert f"Encrypted DNS: {RESOLVER} priority=1" in moon.host.ipsec("statusall")
        script = moon.host.file("/run/updown.up-client")
        until(lambda: script.exists() and "PLUTO_VERB" in script.read_text(), "the updown script", 3)
        assert f"CYGNET_ENCDNS_1={RESOLVER} priority=1\n" in script.read_text()
    moon.host.ipsec("down", "net-net")
    until(lambda: calls.read_text().endswith("revert ipsec0\n"), "no name servers", 3)


@pytest.mark.parametrize("kinds", [pair for pair in PAIRS if str(pair.id).startswith("cygnet")])
def test_firewall_that_drops_everything_lets_the_tunnel_through(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    road_warrior(moon, sun)
    assert_passes_while_up(moon, sun, moon, ADDRESS)
