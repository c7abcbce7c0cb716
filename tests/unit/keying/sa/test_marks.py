"""Marks of CHILD_SAs: as configured, or made for each."""

from itertools import count

import pytest

from cygnet.kernel.port import Mark
from cygnet.keying.config.records import ChildConfig, UniqueMark
from cygnet.keying.sa.marks import Marks, kept, marks_of


class Source:
    def __init__(self) -> None:
        self._numbers = count(7)

    def mark(self) -> int:
        return next(self._numbers)


@pytest.mark.parametrize(
    ("into", "out", "expected"),
    [
        (None, None, Marks()),
        (Mark(1), Mark(2, 15), Marks(Mark(1), Mark(2, 15))),
        (UniqueMark(), UniqueMark(), Marks(Mark(7), Mark(7))),
        (UniqueMark(), Mark(1), Marks(Mark(7), Mark(1))),
        (UniqueMark(per_direction=True), UniqueMark(per_direction=True), Marks(Mark(7), Mark(8))),
        (UniqueMark(4), UniqueMark(3), Marks(Mark(4, 4), Mark(3, 3))),
    ],
)
def test_marks(into: Mark | UniqueMark | None, out: Mark | UniqueMark | None, expected: Marks) -> None:
    assert marks_of(ChildConfig("net", (), (), mark_in=into, mark_out=out), Source()) == expected


def test_nothing_is_used_up_where_nothing_is_unique() -> None:
    source = Source()
    marks_of(ChildConfig("net", (), (), mark_in=Mark(1)), source)
    assert source.mark() == 7


@pytest.mark.parametrize(
    ("into", "out", "old", "is_kept"),
    [
        (UniqueMark(), UniqueMark(), Marks(Mark(7), Mark(7)), True),
        (UniqueMark(), Mark(1), Marks(Mark(7), Mark(1)), True),
        (UniqueMark(), Mark(2), Marks(Mark(7), Mark(1)), False),
        (UniqueMark(15), None, Marks(Mark(7)), False),
        (UniqueMark(), None, Marks(), False),
        (Mark(1), None, Marks(), False),
        (UniqueMark(), UniqueMark(), None, False),
    ],
)
def test_marks_of_an_earlier_child_sa_are_kept_while_the_configuration_allows(
    into: Mark | UniqueMark | None, out: Mark | UniqueMark | None, old: Marks | None, is_kept: bool
) -> None:
    found = kept(ChildConfig("net", (), (), mark_in=into, mark_out=out), old)
    assert found == (old if is_kept else None)
