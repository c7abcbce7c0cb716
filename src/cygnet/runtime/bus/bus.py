"""The bus itself."""

import threading
from collections.abc import Callable, Sequence
from time import monotonic, sleep, time
from types import TracebackType
from typing import Any, Protocol

from cygnet.base.effects import Log
from cygnet.base.groups import Group, Level
from cygnet.runtime.bus.records import NOTHING, Levels, Record
from cygnet.runtime.counters import Counters
from cygnet.runtime.queues.bounded import BoundedQueue
from cygnet.runtime.threads.named import NamedThread, thread_number

LISTENER_LIMIT = 10_000
SUBSCRIPTION_LIMIT = 2_000
LINGER_S = 0.01
"""How long a listener rests after what it took, so that under load it wakes for many records at a time."""

Predicate = Callable[[Any], bool]


class Listener(Protocol):
    """Takes records on a thread of its own; it may block, at nobody's cost but its own."""

    @property
    def name(self) -> str:
        """Its name, also of its thread and its drop counter."""

    def handle(self, record: Record) -> None:
        """Take one record."""

    def idle(self) -> None:
        """Nothing more waits at the moment: time to flush."""

    def close(self) -> None:
        """Nothing more will come."""


class Subscription:
    """Records for one caller, for as long as its ``with`` block lasts."""

    def __init__(self, bus: "Bus", limit: int) -> None:
        self._bus = bus
        self.queue: BoundedQueue[Record] = BoundedQueue("subscription", limit)

    def next(self, timeout_s: float | None = None) -> Record | None:
        """The next record; ``None`` after ``timeout_s`` seconds, or once closed and empty."""
        return self.queue.take(timeout_s)

    def next_until(self, deadline: float | None) -> Record | None:
        """The next record; ``None`` at ``deadline``, a time of ``time.monotonic``."""
        return self.queue.take(None if deadline is None else max(0.0, deadline - monotonic()))

    @property
    def dropped(self) -> int:
        """How many records did not fit."""
        return self.queue.dropped

    def close(self) -> None:
        """End it; a waiting :meth:`next` returns what is left, then ``None``."""
        self._bus.unsubscribe(self)
        self.queue.close()

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()


