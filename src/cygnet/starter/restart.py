"""When a daemon that died is started again."""

from dataclasses import dataclass

FAST_S = 10.0
"""A daemon that lived less than this died fast."""
FREE_RESTARTS = 2
"""So many fast deaths in a row are answered at once; after them the waiting begins."""
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 30.0


@dataclass(slots=True)
class RestartPolicy:
    """Restarts at once, unless a daemon keeps dying fast: then after 1 s, 2 s, 4 s, at most 30 s."""

    fast_deaths: int = 0

    def delay_after(self, lived_s: float) -> float:
        """Seconds to wait after a daemon that lived ``lived_s``."""
        if lived_s >= FAST_S:
            self.fast_deaths = 0
        self.fast_deaths += 1
        waits = self.fast_deaths - FREE_RESTARTS
        return 0.0 if waits <= 0 else min(FIRST_DELAY_S * 2.0 ** min(waits - 1, 20), LONGEST_DELAY_S)
