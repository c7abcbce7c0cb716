"""The manager, mostly without threads: a queue whose jobs the test runs itself."""

from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any

import pytest

from cygnet.base.addresses import Host
from cygnet.base.effects import Adopt, Announce, Effect, Log, Retire, Schedule, Send
from cygnet.base.groups import Group
from cygnet.runtime.counters import Counters
from cygnet.runtime.manager import BATCH, Manager, TooManyError
from cygnet.runtime.queues.jobs import JobQueue, Priority
from cygnet.runtime.sa_index import Keys

SOURCE = ip_address("192.0.2.1")
SEND = Send(Host.of("192.0.2.1", 500), Host.of("192.0.2.2", 500), b"x")


@dataclass
class Sa:
    unique_id: int
    name: str = "net"
    half_open: Any = None
    identities: Any = None
    kernel_spis: frozenset[int] = frozenset()
    next_spi: bytes = b""
    trace: list[Any] = field(default_factory=list)

    @property
    def spi_local(self) -> bytes:
        return self.unique_id.to_bytes(8, "big")

    def expire(self, timer: Any, now: float) -> list[Effect]:
        self.trace.append((timer, now))
        return []

    def begin(self, now: float) -> list[Effect]:
        self.trace.append("begun")
        return []

    def snapshot(self, now: float) -> Any:
        return Keys(self.name, self.identities, self.half_open, self.kernel_spis, self.next_spi)

    def note(self, item: Any, *effects: Effect) -> list[Effect]:
        self.trace.append(item)
        return list(effects)


class Performer:
    def __init__(self) -> None:
        self.done: list[Any] = []
        self.on_announce: Any = None

    def send(self, effect: Send) -> None:
        self.done.append(effect.data)

    def schedule(self, unique_id: int, effect: Schedule) -> None:
        self.done.append((unique_id, effect.timer))

    def announce(self, event: Any) -> None:
        if self.on_announce is not None:
            self.on_announce(event)
        self.done.append(event)

    def announce_all(self, events: Any, sa: str) -> None:
        for event in events:
            self.announce(replace(event, sa=sa) if isinstance(event, Log) else event)

    def retired(self, sa: Any, reason: str, error: BaseException | None) -> None:
        self.done.append(("retired", sa.unique_id, reason, type(error)))


class Bench:
    def __init__(self, job_limit: int = 1000, **limits: int) -> None:
        self.jobs = JobQueue(1, limit=job_limit)
        self.performer = Performer()
        self.counters = Counters()
        self.manager: Manager[Sa] = Manager(self.jobs, self.performer, lambda keys: keys, lambda: 42.0,
                                            self.counters, **limits)

    def sa(self, **kwargs: Any) -> Sa:
        sa = Sa(self.manager.next_unique_id(), **kwargs)
        self.manager.register(sa)
        return sa

    def post(self, sa: Sa, item: Any, *effects: Effect, priority: Priority = Priority.MEDIUM) -> bool:
        return self.manager.post(sa.unique_id, lambda sa: sa.note(item, *effects), priority, str(item))

    def run_one(self) -> None:
        job = self.jobs.take()
        assert job is not None
        job.execute()
        self.jobs.done(job)

    def run(self) -> int:
        count = 0
        while any(self.jobs.lengths()):
            self.run_one()
            count += 1
        return count


def test_work_is_done_in_the_order_posted_by_one_job() -> None:
    bench = Bench()
    sa = bench.sa()
    for item in range(5):
        assert bench.post(sa, item)
    assert bench.run() == 1
    assert sa.trace == [0, 1, 2, 3, 4]


def test_urgent_work_brings_earlier_work_forward_but_keeps_the_order() -> None:
    bench = Bench()
    slow, other = bench.sa(), bench.sa()
    bench.post(slow, "first", priority=Priority.LOW)
    bench.post(other, "other", priority=Priority.MEDIUM)
    bench.post(slow, "urgent", priority=Priority.HIGH)
    bench.run_one()
    assert (slow.trace, other.trace) == (["first", "urgent"], [])
    bench.run()
    assert (slow.trace, other.trace) == (["first", "urgent"], ["other"])


