import threading
from contextlib import suppress
from queue import Empty, SimpleQueue

import pytest

from cygnet.base.addresses import Host
from cygnet.runtime.counters import Counters
from cygnet.runtime.network.datagrams import Datagram
from cygnet.runtime.queues.events import EventQueue
from cygnet.runtime.queues.jobs import CallJob, JobQueue, Jobs, Priority
from cygnet.runtime.queues.sends import SendQueue
from cygnet.runtime.threads.named import NamedThread, stop_all, thread_number
from cygnet.runtime.threads.pool import Pool
from cygnet.runtime.threads.receiver import Receivers
from cygnet.runtime.threads.scheduler import Scheduler
from cygnet.runtime.threads.sender import Sender

A, B = Host.of("192.0.2.1", 500), Host.of("192.0.2.2", 500)


class Reports:
    def __init__(self) -> None:
        self.seen: SimpleQueue[tuple[str, BaseException]] = SimpleQueue()

    def __call__(self, what: str, error: BaseException) -> None:
        self.seen.put((what, error))


class FakeSocket:
    kind, port, port_nat_t = "fake", 500, 4500

    def __init__(self, *incoming: bytes) -> None:
        self.inbox: SimpleQueue[Datagram | None] = SimpleQueue()
        for data in incoming:
            self.inbox.put(Datagram(A, B, data))
        self.sent: list[bytes] = []
        self.full = False

    def receive(self, timeout_s: float | None = None) -> Datagram | None:
        try:
            datagram = self.inbox.get(timeout=timeout_s or 10)
        except Empty:
            return None
        if datagram is None:
            self.wake()
        return datagram

    def send(self, datagram: Datagram, *, wait: bool = True) -> None:
        if datagram.data == b"bad":
            raise OSError("no route")
        if self.full and not wait:
            raise BlockingIOError
        self.sent.append(datagram.data)

    def wake(self) -> None:
        self.inbox.put(None)

    def enable_udp_encapsulation(self) -> bool:
        return False

    def close(self) -> None:
        pass


def test_receiver_survives_a_handler_that_fails() -> None:
    handled: SimpleQueue[bytes] = SimpleQueue()

    def handle(datagram: Datagram, jobs: Jobs) -> None:
        if datagram.data == b"bad":
            raise RuntimeError("bug")
        handled.put(datagram.data)

    reports = Reports()
    receivers = Receivers(FakeSocket(b"1", b"bad", b"2"), handle, JobQueue(1), reports, 1)
    receivers.threads[0].start()
    assert [handled.get(timeout=5), handled.get(timeout=5)] == [b"1", b"2"]
    assert reports.seen.get(timeout=5)[0] == "receiver-1"
    assert stop_all(list(receivers.threads), 5)


class Slow:
    """What there is to do for a datagram: a job that waits until it is let go."""

    def __init__(self) -> None:
        self.put: SimpleQueue[bytes] = SimpleQueue()
        self.begun: SimpleQueue[bytes] = SimpleQueue()
        self.let_go = threading.Event()

    def handle(self, datagram: Datagram, jobs: Jobs) -> None:
        jobs.put(CallJob("slow", Priority.MEDIUM, lambda: self._wait(datagram.data)))
        self.put.put(datagram.data)

    def _wait(self, data: bytes) -> None:
        self.begun.put(data)
        assert self.let_go.wait(10)


def test_receivers_do_jobs_themselves_and_while_all_are_slow_another_passes_them_to_the_pool() -> None:
    slow, jobs, socket = Slow(), JobQueue(1), FakeSocket(b"1", b"2", b"3", b"4")
    receivers = Receivers(socket, slow.handle, jobs, Reports(), 2)
    for thread in receivers.threads:
        thread.start()
    assert {slow.begun.get(timeout=5), slow.begun.get(timeout=5)} == {b"1", b"2"}
    assert [job is not None and job.name for job in (jobs.take(), jobs.take())] == ["slow", "slow"]
    assert slow.begun.empty()
    slow.let_go.set()
    for number in range(100):  # the stand-in may still get the first of these
        socket.inbox.put(Datagram(A, B, bytes([number])))
        with suppress(Empty):
            assert slow.begun.get(timeout=0.1) == bytes([number])
            break
    else:
        pytest.fail("the receivers do nothing any more")
    assert stop_all(list(receivers.threads), 5)


