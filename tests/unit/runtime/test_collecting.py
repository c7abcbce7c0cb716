"""The rhythm of the garbage collector."""

import gc
from collections.abc import Iterator

import pytest

from cygnet.runtime import collecting


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_is_there_is_left_alone_and_the_rest_looked_at_less_often() -> None:
    before = gc.get_threshold()
    collecting.settle()
    assert gc.get_freeze_count() > 1000
    assert all(now > was for now, was in zip(gc.get_threshold(), before, strict=True))
    assert gc.isenabled()