def test_busy_sa_lets_others_have_their_turn() -> None:
    bench = Bench()
    busy, other = bench.sa(), bench.sa()
    for item in range(BATCH + 2):
        bench.post(busy, item)
    bench.post(other, "turn")
    bench.run_one()
    assert busy.trace == list(range(BATCH))
    bench.run_one()
    assert other.trace == ["turn"]
    bench.run()
    assert busy.trace == list(range(BATCH + 2))


def test_worker_on_urgent_work_leaves_less_urgent_work_to_another_job() -> None:
    bench = Bench()
    sa = bench.sa()
    bench.post(sa, "urgent", priority=Priority.HIGH)
    bench.post(sa, "slow", priority=Priority.LOW)
    bench.run_one()
    assert sa.trace == ["urgent"]
    assert bench.jobs.lengths() == (0, 0, 0, 1)
    bench.run()
    assert sa.trace == ["urgent", "slow"]


def test_full_mailbox_refuses_and_timers_pass() -> None:
    bench = Bench(mailbox_limit=2)
    sa = bench.sa()
    assert [bench.post(sa, item) for item in range(3)] == [True, True, False]
    assert bench.counters["manager mailbox full"] == 1
    assert bench.manager.expire(sa.unique_id, "rekey")
    bench.run()
    assert sa.trace == [0, 1, ("rekey", 42.0)]


def test_full_job_queue_refuses_and_the_sa_can_be_reached_again() -> None:
    bench = Bench(job_limit=1)
    first, second = bench.sa(), bench.sa()
    assert bench.post(first, 1)
    assert not bench.post(second, 2)
    bench.run()
    assert bench.post(second, 3)
    bench.run()
    assert second.trace == [3]


def test_everybody_is_told_before_the_peer_can_answer_and_logs_get_the_name() -> None:
    bench = Bench()
    sa = bench.sa(name="home")
    bench.post(sa, 1, SEND, Schedule(1, "dpd"), Log(Group.IKE, 1, "hello"), Announce("event"))
    bench.run()
    assert bench.performer.done == [Log(Group.IKE, 1, "hello", "home|1"), "event", (1, "dpd"), b"x"]


def test_snapshot_is_published_before_anybody_is_told() -> None:
    bench = Bench()
    sa = bench.sa()
    seen: list[Any] = []
    bench.performer.on_announce = lambda event: seen.append(bench.manager.snapshot(1).name)

    def rename(sa: Sa) -> list[Effect]:
        sa.name = "new"
        return [Announce("renamed")]

    bench.manager.post(sa.unique_id, rename, Priority.HIGH, "rename")
    bench.run()
    assert seen == ["new"]
    assert (bench.manager.by_name("net"), bench.manager.by_name("new")) == ((), (1,))


