"""Policies shared by their users."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.xfrm.table import PolicyTable, priority_of
from cygnet.kernel.port import Direction, KernelError, Mark, Mode, PolicySpec

MOON, SUN = ip_address("192.0.2.1"), ip_address("192.0.2.2")
LAN, PEER = TrafficSelector.of("10.1.0.0/24"), TrafficSelector.of("10.2.0.0/24")
CHILD = PolicySpec(Direction.OUT, LAN, PEER, Mode.TUNNEL, 1, MOON, SUN)
TRAP = replace(CHILD, trap=True)


def test_first_use_is_fresh_and_later_ones_change_nothing():
    table = PolicyTable()
    (change,) = table.add(CHILD)
    assert (change.spec, change.fresh) == (CHILD, True)
    assert table.add(CHILD) == []
    assert table.remove(CHILD) == []
    (change,) = table.remove(CHILD)
    assert change.spec is None


def test_child_sa_stands_before_the_trap_with_its_selectors_and_gives_way_to_it():
    table = PolicyTable()
    (first,) = table.add(TRAP)
    (second,) = table.add(CHILD)
    assert (second.spec, second.fresh, second.number) == (CHILD, False, first.number)
    (third,) = table.remove(CHILD)
    assert (third.spec, third.fresh) == (TRAP, False)
    assert table.add(CHILD)[0].spec == CHILD
    assert table.remove(TRAP) == []


def test_newest_of_equals_wins():
    table, second = PolicyTable(), replace(CHILD, reqid=2)
    table.add(CHILD)
    assert table.add(second)[0].spec == second
    assert table.add(CHILD) == []
    assert table.remove(second)[0].spec == CHILD


def test_marks_interfaces_and_directions_are_entries_of_their_own():
    table = PolicyTable()
    others = [
        replace(CHILD, mark=Mark(1)), replace(CHILD, if_id=1), replace(CHILD, direction=Direction.FORWARD),
    ]  # fmt: skip
    assert all(table.add(spec)[0].fresh for spec in (CHILD, *others))


def test_range_is_several_entries_which_come_and_go_together():
    table, ranged = PolicyTable(), replace(CHILD, destination=TrafficSelector.of("10.2.0.0-10.2.0.2"))
    changes = table.add(ranged)
    assert len({change.number for change in changes}) == len(changes) == 2
    assert [change.spec for change in table.remove(ranged)] == [None, None]
    assert table.expected() == []


def test_entry_shared_by_a_range_and_a_prefix_stays_for_the_other():
    table = PolicyTable()
    ranged = replace(CHILD, destination=TrafficSelector.of("10.2.0.0-10.2.0.2"))
    prefix = replace(CHILD, destination=TrafficSelector.of("10.2.0.2"))
    table.add(ranged)
    table.add(prefix)
    assert {change.spec for change in table.remove(ranged)} == {None}
    assert [change.spec for change in table.expected()] == [prefix]


def test_removing_what_is_not_there_is_refused():
    with pytest.raises(KernelError, match="no policy"):
        PolicyTable().remove(CHILD)


def test_moved_policy_keeps_its_uses():
    table, moved = PolicyTable(), replace(CHILD, outer_source=ip_address("192.0.2.9"))
    table.add(CHILD)
    table.add(CHILD)
    table.replace(CHILD, moved)
    assert [change.spec for change in table.expected()] == [moved]
    assert table.remove(moved) == []
    assert table.remove(moved)[0].spec is None


def test_policies_that_name_an_sa_are_found():
    table, named = PolicyTable(), replace(CHILD, next_spi=0xC1)
    table.add(named)
    assert [change.spec for change in table.without_spi(0xC1)] == [named]
    assert table.without_spi(0xC2) == []


@pytest.mark.parametrize(
    ("spec", "priority"),
    [
        (TRAP, 375424),
        (CHILD, 375423),
        (replace(CHILD, action=Mode.PASS), 175423),
        (replace(CHILD, action=Mode.DROP), 575423),
        (
            replace(
                CHILD,
                source=TrafficSelector.of("10.1.0.0/24", 6),
                destination=TrafficSelector.of("10.2.0.0/24", 6, (80, 80)),
            ),
            375103,
        ),
        (replace(CHILD, priority=17), 17),
    ],
)
def test_priorities_are_charon_s(spec, priority):
    assert priority_of(spec) == priority


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=40))
def test_entries_always_hold_the_best_of_their_users(steps):
    specs = [replace(base, reqid=reqid) for base in (CHILD, TRAP) for reqid in (1, 2, 3)]
    table, users, order = PolicyTable(), [], []
    for adding, number in steps:
        spec = specs[number]
        if adding:
            if spec not in users:
                order.append(spec)
            users.append(spec)
            table.add(spec)
        elif spec in users:
            users.remove(spec)
            if spec not in users:
                order.remove(spec)
            table.remove(spec)
        best = min(reversed(order), key=lambda spec: spec.trap, default=None)
        assert [change.spec for change in table.expected()] == ([best] if best else [])
