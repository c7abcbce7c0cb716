"""When handshakes may begin."""

from cygnet.loadtest.pace import Pace


def test_without_a_rate_only_concurrency_limits() -> None:
    pace = Pace(2, 0)
    pace.start(100.0)
    assert pace.due(0, 100.0) == 100.0
    assert pace.due(1, 100.5) == 100.5
    assert pace.due(2, 101.0) is None
    assert pace.wait_s(2, 101.0, 0.2) == 0.2


def test_rate_fixes_when_each_is_due() -> None:
    pace = Pace(10, 4)
    pace.start(100.0)
    assert pace.due(0, 100.0) == 100.0
    assert pace.due(0, 100.2) is None
    assert pace.wait_s(0, 100.2, 1.0) == 100.25 - 100.2
    assert pace.due(0, 100.25) == 100.25


def test_latecomers_are_due_since_their_time() -> None:
    pace = Pace(1, 4)
    pace.start(100.0)
    pace.due(0, 100.0)
    assert pace.due(1, 101.0) is None
    assert [pace.due(0, 101.0) for _ in range(5)] == [100.25, 100.5, 100.75, 101.0, None]
