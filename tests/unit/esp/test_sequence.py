"""Replay windows and extended sequence numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.esp.sequence import ReplayWindow

HALF = 1 << 32


def accept_all(window: ReplayWindow, numbers: list[int]) -> list[bool]:
    verdicts = []
    for number in numbers:
        verdicts.append(window.is_new(number))
        if verdicts[-1]:
            window.accept(number)
    return verdicts


def model(size: int, numbers: list[int]) -> list[bool]:
    """The definition: not seen, not 0, not more than the window left of the highest seen."""
    seen: set[int] = set()
    verdicts = []
    for number in numbers:
        top = max(seen, default=0)
        fresh = number > 0 and number not in seen and number > top - size
        verdicts.append(fresh)
        if fresh:
            seen.add(number)
    return verdicts


NUMBERS = st.lists(st.integers(0, 400) | st.integers(0, 20000), max_size=200)


@given(st.sampled_from([32, 64, 100, 4096]), NUMBERS)
def test_window_agrees_with_the_definition(size, numbers):
    assert accept_all(ReplayWindow(size), numbers) == model(size, numbers)


def test_window_of_zero_accepts_replays():
    assert accept_all(ReplayWindow(0), [5, 5, 1]) == [True, True, True]


def test_window_edge_is_exact():
    window = ReplayWindow(64)
    window.accept(100)
    assert not window.is_new(36)
    assert window.is_new(37)


@given(st.integers(1, 5 * HALF), st.integers(-60, 1 << 20), st.sampled_from([64, 1024]))
def test_extended_number_near_the_top_is_inferred_exactly(top, ahead, size):
    window = ReplayWindow(size, extended=True)
    window.accept(top)
    number = top + ahead
    if number > 0:
        assert window.infer(number % HALF) == number


def test_number_before_the_first_is_no_number():
    window = ReplayWindow(64, extended=True)
    window.accept(10)
    assert window.infer(HALF - 5) == -1
    assert not window.is_new(-1)


@pytest.mark.parametrize(("top", "low", "expected"), [
    (HALF - 10, 3, HALF + 3),
    (HALF + 3, HALF - 1, HALF - 1),
    (3 * HALF + 1000, 990, 3 * HALF + 990),
    (3 * HALF + 1000, 900, 4 * HALF + 900),
])
def test_both_cases_of_appendix_a2(top, low, expected):
    window = ReplayWindow(64, extended=True)
    window.accept(top)
    assert window.infer(low) == expected


def test_extended_numbers_end_with_64_bits():
    window = ReplayWindow(64, extended=True)
    window.accept((1 << 64) - 1)
    assert window.infer(5) == -1