def test_job_that_fails_on_a_receiver_is_reported_and_the_receiver_goes_on() -> None:
    done: SimpleQueue[bytes] = SimpleQueue()

    def handle(datagram: Datagram, jobs: Jobs) -> None:
        jobs.put(CallJob("bad", Priority.HIGH, lambda: 1 // int(datagram.data) and done.put(datagram.data)))

    reports = Reports()
    receivers = Receivers(FakeSocket(b"0", b"1"), handle, JobQueue(1), reports, 2)
    receivers.threads[0].start()
    assert done.get(timeout=5) == b"1"
    assert reports.seen.get(timeout=5)[0] == "job 'bad'"
    assert stop_all(list(receivers.threads), 5)


def test_datagram_is_sent_at_once_by_who_has_it() -> None:
    queue, sock, counters, refused = SendQueue(), FakeSocket(), Counters(), list[bytes]()
    sender = Sender(queue, sock, Reports(), counters, lambda datagram, error: refused.append(datagram.data))
    assert [sender.put(Datagram(A, B, data)) for data in (b"1", b"bad", b"2")] == [True] * 3
    assert (sock.sent, refused, counters["sends failed"]) == ([b"1", b"2"], [b"bad"], 1)


def test_what_a_full_socket_does_not_take_waits_and_keeps_its_order() -> None:
    queue, sock = SendQueue(limit=2), FakeSocket()
    sender = Sender(queue, sock, Reports(), Counters())
    sock.full = True
    sender.put(Datagram(A, B, b"1"))
    sock.full = False
    assert sender.put(Datagram(A, B, b"2"))
    assert not sender.put(Datagram(A, B, b"3"))
    assert sock.sent == []
    sender.start()
    assert sender.stop(5)
    assert sock.sent == [b"1", b"2"]
    assert not sender.put(Datagram(A, B, b"late"))


def test_sender_sends_what_is_queued_before_it_ends() -> None:
    queue, sock, counters, refused = SendQueue(), FakeSocket(), Counters(), list[bytes]()
    sender = Sender(queue, sock, Reports(), counters, lambda datagram, error: refused.append(datagram.data))
    for data in (b"1", b"bad", b"2"):
        queue.put(Datagram(A, B, data))
    sender.start()
    assert sender.stop(5)
    assert (sock.sent, refused, counters["sends failed"]) == ([b"1", b"2"], [b"bad"], 1)


def test_scheduler_fires_what_is_due_and_survives_failures() -> None:
    events, fired, reports = EventQueue(lambda: 5.0), SimpleQueue[int](), Reports()
    scheduler = Scheduler(events, reports)
    scheduler.start()
    events.put_at(1, lambda: 1 // 0)
    events.put_at(2, lambda: fired.put(2))
    assert fired.get(timeout=5) == 2
    assert isinstance(reports.seen.get(timeout=5)[1], ZeroDivisionError)
    assert scheduler.stop(5)


def test_worker_survives_a_job_that_fails() -> None:
    jobs, done, reports = JobQueue(1), threading.Event(), Reports()
    pool = Pool(jobs, reports)
    pool.start()
    jobs.put(CallJob("bad", Priority.HIGH, lambda: 1 // 0))  # type: ignore[arg-type,return-value]
    jobs.put(CallJob("good", Priority.LOW, done.set))
    assert done.wait(5)
    assert reports.seen.get(timeout=5)[0] == "job 'bad'"
    assert pool.stop(5)


def test_pool_runs_as_many_jobs_at_once_as_it_has_threads_and_says_so() -> None:
    jobs, barrier, release = JobQueue(3), threading.Barrier(4), threading.Event()
    pool = Pool(jobs, Reports())
    pool.start()

    def meet() -> None:
        barrier.wait(5)
        release.wait(5)

    for _ in range(3):
        jobs.put(CallJob("meet", Priority.MEDIUM, meet))
    barrier.wait(5)
    jobs.put(CallJob("late", Priority.LOW, lambda: None))
    assert pool.statistics().describe(7) == (
        "worker threads: 0 of 3 idle, 0/0/3/0 working, job queue: 0/0/0/1, scheduled: 7")
    release.set()
    assert pool.stop(5)


def test_pool_that_cannot_end_in_time_says_so() -> None:
    jobs, started, release = JobQueue(1), threading.Event(), threading.Event()
    pool = Pool(jobs, Reports())
    pool.start()

    def block() -> None:
        started.set()
        release.wait(5)

    jobs.put(CallJob("block", Priority.LOW, block))
    assert started.wait(5)
    assert not pool.stop(0)
    release.set()
    assert pool.stop(5)


def test_threads_are_numbered_and_the_main_thread_is_zero() -> None:
    numbers: SimpleQueue[int] = SimpleQueue()

    def step() -> bool:
        numbers.put(thread_number())
        return False

    threads = [NamedThread(f"t{n}", step, lambda: None, Reports()) for n in range(2)]
    for thread in threads:
        thread.start()
    first, second = sorted((numbers.get(timeout=5), numbers.get(timeout=5)))
    assert 0 < first < second
    assert thread_number() == 0
    assert stop_all(threads, 5)


@pytest.mark.parametrize("started", [True, False])
def test_stopping_twice_or_before_the_start_is_harmless(started: bool) -> None:
    scheduler = Scheduler(EventQueue(lambda: 0.0), Reports())
    if started:
        scheduler.start()
    assert scheduler.stop(5)
    assert scheduler.stop(5)
