"""What becomes of the effects of SAs: who gets to know of an event, and in what order."""

from typing import Any

import pytest

from cygnet.base.addresses import Host
from cygnet.base.effects import Announce, Counted, Effect, Log, MessageSeen, Schedule, Send
from cygnet.base.groups import Group, Level
from cygnet.runtime.counters import Counters
from cygnet.runtime.network.datagrams import Datagram
from cygnet.runtime.performer import EffectPerformer
from cygnet.runtime.queues.events import EventQueue

HERE, THERE = Host.of("192.0.2.1", 500), Host.of("192.0.2.2", 500)


class Bus:
    """Keeps what it is told; wants log lines of level 1."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def wants(self, group: Group, level: int) -> bool:
        return level <= 1

    def publish_all(self, events: list[Any]) -> None:
        self.told += events

    def log(self, group: Group, level: int, text: str) -> None:
        self.told.append(Log(group, level, text))


class Sends:
    """Takes datagrams."""

    def __init__(self) -> None:
        self.sent: list[Datagram] = []

    def put(self, datagram: Datagram) -> None:
        self.sent.append(datagram)


class Bench:
    """A performer at a given time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.bus, self.sends, self.counters = Bus(), Sends(), Counters()
        self.events = EventQueue(lambda: self.now, 10, self.counters)
        self.performer = EffectPerformer(
            self.sends, self.events, self.bus, self.counters, lambda: self.now
        )


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_datagram_goes_to_the_sender(bench: Bench) -> None:
    bench.performer.send(Send(HERE, THERE, b"hello", 10))
    assert [(one.source, one.destination, one.data) for one in bench.sends.sent] == [(HERE, THERE, b"hello")]


def test_datagram_that_is_to_lie_for_a_while_is_sent_then(bench: Bench) -> None:
    bench.performer.send(Send(HERE, THERE, b"farewell", delay_s=0.1))
    assert not bench.sends.sent
    bench.now += 0.1
    due = bench.events.take()
    assert due is not None
    due()
    assert [one.data for one in bench.sends.sent] == [b"farewell"]


def test_timer_comes_back_with_its_sa(bench: Bench) -> None:
    seen: list[tuple[int, str]] = []

    def expire(number: int, timer: str) -> bool:
        seen.append((number, timer))
        return True

    bench.performer.expire = expire
    bench.performer.schedule(7, Schedule(5.0, "dpd"))
    bench.now += 5
    due = bench.events.take()
    assert due is not None
    due()
    assert seen == [(7, "dpd")]


def test_events_are_reacted_to_before_the_bus_has_them(bench: Bench) -> None:
    bench.performer.react = lambda event: bench.bus.told.append(f"reaction to {event}")
    bench.performer.announce_all(("up", "down"), "home|1")
    assert bench.bus.told == ["reaction to up", "reaction to down", "up", "down"]


def test_log_lines_bear_the_name_of_their_sa_and_unwanted_ones_are_dropped(bench: Bench) -> None:
    lines = Log(Group.IKE, 1, "hello"), Log(Group.IKE, 2, "detail"), Log(Group.IKE, 1, "own", "other|2")
    bench.performer.announce_all(lines, "home|1")
    assert bench.bus.told == [Log(Group.IKE, 1, "hello", "home|1"), Log(Group.IKE, 1, "own", "other|2")]


def test_what_is_only_counted_reaches_neither_bus_nor_reactions(bench: Bench) -> None:
    reacted: list[Any] = []
    counted: list[Any] = []
    bench.performer.react, bench.performer.count = reacted.append, counted.append
    seen = MessageSeen("home", 34, True, False)
    bench.performer.announce_all((Counted("dropped"), seen), "home|1")
    assert bench.counters.snapshot()["dropped"] == 1
    assert counted == [Counted("dropped"), seen]
    assert not reacted and not bench.bus.told


def test_failing_reaction_is_logged_and_the_others_follow(bench: Bench) -> None:
    def react(event: str) -> None:
        if event == "bad":
            raise ZeroDivisionError("oops")
        bench.bus.told.append(f"reaction to {event}")

    bench.performer.react = react
    bench.performer.announce_all(("bad", "good"), "home|1")
    reaction, complaint, bad, good = bench.bus.told
    assert (reaction, bad, good) == ("reaction to good", "bad", "good")
    assert (complaint.group, complaint.level, complaint.sa) == (Group.MGR, Level.AUDIT, "home|1")
    assert "oops" in complaint.text


class Sa:
    """One that tells of its end when it is abandoned."""

    unique_id = 7

    def abandon(self, now: float) -> list[Effect]:
        return [Send(HERE, THERE, b"never sent"), Announce(f"abandoned at {now}")]


def test_sa_that_failed_gives_back_what_it_holds_without_a_message(bench: Bench) -> None:
    gone: list[Any] = []
    bench.performer.gone = gone.append
    bench.performer.name = lambda sa: f"IKE_SA home[{sa.unique_id}]"
    bench.performer.retired(Sa(), "a bug", ValueError())
    log, event = bench.bus.told
    assert log.text == "IKE_SA home[7] given up: a bug"
    assert event == "abandoned at 100.0"
    assert [one.unique_id for one in gone] == [7] and not bench.sends.sent


def test_sa_that_came_to_its_end_is_only_forgotten(bench: Bench) -> None:
    gone: list[Any] = []
    bench.performer.gone = gone.append
    bench.performer.retired(Sa(), "closed", None)
    assert [one.unique_id for one in gone] == [7] and not bench.bus.told
