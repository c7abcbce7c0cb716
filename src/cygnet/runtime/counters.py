"""Counters: of the daemon by name, and tables of them for each of many things."""

import threading
from collections.abc import Sequence


class Counters:
    """A set of counters by name, safe for any thread. Names are constants of the code, never input."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, int] = {}

    def add(self, name: str, amount: int = 1) -> None:
        """Count ``amount`` more of ``name``."""
        with self._lock:
            self._values[name] = self._values.get(name, 0) + amount

    def __getitem__(self, name: str) -> int:
        """How often ``name`` was counted; 0 if never."""
        return self._values.get(name, 0)

    def snapshot(self) -> dict[str, int]:
        """All counters with a value, by name."""
        with self._lock:
            return dict(sorted(self._values.items()))


class CounterTable:
    """The same counters for each of several keys (connections, say), safe for any thread.

    Beyond ``limit`` keys new ones are not counted, but ``refused`` tells how often that was.
    """

    def __init__(self, columns: Sequence[str], limit: int) -> None:
        self._lock = threading.Lock()
        self._columns = {name: place for place, name in enumerate(columns)}
        self._limit = limit
        self._rows: dict[str, list[int]] = {}
        self.refused = 0

    def add(self, column: str, *keys: str) -> None:
        """Count one more of ``column`` for each of ``keys``."""
        place = self._columns[column]
        with self._lock:
            for key in keys:
                row = self._rows.get(key)
                if row is None:
                    if len(self._rows) >= self._limit:
                        self.refused += 1
                        continue
                    row = self._rows[key] = [0] * len(self._columns)
                row[place] += 1

    def names(self) -> tuple[str, ...]:
        """The keys that something was counted for, in the order they first came."""
        with self._lock:
            return tuple(self._rows)

    def row(self, key: str) -> dict[str, int] | None:
        """Every counter of ``key``, in the order of the columns; ``None`` if there is none."""
        with self._lock:
            row = self._rows.get(key)
            return dict(zip(self._columns, row, strict=True)) if row is not None else None

    def reset(self, key: str | None = None) -> None:
        """Forget the counters of ``key``, or of every key."""
        with self._lock:
            if key is None:
                self._rows.clear()
            else:
                self._rows.pop(key, None)
