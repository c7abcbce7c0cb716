"""The event queue: what is to happen later, ordered by time."""

import heapq
import itertools
import threading
from collections.abc import Callable

from cygnet.runtime.counters import Counters

EVENT_LIMIT = 500_000

Fire = Callable[[], object]


class EventQueue:
    """A heap of (time, action), at most ``limit``; more are refused and counted as ``events dropped``.

    Times are seconds of ``clock``, which is monotonic. An action only moves work to the job queue, for
    it runs on the scheduler's thread.
    """

    def __init__(self, clock: Callable[[], float], limit: int = EVENT_LIMIT,
                 counters: Counters | None = None) -> None:
        self._clock = clock
        self._limit = limit
        self._counters = counters if counters is not None else Counters()
        self._heap: list[tuple[float, int, Fire]] = []
        self._order = itertools.count()
        self._changed = threading.Condition(threading.Lock())
        self._closed = False

    def put_in(self, delay_s: float, action: Fire) -> bool:
        """Queue ``action`` for ``delay_s`` seconds from now; False if full or closed."""
        return self.put_at(self._clock() + delay_s, action)

    def put_at(self, at: float, action: Fire) -> bool:
        """Queue ``action`` for the time ``at``; equal times keep their order."""
        with self._changed:
            if not self._closed and len(self._heap) < self._limit:
                entry = (at, next(self._order), action)
                heapq.heappush(self._heap, entry)
                if self._heap[0] is entry:
                    self._changed.notify()
                return True
        self._counters.add("events dropped")
        return False

    def take(self) -> Fire | None:
        """The next action, once it is due; ``None`` once the queue is closed."""
        with self._changed:
            while not self._closed:
                wait_s = self._heap[0][0] - self._clock() if self._heap else None
                if wait_s is not None and wait_s <= 0:
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(wait_s)
        return None

    def close(self) -> None:
        """Forget all events and wake the scheduler."""
        with self._changed:
            self._closed = True
            self._heap.clear()
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._heap)
