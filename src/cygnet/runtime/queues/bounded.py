"""A first-in first-out queue that drops instead of blocking whoever puts."""

import threading
from collections import deque
from typing import Generic, TypeVar

from cygnet.runtime.counters import Counters

T = TypeVar("T")


class BoundedQueue(Generic[T]):
    """At most ``limit`` items; further ones are refused and counted as ``NAME dropped``.

    After :meth:`close` nothing more is accepted; what is queued can still be taken.
    """

    def __init__(self, name: str, limit: int, counters: Counters | None = None) -> None:
        self.name = name
        self.limit = limit
        self._counters = counters if counters is not None else Counters()
        self._items: deque[T] = deque()
        self._ready = threading.Condition(threading.Lock())
        self._closed = False

    def put(self, item: T) -> bool:
        """Queue ``item``; False if the queue is full or closed. Never blocks."""
        with self._ready:
            if not self._closed and len(self._items) < self.limit:
                self._items.append(item)
                self._ready.notify()
                return True
        self._counters.add(f"{self.name} dropped")
        return False

    def take(self, timeout_s: float | None = None) -> T | None:
        """The oldest item, waiting at most ``timeout_s``; ``None`` after that or once closed and empty."""
        with self._ready:
            self._ready.wait_for(lambda: self._items or self._closed, timeout_s)
            return self._items.popleft() if self._items else None

    def close(self) -> None:
        """Accept nothing more and wake all who wait."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    @property
    def closed(self) -> bool:
        """Whether the queue was closed."""
        return self._closed

    @property
    def dropped(self) -> int:
        """How many items were refused."""
        return self._counters[f"{self.name} dropped"]

    def __len__(self) -> int:
        return len(self._items)
