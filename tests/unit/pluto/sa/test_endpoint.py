"""cygnet.pluto.sa.endpoint"""

import random

import pytest

from cygnet.base.addresses import Host
from cygnet.pluto.config.settings import DaemonSettings
from cygnet.pluto.sa.endpoint import Create, Dispatch, Drop, Endpoint
from cygnet.wire.header import Header

ALICE, BOB = Host.of("192.0.2.1", 500), Host.of("192.0.2.2", 500)


class Sas:
    def __init__(self):
        self.known = {}
        self.open = 0

    def by_spi(self, spi):
        return self.known.get(spi)

    def half_open(self, address=None):
        return self.open


@pytest.fixture
def sas():
    return Sas()


def endpoint(sas, **settings):
    return Endpoint(DaemonSettings(**settings), sas, random.Random(1).randbytes)


def message(
    cookie_i=b"initiate", cookie_r=bytes(8), exchange=2, *, major=1, flags=0, number=0, first=1, length=None,
    body=b"\0\0\0\4",
):
    size = 28 + len(body) if length is None else length
    return Header(cookie_i, cookie_r, first, major, 0, exchange, flags, number, size).build() + body


def decide(endpoint, data):
    return endpoint.decide(data, ALICE, BOB, 0.0)


@pytest.mark.parametrize("exchange", [2, 4])
def test_first_message_makes_an_sa_and_its_copy_finds_it(sas, exchange):
    one = endpoint(sas)
    made = decide(one, message(exchange=exchange))
    assert isinstance(made, Create) and len(made.spi) == 8
    sas.known[made.spi] = 7
    assert decide(one, message(exchange=exchange)) == Dispatch(7, exchange)
    assert isinstance(decide(one, message(b"another!", exchange=exchange)), Create)


def test_fragments_of_a_first_message_go_to_one_sa(sas):
    one = endpoint(sas)
    made = decide(one, message(first=132, body=b"some"))
    assert isinstance(made, Create)
    sas.known[made.spi] = 7
    assert decide(one, message(first=132, body=b"more")) == Dispatch(7, 2)
    assert isinstance(decide(one, message(b"another!", first=132, body=b"some")), Create)


def test_copy_after_the_sa_has_gone_makes_a_new_one(sas):
    one = endpoint(sas)
    first, second = decide(one, message()), decide(one, message())
    assert isinstance(second, Create) and first != second


def test_messages_go_by_our_cookie_in_either_role(sas):
    sas.known[b"our side"] = 3
    one = endpoint(sas)
    assert decide(one, message(b"our side", b"the peer", 5)) == Dispatch(3, 5)
    assert decide(one, message(b"the peer", b"our side", 32)) == Dispatch(3, 32)


@pytest.mark.parametrize(
    ("data", "counter"),
    [
        (b"short", "too_short"),
        (bytes(20000), "too_long"),
        (message(length=40), "malformed_header"),
        (message(major=2), "other_version"),
        (message(bytes(8)), "no_initiator_spi"),
        (message(cookie_r=b"who is it"[:8]), "unknown_spi"),
        (message(exchange=5), "unknown_spi"),
        (message(exchange=32), "unknown_spi"),
        (message(number=1), "odd_first_message"),
        (message(flags=1), "odd_first_message"),
    ],
)
def test_what_is_of_no_use_is_dropped_and_counted(sas, data, counter):
    assert decide(endpoint(sas), data) == Drop(counter)


@pytest.mark.parametrize(
    ("settings", "counter"),
    [
        ({"initiator_only": True}, "initiator_only"),
        ({"block_threshold": 5}, "blocked_source"),
        ({"block_threshold": 0, "init_limit_half_open": 5}, "half_open_limit"),
        ({"dos_protection": False, "init_limit_half_open": 5}, "half_open_limit"),
    ],
)
def test_half_open_sas_are_limited(sas, settings, counter):
    sas.open = 5
    assert decide(endpoint(sas, **settings), message()) == Drop(counter)


def test_limits_can_be_lifted(sas):
    sas.open = 5000
    unlimited = endpoint(sas, block_threshold=0, init_limit_half_open=0)
    assert isinstance(decide(unlimited, message()), Create)
