"""A first-in first-out queue that drops instead of blocking whoever puts."""

import threading
from collections import deque
from collections.abc import Sequence
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
        return self.put_all((item,))

    def put_all(self, items: Sequence[T]) -> bool:
        """Queue several at once; False if one was refused."""
        with self._ready:
            room = 0 if self._closed else self.limit - len(self._items)
            if not self._items:
                self._ready.notify()
            self._items.extend(items[:room] if room < len(items) else items)
        if room < len(items):
            self._counters.add(f"{self.name} dropped", len(items) - max(room, 0))
            return False
        return True

    def take(self, timeout_s: float | None = None) -> T | None:
        """The oldest item, waiting at most ``timeout_s``; ``None`` after that or once closed and empty."""
        with self._ready:
            self._await(timeout_s)
            item = self._items.popleft() if self._items else None
            if self._items:
                self._ready.notify()
            return item

    def take_all(self, timeout_s: float | None = None) -> list[T]:
        """All items, waiting for the first; none after ``timeout_s`` or once closed and empty."""
        with self._ready:
            self._await(timeout_s)
            items = list(self._items)
            self._items.clear()
            return items

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

    def _await(self, timeout_s: float | None) -> None:
        """Until there is something, or never will be. Holds the lock."""
        if not self._items and not self._closed:
            self._ready.wait_for(lambda: self._items or self._closed, timeout_s)
