"""One thread's epoll loop with timers. A handler that fails is logged and the loop goes on."""

import select
import time
import traceback
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

READ, WRITE, ERROR = select.EPOLLIN, select.EPOLLOUT, select.EPOLLERR
_LOG_INTERVAL_S = 1.0
_MOMENT_S = 50e-6
"""Asking what is ready takes less, if something is."""

Handler = Callable[[int], None]


class HasDescriptor(Protocol):
    """A socket, a device."""

    def fileno(self) -> int:
        """Its descriptor."""


class Loop:
    """Descriptors with their handlers, timers with their callbacks; :meth:`run` until :meth:`stop`.

    For handlers: ``round_at`` is when they began to be called, and ``rested`` whether nothing was to be done
    before, so that probably little is to be done now.
    """

    def __init__(self, log: Callable[[str], None]) -> None:
        self.log = log
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = count()
        self._running = True
        self._failures = 0
        self._last_logged = float("-inf")
        self.round_at = self.now()
        self.rested = True

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def watch(self, what: HasDescriptor, events: int, handler: Handler) -> None:
        """Call ``handler`` with the events that happen on a descriptor."""
        self._handlers[what.fileno()] = handler
        self._epoll.register(what.fileno(), events)

    def change(self, what: HasDescriptor, events: int) -> None:
        """Wait for other events on a descriptor."""
        self._epoll.modify(what.fileno(), events)

    def forget(self, what: HasDescriptor) -> None:
        """Stop watching a descriptor, before it is closed."""
        if self._handlers.pop(what.fileno(), None) is not None:
            self._epoll.unregister(what.fileno())

    def at(self, when: float, callback: Callable[[], None]) -> None:
        """Call ``callback`` once at ``when``; timers are never cancelled."""
        heappush(self._timers, (when, next(self._serial), callback))

    def run(self) -> None:
        """Handle events until stopped."""
        while self._running:
            asked = self.now()
            ready = self._epoll.poll(self._timeout_s(asked))
            self.round_at = self.now()
            self.rested = self.round_at - asked > _MOMENT_S
            for descriptor, events in ready:
                handler = self._handlers.get(descriptor)
                if handler is not None:
                    self._guarded(handler, events)
            if self._timers:
                self._run_timers()

    def stop(self) -> None:
        """Let :meth:`run` return after the present round."""
        self._running = False

    def close(self) -> None:
        """Close the epoll descriptor."""
        self._epoll.close()

    def _timeout_s(self, now: float) -> float:
        return max(self._timers[0][0] - now, 0) if self._timers else -1

    def _run_timers(self) -> None:
        now = self.now()
        while self._timers and self._timers[0][0] <= now:
            callback = heappop(self._timers)[2]
            self._guarded(lambda _, callback=callback: callback(), 0)  # type: ignore[misc]

    def _guarded(self, handler: Handler, events: int) -> None:
        try:
            handler(events)
        except Exception:
            self._failures += 1
            if self.now() - self._last_logged >= _LOG_INTERVAL_S:
                self._last_logged = self.now()
                self.log(f"a handler failed ({self._failures} so far):\n{traceback.format_exc()}")
