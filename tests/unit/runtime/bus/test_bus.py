import threading
from queue import SimpleQueue
from typing import Any

import pytest

from cygnet.base.effects import Log
from cygnet.base.groups import Group
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.bus.ratelimit import RateLimitedLog
from cygnet.runtime.bus.records import Levels, Record
from cygnet.runtime.counters import Counters


class Collector:
    def __init__(self, name: str = "collector") -> None:
        self.name = name
        self.records: SimpleQueue[Record] = SimpleQueue()
        self.closed = threading.Event()

    def handle(self, record: Record) -> None:
        if record.event == "bad":
            raise RuntimeError("bug")
        self.records.put(record)

    def idle(self) -> None: ...

    def close(self) -> None:
        self.closed.set()

    def next(self) -> Any:
        return self.records.get(timeout=5).event


class Stuck(Collector):
    """A listener that blocks until it is let go."""

    def __init__(self) -> None:
        super().__init__("stuck")
        self.entered, self.release = threading.Event(), threading.Event()

    def handle(self, record: Record) -> None:
        self.entered.set()
        assert self.release.wait(10)
        super().handle(record)


def is_text(event: Any) -> bool:
    return isinstance(event, str)


def test_listener_gets_the_lines_within_its_levels_with_time_and_thread() -> None:
    bus, listener = Bus(wall=lambda: 12.5), Collector()
    bus.listen(listener, levels=Levels(1, {Group.IKE: 2}))
    bus.log(Group.IKE, 2, "a", "net|1")
    bus.log(Group.NET, 2, "no")
    bus.log(Group.NET, 1, "b")
    assert listener.records.get(timeout=5) == Record(Log(Group.IKE, 2, "a", "net|1"), 12.5, 0)
    assert listener.next() == Log(Group.NET, 1, "b")
    assert bus.close(5)
    assert listener.closed.is_set() and listener.records.empty()


def test_bus_knows_which_levels_nobody_wants() -> None:
    bus, listener = Bus(), Collector()
    assert not bus.wants(Group.IKE, 0)
    bus.listen(listener, levels=Levels(1))
    assert bus.wants(Group.IKE, 1) and not bus.wants(Group.IKE, 2)
    with bus.subscribe(levels=Levels(3)):
        assert bus.wants(Group.IKE, 3)
    assert not bus.wants(Group.IKE, 2)
    bus.set_level(Group.ENC, 3)
    assert bus.wants(Group.ENC, 3) and not bus.wants(Group.IKE, 2)
    bus.set_level(None, -1)
    assert not bus.wants(Group.ENC, 0)
    assert bus.close(5)


def test_stuck_listener_blocks_neither_publisher_nor_others_and_is_counted() -> None:
    counters = Counters()
    bus, stuck, listener = Bus(counters), Stuck(), Collector()
    bus.listen(stuck, events=is_text, limit=2)
    bus.listen(listener, events=is_text)
    bus.publish("0")
    assert stuck.entered.wait(5)
    for number in range(1, 6):
        bus.publish(str(number))
    assert [listener.next() for _ in range(6)] == list("012345")
    assert counters["bus stuck dropped"] == 3
    assert not bus.close(0)
    stuck.release.set()
    assert stuck.closed.wait(5)
    assert [stuck.next() for _ in range(3)] == list("012")


def test_listener_that_fails_goes_on_with_the_next_record() -> None:
    counters = Counters()
    bus, listener = Bus(counters), Collector()
    bus.listen(listener, events=is_text)
    bus.publish("bad")
    bus.publish("good")
    assert listener.next() == "good"
    assert counters["bus collector failed"] == 1
    assert bus.close(5)


def test_several_events_stay_together_and_in_order() -> None:
    bus = Bus()
    with bus.subscribe(levels=Levels(1)) as subscription:
        bus.publish_all(["a", Log(Group.IKE, 1, "b"), Log(Group.IKE, 2, "too much"), "c"])
        records = [subscription.next(5) for _ in range(3)]
        assert subscription.next(0) is None
    first, second, third = (record.event for record in records if record is not None)
    assert (first, second.text, third) == ("a", "b", "c")
    assert len({record.at for record in records if record is not None}) == 1


def test_subscription_gets_what_it_asked_for_until_it_ends() -> None:
    bus = Bus()
    with bus.subscribe(lambda event: event != "no") as subscription:
        bus.publish("no")
        bus.publish("yes")
        record = subscription.next(5)
        assert record is not None and record.event == "yes"
        assert subscription.next(0) is None
        assert subscription.next_until(0.0) is None
    bus.publish("late")
    assert subscription.next() is None


def test_subscription_for_one_sa_sees_its_lines_only() -> None:
    bus = Bus()

    def mine(event: Any) -> bool:
        return isinstance(event, Log) and event.sa == "net|1"

    with bus.subscribe(mine, levels=Levels(1)) as subscription:
        for level, name in ((1, "net|2"), (2, "net|1"), (1, "net|1")):
            bus.log(Group.IKE, level, f"{level} {name}", name)
        record = subscription.next(5)
        assert record is not None and record.event.text == "1 net|1"
        assert subscription.next(0) is None


def test_full_subscription_drops_and_counts() -> None:
    bus = Bus()
    with bus.subscribe(limit=1) as subscription:
        bus.publish("a")
        bus.publish("b")
        assert subscription.dropped == 1


def test_closing_wakes_a_subscriber() -> None:
    subscription = Bus().subscribe()
    got: list[object] = []
    waiting = threading.Thread(target=lambda: got.append(subscription.next()))
    waiting.start()
    subscription.close()
    waiting.join(5)
    assert got == [None]


def test_predicate_that_fails_harms_nobody() -> None:
    counters = Counters()
    bus = Bus(counters)
    with bus.subscribe(lambda event: event.nonsense), bus.subscribe(is_text) as good:
        bus.publish("a")
        record = good.next(5)
        assert record is not None and record.event == "a"
    assert counters["bus predicates failed"] == 1


@pytest.mark.parametrize("text", ["x", lambda: "x"])
def test_hostile_packets_make_one_line_a_second_and_kind(text: Any) -> None:
    now = [0.0]
    bus = Bus()
    log = RateLimitedLog(bus, lambda: now[0])
    with bus.subscribe(levels=Levels(1)) as subscription:
        for _ in range(1000):
            log.log("short", Group.NET, 1, text)
        log.log("version", Group.NET, 1, "other")
        now[0] = 1.0
        log.log("short", Group.NET, 1, text)
        log.log("detail", Group.NET, 2, "nobody wants it")
        records = [subscription.next(0) for _ in range(4)]
    texts = [record and record.event.text for record in records]
    assert texts == ["x", "other", "x (999 more suppressed)", None]
