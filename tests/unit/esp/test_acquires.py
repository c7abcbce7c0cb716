"""Acquires: asked once, packets held in small numbers, all of it forgotten when it should be."""

from ipaddress import ip_address

from cygnet.base.selectors import TrafficSelector
from cygnet.esp.acquires import ACQUIRE_S, MAX_ACQUIRES, MAX_HELD, RETRY_S, Acquires
from cygnet.esp.flows import Flow
from cygnet.esp.records import Action, Policy

NET = TrafficSelector.of("10.0.0.0/8")
PEER = ip_address("192.0.2.2")
TRAP = Policy(True, NET, NET, Action.PROTECT, 1, trap=True, outer_destination=PEER, mark=(1, 3))


def flow(last: int = 1) -> Flow:
    return Flow(ip_address("10.1.0.1"), ip_address((10 << 24) + last), 17, 1, 2)


def test_one_asks_until_it_has_taken_too_long():
    acquires = Acquires()
    asked = [acquires.begin(TRAP, flow(n), at) for n, at in enumerate((0, 1, ACQUIRE_S - 1, ACQUIRE_S))]
    assert asked == [True, False, False, True]


def test_packets_are_held_in_order_and_up_to_a_limit():
    acquires = Acquires()
    acquires.begin(TRAP, flow(), 0.0)
    packets = [bytes((n,)) for n in range(MAX_HELD + 1)]
    assert [acquires.hold(TRAP, flow(), one) for one in packets] == [True] * MAX_HELD + [False]
    assert not list(acquires.ready(lambda packet, mark: False))
    assert list(acquires.ready(lambda packet, mark: packet == b"\2" and mark == (1, 3))) == [
        (packets[:-1], (1, 3))]
    assert acquires.begin(TRAP, flow(), 1.0)


def test_forgotten_ones_are_asked_for_again():
    acquires = Acquires()
    acquires.begin(TRAP, flow(), 0.0)
    acquires.forget(lambda policy: policy.reqid == 2)
    assert not acquires.begin(TRAP, flow(), 1.0)
    acquires.forget(lambda policy: policy.reqid == 1)
    assert acquires.begin(TRAP, flow(), 1.0)


def test_there_are_never_too_many():
    anyone = Policy(True, NET, NET, Action.PROTECT, 1, trap=True)
    acquires = Acquires()
    assert all(acquires.begin(anyone, flow(n), 0.0) for n in range(MAX_ACQUIRES + 1))
    assert acquires.begin(anyone, flow(0), 0.0)
    assert not acquires.begin(anyone, flow(MAX_ACQUIRES), 0.0)


def test_after_a_failure_packets_ask_again_soon_but_not_at_once():
    acquires = Acquires()
    acquires.begin(TRAP, flow(), 0.0)
    acquires.failed(lambda policy: policy.reqid == 2, 1.0)
    acquires.failed(lambda policy: policy.reqid == 1, 10.0)
    acquires.failed(lambda policy: policy.reqid == 1, 11.0)
    times = (10.0, 10.0 + RETRY_S - 0.1, 10.0 + RETRY_S)
    assert [acquires.begin(TRAP, flow(), at) for at in times] == [False, False, True]
