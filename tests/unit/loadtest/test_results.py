"""Outcomes: percentiles, sums, limits."""

import json

from cygnet.loadtest.report import json_line, outcome_lines, progress_line
from cygnet.loadtest.results import MAX_REASONS, OTHER, Result


def result(*latencies: float, failed: int = 0) -> Result:
    made = Result(started=len(latencies) + failed, established=len(latencies), busy_s=2.0, cpu_s=0.5)
    made.latencies_s.extend(latencies)
    for _ in range(failed):
        made.fail("peer not responding")
    return made


def test_percentiles_are_latencies_that_occurred() -> None:
    hundred = result(*[float(n) for n in range(100, 0, -1)])
    assert hundred.percentiles_s() == {50: 50, 90: 90, 99: 99, 100: 100}
    assert result(0.5).percentiles_s() == {50: 0.5, 90: 0.5, 99: 0.5, 100: 0.5}
    assert result().percentiles_s() == {}


def test_results_of_processes_add_up_but_the_time_they_took_together() -> None:
    total = result(1.0, 2.0, failed=1)
    other = result(3.0)
    other.busy_s = 5.0
    total.add(other)
    assert (total.started, total.established, total.failed.total()) == (4, 3, 1)
    assert (total.busy_s, total.cpu_s, list(total.latencies_s)) == (5.0, 1.0, [1.0, 2.0, 3.0])


def test_only_success_of_all_is_ok() -> None:
    assert result(1.0).ok
    assert not result(1.0, failed=1).ok
    under_way = result(1.0)
    under_way.started += 1
    assert not under_way.ok
    lost = result(1.0)
    lost.lose("deleted by the peer")
    assert not lost.ok


def test_reasons_told_apart_are_limited() -> None:
    made = Result()
    for number in range(100):
        made.fail(f"reason {number}")
    assert len(made.failed) == MAX_REASONS + 1
    assert made.failed.total() == 100
    assert made.failed[OTHER] == 100 - MAX_REASONS


def test_outcome_for_people_has_rate_latencies_and_reasons() -> None:
    text = "\n".join(outcome_lines(result(0.010, 0.020, failed=3), "192.0.2.2"))
    assert "5 handshakes with 192.0.2.2 in 2.00 s: 2 established, 3 failed" in text
    assert "1.0 handshakes/s, 250.00 ms of CPU time each" in text
    assert "median 10.0 ms, 90% 20.0 ms, 99% 20.0 ms, max 20.0 ms" in text
    assert "failed 3 times: peer not responding" in text


def test_outcome_without_any_success_has_no_latencies() -> None:
    assert "latency" not in "\n".join(outcome_lines(result(failed=1), "192.0.2.2"))


def test_progress_is_one_line() -> None:
    assert progress_line(result(1.0, failed=1), 10, 3.2, 401.4) == (
        "   3 s: 1 of 10 established, 1 failed, 0 under way, 401/s"
    )


def test_json_has_everything() -> None:
    fields = json.loads(json_line("result", result(0.25, failed=2)))
    assert fields["event"] == "result"
    assert fields["failed"] == {"peer not responding": 2}
    assert fields["latency_s"] == {"50": 0.25, "90": 0.25, "99": 0.25, "100": 0.25}
    assert (fields["started"], fields["established"], fields["rate"]) == (3, 1, 0.5)
