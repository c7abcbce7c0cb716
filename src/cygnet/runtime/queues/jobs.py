"""The job queue: work for the pool, in four priorities as charon has them."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from enum import IntEnum
from queue import SimpleQueue
from typing import Protocol

from cygnet.base.records import record
from cygnet.runtime.counters import Counters

JOB_LIMIT = 10_000


class Priority(IntEnum):
    """How urgent a job is; lower numbers run first."""

    CRITICAL = 0
    HIGH = 1
    MEDIUM = 2
    LOW = 3


class Job(Protocol):
    """A unit of work for one pool thread."""

    @property
    def name(self) -> str:
        """What it does, for logs."""

    @property
    def priority(self) -> Priority:
        """When it runs, relative to others."""

    def execute(self) -> None:
        """Do it. An exception is logged; the worker goes on."""


@record
class CallJob:
    """A job that is one function call."""

    name: str
    priority: Priority
    action: Callable[[], None]

    def execute(self) -> None:
        """Call the function."""
        self.action()


class Jobs(Protocol):
    """Where jobs go."""

    def put(self, job: Job, *, sure: bool = False) -> bool:
        """Have it done; False if there are too many, unless it must be ``sure``."""


class OwnJobs(list[Job]):
    """Jobs for the thread that puts them."""

    def put(self, job: Job, *, sure: bool = False) -> bool:
        """Keep it for later."""
        self.append(job)
        return True


class JobQueue:
    """Jobs by priority, at most ``limit`` of each, with threads reserved for the urgent ones.

    ``reserved`` says for each priority how many of the pool's threads are kept for it and everything
    above (``processor.priority_threads``): a job is given out only while more threads are idle than
    more urgent priorities still hold in reserve. At least one thread is never reserved.
    """

    def __init__(self, threads: int, reserved: Sequence[int] = (0, 0, 0, 0), limit: int = JOB_LIMIT,
                 counters: Counters | None = None) -> None:
        self.threads = threads
        self._reserved = _clamped(reserved, threads - 1)
        self._limit = limit
        self._counters = counters if counters is not None else Counters()
        self._jobs: tuple[deque[Job], ...] = tuple(deque() for _ in Priority)
        self._working = [0] * len(Priority)
        self._lock = threading.Lock()
        self._waiting = 0
        self._calls: SimpleQueue[None] = SimpleQueue()  # one for each thread that is to look again
        self._closed = False

    def put(self, job: Job, *, sure: bool = False) -> bool:
        """Queue ``job``; False (counted as ``jobs dropped``) if its priority is full or the queue closed.

        ``sure`` ignores the limit, for timers, which another queue bounds already.
        """
        with self._lock:
            queue = self._jobs[job.priority]
            if not self._closed and (sure or len(queue) < self._limit):
                queue.append(job)
                self._call(1)
                return True
        self._counters.add("jobs dropped")
        return False

    def take(self) -> Job | None:
        """The next job this thread may do, once there is one; ``None`` once closed and empty.

        Whoever takes a job calls :meth:`done` after it, and then takes again.
        """
        while True:
            with self._lock:
                job = self._next()
                if job is not None:
                    self._working[job.priority] += 1
                    return job
                if self._closed and not any(self._jobs):
                    return None
                self._waiting += 1
            self._calls.get()

    def done(self, job: Job) -> None:
        """The job is finished; its thread is idle again, and the one to take what had to wait for that."""
        with self._lock:
            self._working[job.priority] -= 1
            if self._closed:
                self._call(self._waiting)

    def close(self, *, discard: bool = True) -> None:
        """Accept nothing more, forget what waits if ``discard``, and let all takers go."""
        with self._lock:
            self._closed = True
            if discard:
                for queue in self._jobs:
                    queue.clear()
            self._call(self._waiting)

    def lengths(self) -> tuple[int, ...]:
        """Jobs waiting, by priority."""
        return tuple(len(queue) for queue in self._jobs)

    def working(self) -> tuple[int, ...]:
        """Jobs being done, by priority."""
        return tuple(self._working)

    def _call(self, threads: int) -> None:
        """Let so many of those that wait look again. Holds the lock."""
        for _ in range(min(threads, self._waiting)):
            self._waiting -= 1
            self._calls.put(None)

    def _next(self) -> Job | None:
        idle, held = self.threads - sum(self._working), 0
        for priority, queue in enumerate(self._jobs):
            if held and held >= idle:
                return None
            held += max(0, self._reserved[priority] - self._working[priority])
            if queue:
                return queue.popleft()
        return None


def _clamped(reserved: Sequence[int], most: int) -> list[int]:
    """``reserved`` cut so that all together take at most ``most`` threads, urgent ones first."""
    clamped = []
    for wanted in reserved:
        clamped.append(max(0, min(wanted, most)))
        most -= clamped[-1]
    return clamped
