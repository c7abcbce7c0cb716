"""Modes and selectors on real hosts: transport, BEET, several selectors, traps, shunts, padding."""

import re

import pytest

from lab.hosts import Host, until
from lab.network import address, assert_pings_as_esp, esp_seen, ping, seen
from lab.topology import PAIRS, Lab
from lab.tunnels import End, assert_carries, bring_up, configure, is_up, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]

PEER_IN_SELECTORS = """
  plugins {
    kernel-libipsec { allow_peer_ts = yes }
    kernel-netlink { fwmark = !0x42 }
    socket-default { fwmark = 0x42 }
  }
"""
"""What strongSwan's user-space ESP needs where selectors cover the peer itself."""

OURS = [pair for pair in PAIRS if str(pair.id) == "cygnet-cygnet"]
WITH_OTHERS = [pair for pair in PAIRS if "strongswan" in str(pair.id)]


def between_hosts(lab: Lab, kinds: str, **options: str) -> tuple[End, End]:
    """moon and sun with a connection between their own addresses, not started."""
    moon, sun = lab.pair(kinds)
    moon.subnet = sun.subnet = ""
    configure(moon, sun, **options)
    return moon, sun


def installed_mode(end: End) -> str:
    found = re.search(r"INSTALLED, (\w+)", end.host.ipsec("status"))
    return found[1] if found else ""


@pytest.mark.parametrize(("encapsulation", "outer"), [("no", "6"), ("yes", "4")])
@pytest.mark.parametrize("kinds", OURS)
def test_transport_mode(lab: Lab, kinds: str, encapsulation: str, outer: str) -> None:
    moon, sun = lab.pair(kinds)
    moon.subnet = sun.subnet = ""
    if outer == "6":
        moon.address, sun.address = "2001:db8::1", "2001:db8::2"
    configure(moon, sun, type="transport", forceencaps=encapsulation)
    bring_up(moon, sun)
    assert installed_mode(moon) == installed_mode(sun) == "TRANSPORT"
    assert_pings_as_esp(moon.host, moon.address, sun.host, sun.address)
    assert_pings_as_esp(moon.host, moon.address, sun.host, sun.address, count=2, size=4000)
    moon.host.ipsec("down", "net-net")
    assert ping(moon.host, moon.address, sun.address, count=1)
    assert seen(sun.host)["plain"] == 1


SERVE = """
import socket
tcp = socket.socket(); tcp.setsockopt(1, 2, 1); tcp.bind(("", 5001)); tcp.listen()
udp = socket.socket(2, 2); udp.bind(("", 5001))
print("ready", flush=True)
data, peer = udp.recvfrom(65536); udp.sendto(data.upper(), peer)
own, _ = tcp.accept(); total = 0
while data := own.recv(65536): total += len(data)
print(total, flush=True)
"""
ASK = """
import socket, sys
udp = socket.socket(2, 2); udp.settimeout(3); udp.sendto(b"hello", (sys.argv[1], 5001)); print(udp.recv(99))
tcp = socket.create_connection((sys.argv[1], 5001), 3); tcp.sendall(bytes(200000)); tcp.close()
"""


@pytest.mark.parametrize("kinds", OURS)
def test_transport_mode_through_a_nat_keeps_checksums_right(lab: Lab, kinds: str) -> None:
    moon, sun, _ = lab.pair_with_nat(kinds)
    moon.subnet = sun.subnet = ""
    configure(moon, sun, type="transport")
    bring_up(moon, sun)
    assert installed_mode(moon) == installed_mode(sun) == "TRANSPORT"
    assert "192.0.2.2/32 === 192.0.2.254/32" in sun.host.ipsec("status")
    assert ping(moon.host, moon.address, sun.address)
    server = sun.host.spawn("python3", "-c", SERVE, log="serve.log")
    until(lambda: "ready" in sun.host.read("/var/log/serve.log"), "server")
    before = esp_seen(sun.host)
    assert "HELLO" in moon.host.run("python3", "-c", ASK, sun.address).stdout
    server.wait(5)
    assert "200000" in sun.host.read("/var/log/serve.log")
    assert esp_seen(sun.host) - before > 5  # many ESP packets pass a wire here as one
    assert seen(sun.host)["plain"] == 0


@pytest.mark.parametrize("asking", ["moon", "sun"])
@pytest.mark.parametrize("kinds", WITH_OTHERS)
def test_transport_mode_is_declined_where_one_wants_a_tunnel(lab: Lab, kinds: str, asking: str) -> None:
    """strongSwan's user-space ESP has tunnels only, so that it can only decline, or be declined."""
    moon, sun = between_hosts(lab, kinds, type="tunnel")
    for end in (moon, sun):
        if end.host.kind == "strongswan":
            end.host.settings(PEER_IN_SELECTORS)
    replace(moon if asking == "moon" else sun, "type=tunnel", "type=transport")
    bring_up(moon, sun)
    assert installed_mode(moon) == installed_mode(sun) == "TUNNEL"


