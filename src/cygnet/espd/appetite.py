"""How much to read of a descriptor at a time.

A read that finds nothing costs more than the look at all descriptors that follows anyway, so that after a
rest one packet is read where mostly no second one waits. Where several wait they are read, and handled,
together, and the read that finds no more is worth its price.
"""


class Appetite:
    """Of one descriptor. ``most`` is read at a time at most."""

    __slots__ = ("_asked", "_most", "_rested", "_several")

    def __init__(self, most: int) -> None:
        self._most = self._asked = most
        self._rested = False
        self._several = True

    def limit(self, rested: bool) -> int:
        """How much to read now; ``rested``: nothing was to be done before."""
        self._rested = rested
        self._asked = 1 if rested and not self._several else self._most
        return self._asked

    def had(self, count: int) -> None:
        """So many there were."""
        if not self._rested:
            self._several = self._several or count > 0
        elif self._asked > 1:
            self._several = count > 1
