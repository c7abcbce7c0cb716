"""Tunnels between Cygnet and Cygnet and between Cygnet and strongSwan, as initiator and as responder."""

import pytest

from lab.hosts import until
from lab.network import ping
from lab.topology import PAIRS, Lab
from lab.tunnels import assert_carries, bring_up, configure, replace

pytestmark = [pytest.mark.root, pytest.mark.tun]


@pytest.mark.parametrize("auth", ["psk", "rsa", "ecdsa", "ed25519"])
@pytest.mark.parametrize("kinds", PAIRS)
def test_tunnel_carries_traffic_as_esp_until_it_is_taken_down(lab: Lab, kinds: str, auth: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, auth)
    bring_up(moon, sun)
    assert_carries(moon, sun)
    moon.host.ipsec("down", "net-net")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "both sides without SAs", 3)
    assert not ping(moon.host, moon.inside, sun.inside, count=1)


@pytest.mark.parametrize("kinds", PAIRS)
def test_responder_takes_the_tunnel_down(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    bring_up(moon, sun)
    sun.host.ipsec("down", "net-net")
    until(lambda: moon.host.has_nothing() and sun.host.has_nothing(), "both sides without SAs", 3)


@pytest.mark.parametrize("kinds", PAIRS)
def test_one_child_sa_is_taken_down_by_number(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    bring_up(moon, sun)
    moon.host.ipsec("down", "net-net{*}")
    until(lambda: moon.host.installed() == sun.host.installed() == 0, "both sides without CHILD_SA", 3)
    assert moon.host.established() == sun.host.established() == 1


ALGORITHMS = [
    ("aes128gcm16-prfsha256-x25519!", "aes128gcm16!"),
    ("aes256-sha512-modp2048!", "aes256-sha512!"),
    ("aes128-sha1-modp3072!", "aes128-sha1!"),
    ("chacha20poly1305-prfsha384-x448!", "chacha20poly1305!"),
    ("aes192ctr-sha384-ecp384!", "aes192-sha384!"),
    ("aes256gcm16-prfsha512-ecp521!", "aes256gcm16-esn!"),
]


@pytest.mark.parametrize(("ike", "esp"), ALGORITHMS)
@pytest.mark.parametrize("kinds", PAIRS)
def test_algorithms(lab: Lab, kinds: str, ike: str, esp: str) -> None:
    moon, sun = lab.pair(kinds)
    if "esn" in esp and "strongswan" in kinds:
        esp = esp.replace("-esn", "")  # its user-space ESP has 32-bit sequence numbers only
    configure(moon, sun, ike=ike, esp=esp)
    bring_up(moon, sun)
    assert_carries(moon, sun)


@pytest.mark.parametrize("outer", ["4", "6"])
@pytest.mark.parametrize("inner", ["4", "6"])
@pytest.mark.parametrize("kinds", PAIRS)
def test_address_families(lab: Lab, kinds: str, inner: str, outer: str) -> None:
    moon, sun = lab.pair(kinds)
    if outer == "6":
        moon.address, sun.address = "2001:db8::1", "2001:db8::2"
    if inner == "6":
        moon.inside, moon.subnet = "fd01::1", "fd01::/64"
        sun.inside, sun.subnet = "fd02::1", "fd02::/64"
    configure(moon, sun)
    bring_up(moon, sun)
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", PAIRS)
def test_forced_udp_encapsulation(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, forceencaps="yes")
    bring_up(moon, sun)
    assert "ESP in UDP" in moon.host.ipsec("status")
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", PAIRS)
def test_narrowed_traffic_selectors(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun)
    replace(moon, "rightsubnet=10.2.0.0/24", "rightsubnet=10.0.0.0/8")
    bring_up(moon, sun)
    assert "10.1.0.0/24 === 10.2.0.0/24" in moon.host.ipsec("status")
    assert_carries(moon, sun)


@pytest.mark.parametrize("kinds", PAIRS)
def test_different_first_group_is_asked_for_again(lab: Lab, kinds: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, ike="aes128-sha256-x25519,aes128-sha256-ecp256!")
    replace(sun, "ike=aes128-sha256-x25519,aes128-sha256-ecp256!", "ike=aes128-sha256-ecp256!")
    bring_up(moon, sun)
    assert_carries(moon, sun)


IDENTITIES = {
    "address": ("192.0.2.1", "192.0.2.2"),
    "user": ("admin@moon.lab", "admin@sun.lab"),
    "key id": ("@#6d6f6f6e", "@#73756e"),
}


@pytest.mark.parametrize("name", IDENTITIES)
@pytest.mark.parametrize("kinds", PAIRS)
def test_identities_with_psk(lab: Lab, kinds: str, name: str) -> None:
    moon, sun = lab.pair(kinds)
    moon.identity, sun.identity = IDENTITIES[name]
    configure(moon, sun)
    bring_up(moon, sun)


@pytest.mark.parametrize("wanted", ["C=CH, O=Lab, CN=sun.lab", "C=CH, O=Lab, CN=*", "%any"])
@pytest.mark.parametrize("kinds", PAIRS)
def test_distinguished_names_with_certificates(lab: Lab, kinds: str, wanted: str) -> None:
    moon, sun = lab.pair(kinds)
    configure(moon, sun, "ecdsa")
    replace(moon, "leftid=@moon.lab", 'leftid="C=CH, O=Lab, CN=moon.lab"')
    replace(sun, "rightid=@moon.lab", 'rightid="C=CH, O=Lab, CN=moon.lab"')
    replace(sun, "leftid=@sun.lab", 'leftid="C=CH, O=Lab, CN=sun.lab"')
    replace(moon, "rightid=@sun.lab", f'rightid="{wanted}"')
    bring_up(moon, sun)