def test_unforeseen_exception_costs_one_sa_and_no_more() -> None:
    bench = Bench()
    bad, good = bench.sa(), bench.sa()
    bench.manager.post(bad.unique_id, lambda sa: 1 // 0, Priority.HIGH, "bug")  # type: ignore[arg-type,return-value]
    bench.post(bad, "never")
    bench.post(good, "fine")
    bench.run()
    log, retired = bench.performer.done
    assert "ZeroDivisionError" in log.text and log.sa == "net|1"
    assert retired == ("retired", 1, "job 'bug' failed", ZeroDivisionError)
    assert (bad.trace, good.trace, bench.manager.unique_ids()) == ([], ["fine"], (2,))
    assert not bench.post(bad, "late")
    assert bench.counters["manager SA gone"] == 1


def test_who_posted_work_that_a_retired_sa_never_did_is_told() -> None:
    bench, told = Bench(), list[str]()
    sa = bench.sa()
    bench.post(sa, "last", Retire("end"))
    lost = lambda: told.append("lost")  # noqa: E731
    bench.manager.post(1, lambda sa: sa.note("never"), Priority.HIGH, "late", lost=lost)
    bench.run()
    assert (sa.trace, told, bench.counters["manager mail of retired SAs"]) == (["last"], ["lost"], 1)


def test_effect_that_cannot_be_performed_does_not_stop_the_others() -> None:
    bench = Bench()
    sa = bench.sa()
    bench.performer.schedule = lambda unique_id, effect: 1 // 0  # type: ignore
    bench.post(sa, 1, Schedule(1, "t"), SEND, Announce("event"))
    bench.run()
    complaint, *_ = [one for one in bench.performer.done if isinstance(one, Log)]
    assert "ZeroDivisionError" in complaint.text
    assert [one for one in bench.performer.done if one is not complaint] == ["event", b"x"]
    assert bench.manager.unique_ids() == (1,)


def test_retired_sa_is_forgotten_by_every_key_before_its_last_effects() -> None:
    bench = Bench()
    sa = bench.sa(identities=("a", "b"), half_open=SOURCE, kernel_spis=frozenset((7, 8)))
    assert bench.manager.by_kernel_spi(8) == (1,)
    seen: list[Any] = []
    bench.performer.on_announce = lambda event: seen.append(bench.manager.snapshots())
    bench.post(sa, 1, Announce("closed"), Retire("deleted by peer"))
    bench.run()
    manager = bench.manager
    found = manager.by_name("net"), manager.by_identities(("a", "b")), manager.half_open(SOURCE)
    assert seen == [()]
    assert bench.performer.done == ["closed", ("retired", 1, "deleted by peer", type(None))]
    assert manager.by_spi(sa.spi_local) is None
    assert found == ((), (), 0)
    assert manager.by_kernel_spi(8) == ()
    assert manager.wait_empty(0)


def test_adopted_sa_is_there_when_effects_are_performed() -> None:
    bench = Bench()
    sa = bench.sa()
    new = Sa(bench.manager.next_unique_id(), "net")
    seen: list[Any] = []
    bench.performer.on_announce = lambda event: seen.append(bench.manager.by_spi(new.spi_local))
    bench.post(sa, 1, Announce("rekeyed"), Adopt(new))
    bench.run()
    assert seen == [2]
    assert bench.manager.by_name("net") == (1, 2)
    assert new.trace == ["begun"]


def test_sa_is_found_by_the_spi_of_its_successor_until_that_is_there() -> None:
    bench = Bench()
    manager = bench.manager
    sa, new = bench.sa(), Sa(7)
    assert manager.by_next_spi(new.spi_local) is None
    sa.next_spi = new.spi_local
    bench.post(sa, "rekeys")
    bench.run()
    assert manager.by_next_spi(new.spi_local) == sa.unique_id and manager.by_spi(new.spi_local) is None
    sa.next_spi = b""
    bench.post(sa, "rekeyed", Adopt(new))
    bench.run()
    assert manager.by_next_spi(new.spi_local) is None and manager.by_spi(new.spi_local) == 7
    sa.next_spi = b"again   "
    bench.post(sa, "rekeys", Retire("expired"))
    bench.run()
    assert manager.by_next_spi(b"again   ") is None


def test_first_message_seen_again_finds_its_sa() -> None:
    manager = Bench().manager
    first, again = Sa(1), Sa(2)
    assert manager.register(first, b"hash") == 1
    assert manager.register(again, b"hash") == 1
    assert (manager.by_message_hash(b"hash"), manager.unique_ids()) == (1, (1,))


def test_limit_of_sas_is_kept() -> None:
    bench = Bench(sa_limit=1)
    bench.sa()
    with pytest.raises(TooManyError):
        bench.sa()
    assert bench.counters["manager SAs refused"] == 1


def test_half_open_sas_are_counted_by_source_until_authenticated() -> None:
    bench = Bench()
    first, _ = bench.sa(half_open=SOURCE), bench.sa(half_open=SOURCE)
    assert (bench.manager.half_open(), bench.manager.half_open(SOURCE)) == (2, 2)
    first.half_open = None
    bench.post(first, "authenticated")
    bench.run()
    assert (bench.manager.half_open(), bench.manager.half_open(SOURCE)) == (1, 1)
    assert bench.manager.half_open(ip_address("192.0.2.9")) == 0


def test_sa_with_a_known_spi_is_refused() -> None:
    bench = Bench()
    bench.sa()
    with pytest.raises(ValueError, match="there already"):
        bench.manager.register(Sa(1))


def test_performer_that_fails_to_retire_does_not_hold_the_worker() -> None:
    bench = Bench()
    sa, other = bench.sa(), bench.sa()
    bench.performer.retired = lambda sa, reason, error: 1 // 0  # type: ignore
    bench.post(sa, 1, Retire("over"))
    bench.post(other, 2)
    bench.run()
    assert (other.trace, bench.counters["manager failures"]) == ([2], 1)
