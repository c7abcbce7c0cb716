"""Resolving names: cache, deadline, failure."""

import threading
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from cygnet.base.addresses import Address
from cygnet.keying.backends.resolver import FAILURE_LIFETIME_S, LIFETIME_S, Resolver

ONE, TWO = ip_address("192.0.2.1"), ip_address("192.0.2.2")
LONG_S = 10.0


def test_literal_address_is_not_looked_up(names: "Names") -> None:
    resolver = names.resolver()
    assert resolver.resolve("192.0.2.1") == resolver.cached("192.0.2.1") == (ONE,)
    assert names.asked == []


def test_answer_is_kept_for_a_minute(names: "Names") -> None:
    resolver = names.resolver()
    assert resolver.resolve("peer") == (ONE,)
    names.answer = (TWO,)
    assert resolver.resolve("peer") == (ONE,)
    names.time += LIFETIME_S
    assert resolver.resolve("peer") == (TWO,)
    assert names.asked == ["peer", "peer"]


def test_cached_never_waits(names: "Names") -> None:
    names.may_answer.clear()
    resolver = names.resolver()
    assert resolver.cached("peer") == ()
    names.may_answer.set()
    assert resolver.resolve("peer", LONG_S) == (ONE,)
    assert resolver.cached("peer") == (ONE,)
    assert names.asked == ["peer"]


def test_answer_that_takes_too_long_is_what_was_known(names: "Names") -> None:
    names.may_answer.clear()
    assert names.resolver().resolve("peer", deadline_s=0.01) == ()


def test_failing_lookup_is_tried_again_soon(names: "Names") -> None:
    names.answer = ()
    resolver = names.resolver()
    assert resolver.resolve("peer") == ()
    names.answer = (ONE,)
    names.time += FAILURE_LIFETIME_S
    assert resolver.resolve("peer") == (ONE,)


def test_failing_lookup_leaves_what_was_known(names: "Names") -> None:
    resolver = names.resolver()
    resolver.resolve("peer")
    names.answer = ()
    names.time += LIFETIME_S
    resolver.resolve("peer")
    assert resolver.cached("peer") == (ONE,)


def test_closed_resolver_knows_nothing_new(names: "Names") -> None:
    resolver = names.resolver()
    resolver.close()
    assert resolver.resolve("peer") == ()


class Names:
    """A name server with a clock."""

    def __init__(self) -> None:
        self.answer: tuple[Address, ...] = (ONE,)
        self.asked: list[str] = []
        self.time = 0.0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.resolvers: list[Resolver] = []

    def resolver(self) -> Resolver:
        self.resolvers.append(Resolver(self.lookup, lambda: self.time))
        return self.resolvers[-1]

    def lookup(self, name: str) -> tuple[Address, ...]:
        self.asked.append(name)
        self.may_answer.wait(LONG_S)
        return self.answer


@pytest.fixture
def names() -> Iterator[Names]:
    server = Names()
    yield server
    server.may_answer.set()
    for resolver in server.resolvers:
        resolver.close()
