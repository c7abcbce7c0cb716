from concurrent.futures import ThreadPoolExecutor

from cygnet.runtime.counters import Counters, CounterTable


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


def test_table_counts_by_key_and_column() -> None:
    table = CounterTable(("in", "out"), limit=10)
    table.add("out", "net")
    table.add("out", "net")
    table.add("in", "lan")
    table.add("in")
    assert table.names() == ("net", "lan")
    assert table.row("net") == {"in": 0, "out": 2}
    assert table.row("nosuch") is None


def test_table_has_a_limit_of_keys() -> None:
    table = CounterTable(("in",), limit=1)
    table.add("in", "net")
    table.add("in", "lan")
    table.add("in", "net")
    assert table.names() == ("net",)
    assert table.row("net") == {"in": 2}
    assert table.refused == 1


def test_table_forgets_one_key_or_all() -> None:
    table = CounterTable(("in",), limit=10)
    for key in ("a", "b", "c"):
        table.add("in", key)
    table.reset("b")
    table.reset("nosuch")
    assert table.names() == ("a", "c")
    table.reset()
    assert table.names() == ()


def test_table_loses_no_count_of_many_threads() -> None:
    table = CounterTable(("in", "out"), limit=10)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: [table.add("out", "net") for _ in range(1000)], range(8)))
    assert table.row("net") == {"in": 0, "out": 8000}
