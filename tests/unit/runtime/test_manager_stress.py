"""The manager under many threads: one thread in an SA at a time, order kept, nothing lost."""

import threading
from collections.abc import Callable
from typing import Any

from cygnet.base.effects import Announce, Effect
from cygnet.runtime.counters import Counters
from cygnet.runtime.manager import Manager
from cygnet.runtime.queues.jobs import JobQueue, Priority
from cygnet.runtime.sa_index import Keys
from cygnet.runtime.threads.pool import Pool

SAS, POSTERS, POSTS, WORKERS = 20, 6, 400, 8


class CrowdedSa:
    """Notices a second thread inside it."""

    def __init__(self, unique_id: int) -> None:
        self.unique_id = unique_id
        self.spi_local = unique_id.to_bytes(8, "big")
        self.trace: list[tuple[int, int]] = []
        self.crowded = False
        self._inside = threading.Lock()

    def expire(self, timer: Any, now: float) -> list[Effect]:
        return []

    def begin(self, now: float) -> list[Effect]:
        return []

    def snapshot(self, now: float) -> Keys:
        return Keys("net")

    def note(self, poster: int, number: int) -> list[Effect]:
        if not self._inside.acquire(blocking=False):
            self.crowded = True
            return []
        self.trace.append((poster, number))
        self._inside.release()
        return [Announce((self.unique_id, poster, number))]


class Tally:
    """Counts announcements and tells when all have come."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.announced: list[Any] = []
        self.complete = threading.Event()

    def send(self, effect: Any) -> None: ...

    def schedule(self, unique_id: int, effect: Any) -> None: ...

    def announce_all(self, events: Any, sa: str) -> None:
        for event in events:
            self.announce(event)

    def announce(self, event: Any) -> None:
        self.announced.append(event)
        if len(self.announced) >= self.expected:
            self.complete.set()

    def retired(self, sa: Any, reason: str, error: BaseException | None) -> None: ...


def failing(what: str, error: BaseException) -> None:
    raise AssertionError(what) from error


def test_many_threads_keep_order_lose_nothing_and_never_meet() -> None:
    jobs, tally = JobQueue(WORKERS, reserved=(1, 1, 1, 0)), Tally(POSTERS * POSTS)
    manager: Manager[CrowdedSa] = Manager(jobs, tally, lambda keys: keys, lambda: 0.0, Counters(),
                                          mailbox_limit=POSTERS * POSTS)
    sas = [CrowdedSa(manager.next_unique_id()) for _ in range(SAS)]
    for sa in sas:
        manager.register(sa)
    pool, start = Pool(jobs, failing), threading.Barrier(POSTERS)

    def post_all(poster: int) -> None:
        start.wait(10)
        for number in range(POSTS):
            priority = Priority((poster + number * 7) % 4)
            sa = sas[(number * 3 + poster) % SAS]
            assert manager.post(sa.unique_id, noting(poster, number), priority, "n")

    posters = [threading.Thread(target=post_all, args=(poster,)) for poster in range(POSTERS)]
    pool.start()
    for thread in posters:
        thread.start()
    for thread in posters:
        thread.join(30)
    assert tally.complete.wait(30)
    assert pool.stop(10)

    assert not any(sa.crowded for sa in sas)
    assert len(set(tally.announced)) == len(tally.announced) == POSTERS * POSTS
    for sa in sas:
        for poster in range(POSTERS):
            numbers = [number for who, number in sa.trace if who == poster]
            assert numbers == sorted(numbers)


def test_slow_work_on_one_sa_blocks_no_thread_but_its_own() -> None:
    jobs, tally = JobQueue(2), Tally(10)
    manager: Manager[CrowdedSa] = Manager(jobs, tally, lambda keys: keys, lambda: 0.0, Counters())
    slow, quick = CrowdedSa(1), CrowdedSa(2)
    manager.register(slow)
    manager.register(quick)
    entered, release = threading.Event(), threading.Event()

    def block(sa: CrowdedSa) -> list[Effect]:
        entered.set()
        assert release.wait(10)
        return []

    pool = Pool(jobs, failing)
    pool.start()
    manager.post(1, block, Priority.MEDIUM, "block")
    assert entered.wait(10)
    for number in range(10):
        manager.post(1, noting(0, number), Priority.HIGH, "mail")
    for number in range(10):
        manager.post(2, noting(1, number), Priority.LOW, "quick")
    assert tally.complete.wait(10)
    assert [event[0] for event in tally.announced] == [2] * 10
    assert len(manager.snapshots()) == 2
    tally.complete.clear()
    tally.expected = 20
    release.set()
    assert tally.complete.wait(10)
    assert slow.trace == [(0, number) for number in range(10)]
    assert pool.stop(10)


def noting(poster: int, number: int) -> Callable[[CrowdedSa], list[Effect]]:
    return lambda sa: sa.note(poster, number)
