"""Packets that went no further, counted by reason, for all and for the SA they were of."""

from collections import Counter

from cygnet.esp.meter import Meter
from cygnet.esp.records import Drop


class Drops(Counter[Drop]):
    """How many there were, by reason."""

    def lose(self, reason: Drop, meter: Meter | None = None, packets: int = 1) -> None:
        """Count packets, those of an SA with its meter too."""
        self[reason] += packets
        if meter is not None:
            meter.drops[reason] += packets
