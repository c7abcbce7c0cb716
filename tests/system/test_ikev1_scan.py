"""ike-scan, which others use to find and to tell apart IKEv1 gateways, looks at pluto."""

import re

import pytest

from lab.gateways import Gateway
from lab.hosts import until
from lab.network import address
from lab.topology import Lab
from lab.tunnels import End, assert_carries, configure, connection, is_up, replace

pytestmark = [pytest.mark.root, pytest.mark.tun, pytest.mark.ike_scan]

IKEV1 = {"keyexchange": "ikev1", "ike": "aes128-sha256-modp2048!"}
AGGRESSIVE_PSK = "i_dont_care_about_security_and_use_aggressive_mode_psk = yes"
OURS = "--trans=7/128,4,1,14"
"""AES-128, SHA2-256, pre-shared key, MODP-2048 (RFC 2409, appendix A)."""
WEAK = "--trans=5,2,1,2"
"""3DES, SHA-1, pre-shared key, MODP-1024."""
CHOSEN = "SA=(Enc=AES Hash=SHA2-256 Auth=PSK Group=14:modp2048 KeyLength=128 "
REFUSED = "Notify message 14 (NO-PROPOSAL-CHOSEN)"
VENDORS = {"Dead Peer Detection v1.0", "IKE Fragmentation"}
NAT_T = "--vendor=4a131c81070358455c5728f20e95452f"
"""MD5 of "RFC 3947", without which we say nothing of it either (RFC 3947, 3.1)."""
AGGRESSIVE = ("--aggressive", "--id=sun.lab", "--idtype=2", "--dhgroup=14")
FLOOD = 400
STRANGER = "192.0.2.66"


def scan(scanner: Gateway, *options: str, target: str = "192.0.2.1", stdin: str = "") -> str:
    """What ike-scan says of a host; it sends each message once."""
    command = ("ike-scan", "--multiline", "--nodns", "--retry=1", *options, target)
    return scanner.run(*command, stdin=stdin).stdout


def told(shown: str) -> set[str]:
    """The vendor IDs in a handshake, by ike-scan's names."""
    return set(re.findall(r"^\tVID=[0-9a-f]+ \((.*)\)$", shown, re.M))


def prepare(lab: Lab, settings: str = "", peer: str = "192.0.2.2") -> tuple[End, End]:
    """A gateway with a connection for each mode; what scans it may become its peer."""
    moon, sun = lab.pair("cygnet-cygnet")
    configure(moon, sun, **IKEV1)
    aggressive = connection("aggressive", moon, sun, IKEV1 | {"aggressive": "yes"})
    moon.host.write("/etc/ipsec.conf", f"{moon.host.read('/etc/ipsec.conf')}\n{aggressive}")
    replace(moon, "right=192.0.2.2", f"right={peer}")
    moon.host.settings(f"{AGGRESSIVE_PSK}\n{settings}")
    moon.host.start()
    return moon, sun


def half_open(host: Gateway) -> int:
    """How many ISAKMP SAs pluto has that nobody has proved himself in."""
    return len(re.findall(r"STATE_MAIN_R\d", host.ipsec("whack", "--status")))


def dropped(host: Gateway, counter: str) -> int:
    """One of pluto's counters of datagrams."""
    found = re.search(rf"dropped datagrams: .*\b{counter} (\d+)", host.ipsec("whack", "--statusall"))
    return int(found[1]) if found else 0


def test_handshakes_have_the_transform_and_the_vendor_ids(lab: Lab) -> None:
    _, sun = prepare(lab)
    for natt in ((), (NAT_T,)):
        main = scan(sun.host, *natt, WEAK, OURS)
        assert "Main Mode Handshake returned" in main
        aggressive = scan(sun.host, *AGGRESSIVE, *natt, OURS)
        assert "Aggressive Mode Handshake returned" in aggressive
        assert "ID(Type=ID_FQDN, Value=moon.lab)" in aggressive
        assert "KeyExchange(256 bytes)" in aggressive
        assert ("NAT-D(" in aggressive) == bool(natt)
        for shown in (main, aggressive):
            assert CHOSEN in shown
            assert told(shown) == VENDORS | ({"RFC 3947 NAT-T"} if natt else set())


def test_what_is_not_acceptable_is_refused_and_forgotten(lab: Lab) -> None:
    moon, sun = prepare(lab)
    assert REFUSED in scan(sun.host, WEAK)
    assert REFUSED in scan(sun.host, "--aggressive", "--id=sun.lab", "--idtype=2", WEAK)
    stranger = scan(sun.host, "--aggressive", "--id=eve.lab", "--idtype=2", "--dhgroup=14", OURS)
    assert "Notify message 24 (AUTHENTICATION-FAILED)" in stranger
    assert moon.host.has_nothing()


def test_version_2_is_charons_to_answer(lab: Lab) -> None:
    moon, sun = prepare(lab)
    assert "IKEv2" in scan(sun.host, "--ikev2")
    assert "other_version" not in moon.host.ipsec("whack", "--statusall")


def flood(scanner: Gateway, source: str) -> None:
    """As many first messages, each with a cookie of its own."""
    targets = "192.0.2.1\n" * FLOOD
    options = ("--quiet", "--sport=0", f"--bindip={source}", "--interval=1", OURS, "--file=-")
    scanner.run("ike-scan", "--nodns", "--retry=1", *options, stdin=targets)


def test_flood_from_one_address_takes_its_own_places_only(lab: Lab) -> None:
    moon, sun = prepare(lab, peer="%any")
    address(sun.host, f"{STRANGER}/32")
    flood(sun.host, STRANGER)
    assert half_open(moon.host) == 5
    until(lambda: dropped(moon.host, "blocked_source") == FLOOD - 5, "the others are dropped")
    sun.host.start()
    sun.host.ipsec("up", "net-net")
    until(lambda: is_up(moon) and is_up(sun), "the peer's tunnel")
    assert_carries(moon, sun)


def test_flood_costs_no_more_than_the_half_open_limit_and_ends(lab: Lab) -> None:
    settings = "dos_protection = no\ninit_limit_half_open = 30\nhalf_open_timeout = 3"
    moon, sun = prepare(lab, settings)
    flood(sun.host, sun.address)
    assert half_open(moon.host) <= 30
    assert dropped(moon.host, "half_open_limit") >= FLOOD - 2 * 30
    until(lambda: not half_open(moon.host), "all of them are forgotten", 10)
    sun.host.start()
    sun.host.ipsec("up", "net-net")
    until(lambda: is_up(moon) and is_up(sun), "the peer's tunnel")
