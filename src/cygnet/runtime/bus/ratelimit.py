"""Log lines that hostile packets cause: at most one of a kind per second."""

import threading
from collections.abc import Callable

from cygnet.base.groups import Group
from cygnet.runtime.bus.bus import Bus

INTERVAL_S = 1.0
KIND_LIMIT = 256


class RateLimitedLog:
    """Logs on ``bus``, one line per kind and ``interval_s``; the next tells how many were left out.

    Kinds are constants of the code; beyond :data:`KIND_LIMIT` of them the rest count as one.
    """

    def __init__(self, bus: Bus, clock: Callable[[], float], interval_s: float = INTERVAL_S) -> None:
        self._bus = bus
        self._clock = clock
        self._interval_s = interval_s
        self._lock = threading.Lock()
        self._kinds: dict[str, tuple[float, int]] = {}

    def log(self, kind: str, group: Group, level: int, text: str | Callable[[], str]) -> None:
        """Log ``text`` (or what it returns) unless a line of ``kind`` was logged within the interval."""
        if not self._bus.wants(group, level):
            return
        now = self._clock()
        with self._lock:
            if kind not in self._kinds and len(self._kinds) >= KIND_LIMIT:
                kind = "other"
            since, suppressed = self._kinds.get(kind, (float("-inf"), 0))
            if now - since < self._interval_s:
                self._kinds[kind] = (since, suppressed + 1)
                return
            self._kinds[kind] = (now, 0)
        line = text if isinstance(text, str) else text()
        self._bus.log(group, level, f"{line} ({suppressed} more suppressed)" if suppressed else line)
