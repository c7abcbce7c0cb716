"""Records that are frozen for mypy."""

from dataclasses import fields, replace

import pytest

from cygnet.base.records import record


@record
class Point:
    x: int
    y: int = 0


def test_records_are_compared_and_hashed_by_their_fields() -> None:
    assert Point(1) == Point(1, 0) != Point(1, 1)
    assert len({Point(1), Point(1, 0), Point(2)}) == 2
    assert replace(Point(1), y=5) == Point(1, 5)
    assert [field.name for field in fields(Point(1))] == ["x", "y"]


def test_records_have_no_room_for_more() -> None:
    with pytest.raises(AttributeError):
        Point(1).z = 3  # type: ignore[attr-defined]
