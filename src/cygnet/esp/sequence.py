"""Sequence numbers as a receiver sees them: extended numbers inferred, replays refused (RFC 4303, A2).

The window is a ring with one slot for each number modulo its size, holding the last number seen there.
A number inside the window was seen exactly when its slot holds it, so nothing is ever shifted or
cleared; RFC 6479 has the same idea with bits.
"""

from operator import ge

MAX_WINDOW = 4096
_HALF = 1 << 32


class ReplayWindow:
    """The last ``size`` sequence numbers of one SA; ``size`` 0 accepts everything.

    ``extended`` numbers have 64 bits of which the packet shows 32 (:meth:`infer`).
    """

    __slots__ = ("_extended", "_size", "_slots", "top")

    def __init__(self, size: int, extended: bool = False) -> None:
        self._size = min(size, MAX_WINDOW)
        self._slots = [0] * self._size
        self._extended = extended
        self.top = 0

    def infer(self, low: int) -> int:
        """The whole number whose low half a packet shows (RFC 4303, A2.2); -1 when there is none."""
        if not self._extended:
            return low
        top_high, top_low = divmod(self.top, _HALF)
        bottom = top_low - (self._size or 64) + 1
        if bottom >= 0:
            high = top_high if low >= bottom else top_high + 1
        else:
            high = top_high - 1 if low >= bottom + _HALF else top_high
        return high * _HALF + low if 0 <= high < _HALF else -1

    def is_new(self, number: int) -> bool:
        """Whether a number is neither a replay nor left of the window. 0 is never sent (3.3.3)."""
        if not self._size:
            return number >= 0
        return number > self.top or (
            number > 0 and number > self.top - self._size and self._slots[number % self._size] != number
        )

    def successors(self, lows: list[int]) -> list[int]:
        """The whole numbers of packets, if each is larger than all before it, those in the window included.

        Nothing otherwise: packets that came in another order must be asked about one by one.
        """
        first = self.infer(lows[0])
        last = first + lows[-1] - lows[0]
        if first <= self.top or self.infer(lows[-1]) != last:
            return []
        if any(map(ge, lows, lows[1:])):
            return []
        return [first + low - lows[0] for low in lows] if self._extended else lows

    def accept(self, number: int) -> None:
        """Note a number whose packet is authentic; to be called only where :meth:`is_new` says so."""
        if number > self.top:
            self.top = number
        if self._size:
            self._slots[number % self._size] = number

    def accept_all(self, numbers: list[int]) -> None:
        """:meth:`accept` for some of what :meth:`successors` has found."""
        if numbers:
            self.top = numbers[-1]
        size, slots = self._size, self._slots
        for number in numbers[-size:] if size else ():
            slots[number % size] = number
