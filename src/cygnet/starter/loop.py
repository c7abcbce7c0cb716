"""starter's one thread: readable descriptors, timers, signals."""

import heapq
import selectors
import signal
import socket
import time
from collections.abc import Callable
from itertools import count
from typing import Protocol

Callback = Callable[[], None]


class HasFileno(Protocol):
    """A socket, or whatever else has a descriptor."""

    def fileno(self) -> int:
        """The descriptor."""


class Timer:
    """A call that is due later. ``cancel`` makes it do nothing."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callback) -> None:
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        """Never call."""
        self.callback = None


class Loop:
    """Waits for all of them at once and calls back; a callback that raises ends the loop."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._watched: set[int] = set()  # of id(), as closed sockets cannot be looked up otherwise
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._running = False
        self._signals: dict[int, Callback] = {}
        self._old_handlers: dict[int, object] = {}
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._old_wakeup: int | None = None
        self.watch(self._wake_in, self._take_signals)

    def watch(self, file: HasFileno, callback: Callback, *, write: bool = False) -> None:
        """Call back when ``file`` can be read or, with ``write``, written; replaces an earlier watch."""
        events = selectors.EVENT_WRITE if write else selectors.EVENT_READ
        try:
            self._selector.modify(file, events, callback)
        except KeyError:
            self._selector.register(file, events, callback)
        self._watched.add(id(file))

    def forget(self, file: HasFileno) -> None:
        """Watch ``file`` no longer; call before closing it."""
        if id(file) in self._watched:
            self._watched.discard(id(file))
            self._selector.unregister(file)

    def later(self, delay_s: float, callback: Callback) -> Timer:
        """Call back once after ``delay_s`` seconds."""
        timer = Timer(callback)
        heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._order), timer))
        return timer

    def on_signal(self, number: int, callback: Callback) -> None:
        """Call back, in the loop, after signal ``number``. Main thread only."""
        if self._old_wakeup is None:
            self._old_wakeup = signal.set_wakeup_fd(self._wake_out.fileno(), warn_on_full_buffer=False)
        self._signals[number] = callback
        self._old_handlers.setdefault(number, signal.signal(number, lambda *_: None))

    def run(self) -> None:
        """Run until :meth:`stop`."""
        self._running = True
        while self._running:
            for key, _ in self._selector.select(self._wait_s()):
                if self._running and id(key.fileobj) in self._watched:
                    key.data()
            self._fire()

    def stop(self) -> None:
        """Let :meth:`run` return after the callback that is being called."""
        self._running = False

    def close(self) -> None:
        """Give signals back as they were and close."""
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        if self._old_wakeup is not None:
            signal.set_wakeup_fd(self._old_wakeup)
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def _wait_s(self) -> float | None:
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None

    def _fire(self) -> None:
        now = time.monotonic()
        while self._running and self._timers and self._timers[0][0] <= now:
            callback = heapq.heappop(self._timers)[2].callback
            if callback is not None:
                callback()

    def _take_signals(self) -> None:
        for number in dict.fromkeys(self._wake_in.recv(4096)):
            callback = self._signals.get(number)
            if callback is not None and self._running:
                callback()
