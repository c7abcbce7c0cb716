"""The SPD's order and matching."""

from ipaddress import ip_address

import pytest

from cygnet.base.selectors import TrafficSelector
from cygnet.esp.flows import Flow
from cygnet.esp.policies import PolicyDatabase
from cygnet.esp.records import Action, Policy


def flow(destination: str = "10.2.0.1", protocol: int = 6, port: int = 80, opaque: bool = False) -> Flow:
    return Flow(ip_address("10.1.0.1"), ip_address(destination), protocol, 1000, port, opaque)


ANY_PORT = (0, 65535)


def policy(destination: str, protocol: int = 0, ports: tuple[int, int] = ANY_PORT, **more: object) -> Policy:
    selector = TrafficSelector.of(destination, protocol, ports)
    more.setdefault("action", Action.PROTECT)
    return Policy(True, TrafficSelector.of("10.1.0.0/16"), selector, **more)  # type: ignore[arg-type]


WIDE, NARROW = policy("10.0.0.0/8"), policy("10.2.0.0/16")
TCP, HTTP = policy("10.2.0.0/16", 6), policy("10.2.0.0/16", 6, (80, 80))


def database(*policies: Policy) -> PolicyDatabase:
    found = PolicyDatabase()
    for one in policies:
        found.add(one)
    return found


def test_most_specific_goes_first_whatever_the_order_of_installation():
    for order in ((WIDE, NARROW, TCP, HTTP), (HTTP, WIDE, TCP, NARROW)):
        assert list(database(*order).outbound(flow())) == [HTTP, TCP, NARROW, WIDE]


def test_kinds_are_ordered_as_charon_does():
    passing, dropping = policy("10.0.0.0/8", action=Action.PASS), policy("10.2.0.1", action=Action.DROP)
    trap = policy("10.2.0.1", trap=True)
    found = database(dropping, trap, WIDE, passing)
    assert list(found.outbound(flow())) == [passing, trap, WIDE, dropping]


def test_trap_stands_behind_the_sa_with_its_selectors_and_before_wider_ones():
    trap = policy("10.2.0.0/16", trap=True)
    assert list(database(trap, NARROW, WIDE).outbound(flow())) == [NARROW, trap, WIDE]


def test_given_priority_overrides_the_computed_one():
    first = policy("0.0.0.0/0", priority=1)
    assert next(database(HTTP, first).outbound(flow())) is first


def test_newest_of_equals_goes_first_and_removal_takes_one():
    old, new = policy("10.2.0.0/16", reqid=1), policy("10.2.0.0/16", reqid=2)
    found = database(old, new)
    assert list(found.outbound(flow())) == [new, old]
    assert found.remove(new) and not found.remove(new)
    assert list(found) == [old] and len(found) == 1


@pytest.mark.parametrize(("what", "expected"), [
    (flow(), True), (flow(port=81), False), (flow(protocol=17), False), (flow("10.3.0.1"), False),
    (flow(opaque=True), False),
])
def test_ports_and_protocol_must_match(what, expected):
    assert bool(list(database(HTTP).outbound(what))) is expected


def test_opaque_selector_takes_only_hidden_ports():
    found = database(policy("10.2.0.0/16", 6, (65535, 0)))
    assert list(found.outbound(flow(opaque=True)))
    assert not list(found.outbound(flow()))


ECHO, REPLY = (0x0800, 0x08FF), (0, 0xFF)


@pytest.mark.parametrize(("ours", "theirs", "kind", "expected"), [
    (ECHO, ECHO, 8, True), (ECHO, REPLY, 8, True), (ECHO, REPLY, 0, False),
    (ECHO, (65535, 0), 8, True), ((65535, 0), ECHO, 8, False),
])
def test_icmp_types_are_what_the_source_may_send(ours, theirs, kind, expected):
    near, far = TrafficSelector.of("10.1.0.0/16", 1, ours), TrafficSelector.of("10.2.0.0/16", 1, theirs)
    ping = Flow(ip_address("10.1.0.1"), ip_address("10.2.0.1"), 1, kind << 8, kind << 8)
    assert bool(list(database(Policy(True, near, far, Action.PASS)).outbound(ping))) is expected


def test_fragments_are_wanted_whole_where_ports_or_the_mode_ask_for_it():
    assert not database(WIDE, TCP).any_whole
    found = database(WIDE, HTTP)
    assert found.wants_whole(flow(protocol=17, opaque=True))
    assert not found.wants_whole(flow("10.3.0.1", opaque=True))
    found.remove(HTTP)
    assert not found.any_whole
    assert database(policy("10.2.0.0/16", whole=True)).wants_whole(flow(opaque=True))


def test_selectors_of_two_families_or_protocols_match_nothing():
    tcp, udp = TrafficSelector.of("10.1.0.0/16", 6), TrafficSelector.of("10.2.0.0/16", 17)
    odd = Policy(True, tcp, udp, Action.PASS)
    assert not list(database(odd).outbound(flow()))


def test_directions_are_apart():
    source, destination = TrafficSelector.of("10.1.0.0/16"), TrafficSelector.of("10.2.0.0/16")
    inbound = Policy(False, source, destination, Action.PROTECT)
    assert not list(database(inbound).outbound(flow()))
    assert list(database(inbound).inbound(flow())) == [inbound]


def test_removal_among_many_takes_the_right_one() -> None:
    many = [policy(f"10.{n}.0.0/16") for n in range(200)]
    found = database(*many)
    assert found.remove(many[77])
    assert not found.remove(many[77])
    assert list(found) == [one for one in reversed(many) if one is not many[77]]
