"""SPIs that espd has reserved for us and no CHILD_SA has yet: one request brings several."""

import threading
import time
from collections.abc import Callable

SPIS = 16
"""How many are reserved at a time."""
FRESH_S = 60.0
"""Older ones are not used any more; espd keeps them for 165 s, and their users may need some of that."""


class SpiStock:
    """Hands out each SPI once; any thread may take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._spis: list[int] = []
        self._until = 0.0

    def take(self, reserve: Callable[[], tuple[int, ...]]) -> int:
        """One SPI; ``reserve`` brings new ones where there is none left."""
        with self._lock:
            if not self._spis or self._clock() > self._until:
                self._until = self._clock() + FRESH_S
                self._spis = list(reserve())
            return self._spis.pop()

    def forget(self) -> None:
        """What was reserved is not ours any more."""
        with self._lock:
            self._spis = []
