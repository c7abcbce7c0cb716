"""The loop: handlers, timers, and what it tells handlers of the round."""

import os
from collections.abc import Iterator

import pytest

from cygnet.espd.loop import READ, Loop


class End:
    """A pipe's end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop(lambda text: None)
    yield made
    made.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_handler_is_told_when_its_round_began(loop: Loop, pipe: tuple[int, int]) -> None:
    began, rounds = loop.now(), list[float]()

    def handler(_: int) -> None:
        os.read(pipe[0], 1)
        rounds.append(loop.round_at)
        loop.stop()

    loop.watch(End(pipe[0]), READ, handler)
    os.write(pipe[1], b"x")
    loop.run()
    assert began <= rounds[0] <= loop.now()


def test_round_that_follows_a_sleep_is_rested(loop: Loop) -> None:
    rested: list[bool] = []
    loop.at(loop.now() + 0.01, lambda: rested.append(loop.rested))
    loop.at(loop.now() + 0.01, loop.stop)
    loop.run()
    assert rested == [True]


def test_failing_handler_is_logged_and_the_loop_goes_on(pipe: tuple[int, int]) -> None:
    lines: list[str] = []
    loop = Loop(lines.append)

    def handler(_: int) -> None:
        loop.forget(End(pipe[0]))
        loop.at(loop.now(), loop.stop)
        raise ValueError("no")

    loop.watch(End(pipe[0]), READ, handler)
    os.write(pipe[1], b"x")
    loop.run()
    loop.close()
    assert "ValueError: no" in lines[0]
