from concurrent.futures import ThreadPoolExecutor

from cygnet.runtime.counters import Counters


def test_many_threads_lose_no_count() -> None:
    counters = Counters()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: [counters.add("a") for _ in range(1000)], range(8)))
    assert counters["a"] == 8000


def test_snapshot_names_what_was_counted() -> None:
    counters = Counters()
    counters.add("b", 2)
    counters.add("a")
    assert (counters.snapshot(), counters["c"]) == ({"a": 1, "b": 2}, 0)
