"""How much is read of a descriptor at a time."""

from cygnet.espd.appetite import Appetite


def read(appetite: Appetite, rested: bool, waiting: int) -> int:
    """How much is read of what waits."""
    limit = appetite.limit(rested)
    appetite.had(min(limit, waiting))
    return limit


def test_after_a_rest_one_is_read_where_there_was_no_second_before():
    appetite = Appetite(64)
    assert [read(appetite, True, 1) for _ in range(4)] == [64, 1, 1, 1]


def test_several_are_read_together_where_several_came_before():
    appetite = Appetite(64)
    assert [read(appetite, True, 4) for _ in range(4)] == [64] * 4


def test_what_is_left_is_read_at_once_and_several_are_expected_then():
    appetite = Appetite(64)
    read(appetite, True, 1)
    assert read(appetite, True, 5) == 1
    assert read(appetite, False, 4) == 64
    assert read(appetite, True, 5) == 64


def test_without_a_rest_as_much_as_may_be_is_read():
    appetite = Appetite(8)
    assert [read(appetite, False, 100) for _ in range(3)] == [8, 8, 8]


def test_work_elsewhere_leaves_it_as_it_is():
    appetite = Appetite(64)
    read(appetite, True, 1)
    assert read(appetite, False, 0) == 64
    assert read(appetite, True, 1) == 1
