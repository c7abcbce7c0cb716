"""``listcounters`` and ``resetcounters``, in the format of strongSwan's counters plugin."""

from collections.abc import Mapping, Sequence

import pytest

from cygnet.charon.control.counters import CountersHandler
from cygnet.ctl.stroke import Counters, Done


class Table:
    """Two counters of the daemon and of two connections."""

    def __init__(self) -> None:
        self.was_reset: list[str | None] = []

    def names(self) -> Sequence[str]:
        return ["net", "lan"]

    def of(self, name: str) -> Mapping[str, int] | None:
        if name in ("", "net", "lan"):
            return {"ikeInInvalidSpi": 0, "ikeOutCrChildReq": 1234567890123}
        return None

    def reset(self, name: str | None) -> None:
        self.was_reset.append(name)


def test_counters_of_the_daemon_stand_in_two_columns(reply) -> None:
    assert CountersHandler(Table())(Counters(), reply) == Done()
    assert reply.lines == [
        "",
        "List of IKE counters:",
        "",
        "ikeInInvalidSpi               0",
        "ikeOutCrChildReq   1234567890123",
    ]


@pytest.mark.parametrize(("name", "captions"), [("net", ["net"]), ("all", ["net", "lan"])])
def test_counters_of_connections_name_them(name: str, captions: list[str], reply) -> None:
    assert CountersHandler(Table())(Counters(name), reply) == Done()
    shown = [line for line in reply.lines if line.startswith("List")]
    assert shown == [f"List of IKE counters for '{each}':" for each in captions]


@pytest.mark.parametrize("reset", [False, True])
def test_connection_without_counters_exits_non_zero(reset: bool, reply) -> None:
    table = Table()
    assert CountersHandler(table)(Counters("x", reset), reply) == Done(1, "No IKE counters found for 'x'")
    assert reply.lines == ["No IKE counters found for 'x'"]
    assert table.was_reset == []


@pytest.mark.parametrize(("name", "reset"), [("", ""), ("net", "net"), ("all", None)])
def test_resetting_is_silent(name: str, reset: str | None, reply) -> None:
    table = Table()
    assert CountersHandler(table)(Counters(name, reset=True), reply) == Done()
    assert (table.was_reset, reply.lines) == ([reset], [])
