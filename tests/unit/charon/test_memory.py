"""What the daemon holds."""

import tracemalloc

from cygnet.charon.memory import Holdings, process, python


def test_sections_stand_in_order_and_are_asked_at_the_moment() -> None:
    table: list[int] = []
    holdings = Holdings({"IKE_SAs": lambda: len(table)}, lambda: {"timers": 7}, lambda: {"jobs dropped": 3})
    table.append(1)
    sections = dict(holdings.memory())
    assert list(sections) == [
        "Process", "Python", "Tables (entries)", "Queues (waiting)", "Counters (dropped, refused, ignored)",
    ]  # fmt: skip
    assert sections["Tables (entries)"] == [("IKE_SAs", "1")]
    assert sections["Queues (waiting)"] == [("timers", "7")]
    assert sections["Counters (dropped, refused, ignored)"] == [("jobs dropped", "3")]


def test_process_is_measured() -> None:
    rows = dict(process())
    assert int(rows["resident set, KiB"]) > 1000
    assert int(rows["threads"]) >= 1
    assert int(rows["open descriptors"]) >= 3


def test_python_says_whether_it_traces() -> None:
    assert dict(python())["tracemalloc"] == "off"
    tracemalloc.start()
    try:
        assert int(dict(python())["traced octets at most"]) > 0
    finally:
        tracemalloc.stop()
