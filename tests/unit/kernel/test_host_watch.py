"""What of a host's changes is told. The messages are made here, as rtnetlink(7) has them."""

import socket
from struct import pack

import pytest

from bpf_machine import run
from cygnet.kernel.backends.host_watch import HostWatch, without_tunnels
from cygnet.kernel.backends.interfaces import Link, has_route, link_in, links, placed_addresses
from cygnet.kernel.port import AddressChange


def link(index, flags):
    return pack("=BxHiII", 0, 1, index, flags, 0) + pack("=HH", 9, 3) + b"eth9\0\0\0\0"


def route(table, flags=0, large=None):
    more = pack("=HHI", 8, 15, large) if large is not None else b""
    return pack("=BBBBBBBBI", 2, 0, 0, 0, table, 3, 0, 1, flags) + more


@pytest.fixture
def watch():
    found = HostWatch()
    yield found
    found.close()


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (20, b"", AddressChange()),
        (21, b"", AddressChange()),
        (24, route(254), AddressChange(routes_only=True)),
        (25, route(254), AddressChange(routes_only=True)),
        (24, route(220), None),  # of tunnels
        (24, route(0, large=22003), None),  # of tunnels with marks
        (24, route(255), None),  # local
        (24, route(0, large=1000), AddressChange(routes_only=True)),
        (24, route(254, 0x200), None),  # cloned
        (24, b"", AddressChange(routes_only=True)),
        (28, b"", None),
    ],
)
def test_meaning(watch, kind, body, expected):
    assert watch.meaning(kind, body) == expected


def test_link_is_news_when_it_goes_up_or_down(watch):
    index = 987654
    told = [watch.meaning(16, link(index, flags)) for flags in (0x41, 0x41, 0x1041, 0x1, 0x0, 0x41)]
    assert [one is not None for one in told] == [False, False, False, True, False, True]
    assert watch.meaning(17, link(index, 0x41)) is not None
    assert watch.meaning(17, link(index, 0x41)) is None


def test_wait_ends_when_woken(watch):
    watch.wake()
    assert watch.wait() is None


def test_quiet_host_has_nothing_to_tell(watch):
    assert watch.drain() is None


def test_links_and_addresses_of_this_host():
    names = {name for _, name in socket.if_nameindex()}
    assert {one.name for one in links()} == names
    assert {one.link.name for one in placed_addresses()} <= names
    for one in placed_addresses():
        assert has_route(one.address, one.address)


def test_octets_that_are_no_link():
    assert link_in(b"123") == Link(0, "", False)


def test_routes_of_tunnels_do_not_even_wake_the_watch():
    def message(kind: int, body: bytes) -> bytes:
        return pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body

    filtered = without_tunnels()
    assert not run(filtered, message(24, route(220)))
    assert not run(filtered, message(25, route(220)))
    assert run(filtered, message(24, route(254)))
    assert run(filtered, message(24, route(252, large=22003)))
    assert run(filtered, message(16, link(220, 0x41)))
    assert run(filtered, message(20, bytes([2, 24, 0, 220, 220])))
