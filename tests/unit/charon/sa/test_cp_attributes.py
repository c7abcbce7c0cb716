"""Configuration attributes as peers send them, rightly and wrongly (RFC 7296, 3.15.1; RFC 8598, 3.1)."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.charon.encoding.payloads.configuration import Attribute, Configuration
from cygnet.charon.sa import cp_attributes

FOUR, SIX = ip_address("10.3.0.1"), ip_address("fd03::1")


def message(*attributes: Attribute) -> Configuration:
    return Configuration(2, attributes)


def test_addresses_are_written_and_read() -> None:
    written = cp_attributes.request((FOUR, SIX, ip_address("0.0.0.0"), ip_address("::")), (4, 6))
    sizes = [(one.type, len(one.value)) for one in written]
    assert sizes == [(1, 4), (8, 17), (1, 0), (8, 0), (3, 0), (10, 0)]
    told: list[str] = []
    asked = cp_attributes.asked_addresses(message(*written), told.append)
    assert list(map(str, asked)) == ["10.3.0.1", "fd03::1", "0.0.0.0", "::"]
    assert cp_attributes.given_addresses(message(*written), told.append) == (FOUR, SIX)
    assert told == []


@pytest.mark.parametrize("size", [1, 3, 5, 16])
def test_address_of_a_wrong_size_is_left_out_and_told(size: int) -> None:
    told: list[str] = []
    assert cp_attributes.given_addresses(message(Attribute(1, bytes(range(1, size + 1)))), told.append) == ()
    assert told == [f"ignoring INTERNAL_IP4_ADDRESS of {size} octets"]


def test_servers_and_domains_are_bounded() -> None:
    many = [Attribute(3, bytes([10, 0, 0, last])) for last in range(1, 100)]
    names = [Attribute(25, b"d%d.example" % number) for number in range(100)]
    found = cp_attributes.servers(message(*many, *names), (FOUR,), lambda text: None)
    assert (len(found.dns), len(found.domains)) == (cp_attributes.MAX_SERVERS, cp_attributes.MAX_DOMAINS)


@given(st.lists(st.builds(Attribute, st.integers(0, 30), st.binary(max_size=20)), max_size=10))
def test_any_attributes_are_read_without_an_error(attributes: list[Attribute]) -> None:
    given_out = message(*attributes)
    cp_attributes.asked_addresses(given_out, lambda text: None)
    for address in cp_attributes.given_addresses(given_out, lambda text: None):
        assert not (address.is_unspecified or address.is_multicast or address.is_loopback)
    cp_attributes.servers(given_out, (), lambda text: None)
