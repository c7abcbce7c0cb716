"""Named counters: what was dropped, refused or ignored, and how often."""

import threading


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