@pytest.mark.parametrize("kinds", PAIRS)
def test_beet_between_two_hosts_or_a_tunnel_where_the_peer_has_none(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    moon.inside, sun.inside = "fd01::1", "fd02::1"
    moon.subnet, sun.subnet = moon.inside, sun.inside
    configure(moon, sun, type="beet")
    for end in (moon, sun):
        if end.host.kind == "strongswan":
            replace(end, "type=beet", "type=tunnel")
    bring_up(moon, sun)
    expected = "TUNNEL" if "strongswan" in kinds else "BEET"
    assert installed_mode(moon) == installed_mode(sun) == expected
    assert_carries(moon, sun)
    assert_carries(moon, sun, count=1, size=3000)


@pytest.mark.parametrize("kinds", PAIRS)
def test_several_subnets_in_one_child_sa(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    address(moon.host, "10.3.0.1/24", "fd03::1/64", device="lan0")
    moon.subnet = "10.1.0.0/24,10.3.0.0/24,fd03::/64"
    sun.subnet = "10.2.0.0/24,fd02::/64"
    configure(moon, sun)
    bring_up(moon, sun)
    assert_carries(moon, sun)
    assert_pings_as_esp(moon.host, "10.3.0.1", sun.host, "10.2.0.1")
    assert_pings_as_esp(moon.host, "fd03::1", sun.host, "fd02::1")


@pytest.mark.parametrize("kinds", PAIRS)
def test_protocol_selectors_and_the_dscp_of_ike(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, leftprotoport="icmp", rightprotoport="icmp", ikedscp="110000")
    rules = "add table ip d; add chain ip d i { type filter hook input priority 0; }; "
    for end in (moon, sun):
        end.host.net("nft", rules + "add rule ip d i udp dport { 500, 4500 } ip dscp cs6 counter")
    bring_up(moon, sun)
    assert "10.1.0.0/24[icmp] === 10.2.0.0/24[icmp]" in moon.host.ipsec("status")
    assert_carries(moon, sun)
    for end in (moon, sun):
        listing = end.host.net("nft", "list", "table", "ip", "d").stdout
        assert int(re.findall(r"packets (\d+)", listing)[0]) >= 2


@pytest.mark.parametrize("kinds", PAIRS)
def test_port_selectors_narrow_what_the_peer_asks_for(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(sun, "leftsubnet=10.2.0.0/24", "leftsubnet=10.2.0.0/24[tcp/5001]")
    bring_up(moon, sun)
    for end, text in ((moon, "10.1.0.0/24 === 10.2.0.0/24[tcp/5001]"),
                      (sun, "10.2.0.0/24[tcp/5001] === 10.1.0.0/24")):
        assert text in end.host.ipsec("status")
    assert not ping(moon.host, moon.inside, sun.inside, count=1)


@pytest.mark.parametrize("kinds", PAIRS)
def test_traffic_brings_up_a_routed_connection_that_stays_routed(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(moon, "auto=add", "auto=route")
    sun.host.start()
    moon.host.start()
    until(lambda: "ROUTED" in moon.host.ipsec("status"), "trap")
    until(lambda: ping(moon.host, moon.inside, sun.inside, count=1), "an answer through the tunnel")
    assert is_up(moon)
    moon.host.ipsec("down", "net-net")
    until(moon.host.has_nothing, "no SA", 3)
    assert "ROUTED" in moon.host.ipsec("status")
    until(lambda: ping(moon.host, moon.inside, sun.inside, count=1), "an answer through a new tunnel")
    assert is_up(moon)
    assert seen(sun.host)["plain"] == 0


@pytest.mark.parametrize("kinds", OURS)
def test_trap_keeps_traffic_from_leaving_in_clear_while_the_peer_is_away(lab: Lab, kinds: str) -> None:
    moon, sun = between_hosts(lab, kinds, type="transport")
    replace(moon, "auto=add", "auto=route")
    moon.host.start()
    assert not ping(moon.host, moon.address, sun.address, count=2)
    assert seen(sun.host)["plain"] == 0
    sun.host.start()
    until(lambda: ping(moon.host, moon.address, sun.address, count=1), "an answer", 15)
    assert installed_mode(moon) == "TRANSPORT"
    assert seen(sun.host)["plain"] == 0


@pytest.mark.parametrize("kinds", OURS)
def test_trap_without_a_peer_finds_it_in_the_packet(lab: Lab, kinds: str) -> None:
    moon, sun = between_hosts(lab, kinds, type="transport")
    replace(moon, "right=192.0.2.2\n", "right=%any\n    rightsubnet=192.0.2.0/29\n")
    replace(moon, "auto=add", "auto=route")
    sun.host.start()
    moon.host.start()
    until(lambda: ping(moon.host, moon.address, sun.address, count=1), "an answer")
    assert installed_mode(moon) == "TRANSPORT"
    assert_pings_as_esp(moon.host, moon.address, sun.host, sun.address)
    replace(moon, "    rightsubnet=192.0.2.0/29\n", "")
    assert "remote address unknown with dynamic" in moon.host.ipsec("update", status=None)


@pytest.mark.parametrize("kinds", OURS)
def test_marked_packets_alone_enter_a_tunnel_with_a_mark(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(moon, "    leftid", "    mark=5/0xff\n    leftid")
    bring_up(moon, sun)
    for mark, carried in (("5", True), ("517", True), ("6", False)):
        command = ["ping", "-q", "-c", "1", "-W", "1", "-m", mark, "-I", moon.inside, sun.inside]
        assert (moon.host.net(*command, status=None).returncode == 0) is carried
    assert seen(sun.host)["plain"] == 0


SHUNTS = """
conn open
    left=192.0.2.1
    right=192.0.2.3
    authby=never
    type=passthrough
    auto=start

conn closed
    leftsubnet=192.0.2.1/32
    rightsubnet=192.0.2.4/32
    authby=never
    type=drop
    auto=route
"""


@pytest.mark.parametrize("kinds", OURS)
def test_shunts_pass_and_drop(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    address(sun.host, "192.0.2.3/24", "192.0.2.4/24")
    moon.subnet, sun.subnet = "192.0.2.1/32", "192.0.2.2/31"
    configure(moon, sun)
    moon.host.write("/etc/ipsec.conf", moon.host.read("/etc/ipsec.conf") + SHUNTS, 0o600)
    bring_up(moon, sun)
    status = moon.host.ipsec("status")
    assert re.search(r"open:  192.0.2.1/32 === 192.0.2.3/32 PASS", status)
    assert re.search(r"closed:  192.0.2.1/32 === 192.0.2.4/32 DROP", status)
    assert_pings_as_esp(moon.host, moon.address, sun.host, "192.0.2.2", count=1)
    assert not ping(moon.host, moon.address, "192.0.2.4", count=1)
    assert seen(sun.host)["plain"] == 0
    assert ping(moon.host, moon.address, "192.0.2.3", count=2)
    assert seen(sun.host)["plain"] == 2
    moon.host.ipsec("unroute", "closed")
    assert ping(moon.host, moon.address, "192.0.2.4", count=1)
    assert "PASS" in moon.host.ipsec("status")


def octets_of_esp(host: Host) -> int:
    listing = host.net("nft", "list", "counter", "inet", "wire", "seen-esp-in-udp").stdout
    listing += host.net("nft", "list", "counter", "inet", "wire", "seen-esp").stdout
    return sum(map(int, re.findall(r"bytes (\d+)", listing)))


@pytest.mark.parametrize("kinds", PAIRS)
def test_padded_packets(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, tfc="1000" if "strongswan" in kinds else "%mtu")
    bring_up(moon, sun)
    before = octets_of_esp(sun.host), octets_of_esp(moon.host)
    assert_carries(moon, sun, count=2)
    after = octets_of_esp(sun.host), octets_of_esp(moon.host)
    for end, was, now in zip((sun, moon), before, after, strict=True):
        sender = moon if end is sun else sun
        if sender.host.kind == "cygnet":
            assert now - was >= 4 * 1000, f"{end.host.name} got packets that were not padded"


@pytest.mark.parametrize("kinds", OURS)
def test_what_espd_does_not_carry_is_refused_with_what_to_do(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    moon.host.write("/etc/ipsec.conf", moon.host.read("/etc/ipsec.conf") + """
conn authentic
    left=192.0.2.1
    right=192.0.2.2
    ah=sha256
    auto=add

conn small
    left=192.0.2.1
    right=192.0.2.2
    compress=yes
    auto=add
""", 0o600)
    told = moon.host.ipsec("start", status=None) + moon.host.log()
    until(lambda: "net-net" in moon.host.connections(), "the good connection")
    told += moon.host.ipsec("update", status=None) + moon.host.log()
    assert re.search(r"userland has no AH \(ah=\).*charon.kernel = xfrm", told)
    assert re.search(r"userland has no IPComp \(compress=yes\).*charon.kernel = xfrm", told)
    assert "no config named 'authentic'" in moon.host.ipsec("up", "authentic", status=1)