class Bus:
    """Publishes log lines and events to listeners and subscriptions. Publishing never blocks.

    Log lines go to those whose levels ask for them, other events to those whose predicate accepts them.
    """

    def __init__(self, counters: Counters | None = None, wall: Callable[[], float] = time) -> None:
        self._counters = counters if counters is not None else Counters()
        self._wall = wall
        self._lock = threading.Lock()
        self._taps: tuple[_Tap, ...] = ()
        self._highest: dict[Group, int] = {}
        self._refresh()

    def publish(self, event: Any) -> None:
        """Give ``event`` to all who want it; their full queues drop it, and count it."""
        self.publish_all((event,))

    def publish_all(self, events: Sequence[Any]) -> None:
        """The same for several, which stay together and in order."""
        at, thread = self._wall(), thread_number()
        for tap in self._taps:
            wanted = [Record(event, at, thread) for event in events if self._is_for(tap, event)]
            if wanted:
                tap.queue.put_all(wanted)

    def log(self, group: Group, level: int, text: str, sa: str = "") -> None:
        """Publish a log line, if anybody wants it."""
        if self.wants(group, level):
            self.publish(Log(group, level, text, sa))

    def wants(self, group: Group, level: int) -> bool:
        """Whether any listener shows lines of ``group`` at ``level``; costs one look-up."""
        return level <= self._highest[group]

    def listen(self, listener: Listener, *, levels: Levels = NOTHING, events: Predicate | None = None,
               limit: int = LISTENER_LIMIT) -> None:
        """Add a listener with a queue and thread of its own, for log lines and for ``events``."""
        tap = _Tap(BoundedQueue(f"bus {listener.name}", limit, self._counters), levels, events, listener)
        tap.start(self._report)
        self._change(lambda taps: (*taps, tap))

    def subscribe(self, predicate: Predicate | None = None, *, levels: Levels = NOTHING,
                  limit: int = SUBSCRIPTION_LIMIT) -> Subscription:
        """What ``predicate`` accepts, of the log lines within ``levels`` and of all other events."""
        subscription = Subscription(self, limit)
        self._change(lambda taps: (*taps, _Tap(subscription.queue, levels, predicate or _everything, None)))
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a subscription; ``Subscription.close`` does it."""
        self._change(lambda taps: tuple(tap for tap in taps if tap.queue is not subscription.queue))

    def set_level(self, group: Group | None, level: int) -> None:
        """Set the level of ``group`` (``None``: of all) for every listener that takes log lines."""
        with self._lock:
            for tap in self._taps:
                if tap.listener is not None and tap.levels is not NOTHING:
                    tap.show(tap.levels.changed(group, level))
            self._refresh()

    def waiting(self) -> dict[str, int]:
        """How many records wait for each listener; those of subscriptions together."""
        found: dict[str, int] = {}
        for tap in self._taps:
            found[tap.queue.name] = found.get(tap.queue.name, 0) + len(tap.queue)
        return found

    def close(self, deadline_s: float = 1.0) -> bool:
        """Let listeners finish what is queued and end; False if one takes longer than ``deadline_s``."""
        taps = self._taps
        self._change(lambda _: ())
        end = monotonic() + deadline_s
        for tap in taps:
            tap.queue.close()
        ended = [tap.finish(end - monotonic()) for tap in taps]
        return all(ended)

    def _is_for(self, tap: "_Tap", event: Any) -> bool:
        try:
            return tap.wants(event)
        except Exception:
            self._counters.add("bus predicates failed")
            return False

    def _change(self, change: "Callable[[tuple[_Tap, ...]], tuple[_Tap, ...]]") -> None:
        with self._lock:
            self._taps = change(self._taps)
            self._refresh()

    def _refresh(self) -> None:
        self._highest = {group: max((tap.levels.of(group) for tap in self._taps), default=Level.SILENT)
                         for group in Group}

    def _report(self, name: str, error: BaseException) -> None:
        self._counters.add(f"bus {name} failed")


class _Tap:
    """One place where records go: a queue, and for a listener its thread."""

    def __init__(self, queue: BoundedQueue[Record], levels: Levels, events: Predicate | None,
                 listener: Listener | None) -> None:
        self.queue = queue
        self.listener = listener
        self.show(levels)
        self._events = events
        self._thread: NamedThread | None = None
        self._report: Callable[[str, BaseException], None] = _unreported

    def show(self, levels: Levels) -> None:
        """From now on log lines up to these levels."""
        self.levels = levels
        self._shown = {group: levels.of(group) for group in Group}

    def wants(self, event: Any) -> bool:
        if isinstance(event, Log):
            wanted = event.level <= self._shown[event.group]
            return wanted and (self.listener is not None or self._events is None or self._events(event))
        return self._events is not None and self._events(event)

    def start(self, report: Callable[[str, BaseException], None]) -> None:
        if self.listener is not None:
            self._report = report
            self._thread = NamedThread(self.listener.name, self._handle_next, self.queue.close, report)
            self._thread.start()

    def finish(self, deadline_s: float) -> bool:
        """Wait for the listener's thread; the listener is closed by its own thread."""
        return self._thread is None or self._thread.join(deadline_s)

    def _handle_next(self) -> bool:
        assert self.listener is not None
        records = self.queue.take_all()
        if not records:
            self.listener.close()
            return False
        for record in records:
            try:
                self.listener.handle(record)
            except Exception as error:
                self._report(self.listener.name, error)
        self.listener.idle()
        if not self.queue.closed:
            sleep(LINGER_S)
        return True


def _unreported(name: str, error: BaseException) -> None:
    return None


def _everything(_: Any) -> bool:
    return True
