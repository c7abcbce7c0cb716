"""Packets of one length side by side in memory, as a matrix of octets with one row for each.

What a loop would do with slices of every packet, NumPy does with a column of all of them. Rows and columns
are looked at through views that are made once for each length: at a microsecond a packet, making a view
costs too much.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_ROWS = 128
ROOM = 128 * 1024
"""Octets of a grid."""
_MAX_LAYOUTS = 64

Octets = bytes | memoryview
Matrix = NDArray[np.uint8]
Column = NDArray[Any]

STEPS: NDArray[np.uint64] = np.arange(MAX_ROWS, dtype=np.uint64)
"""0, 1, 2, …: what differs from row to row."""
STEPS32: NDArray[np.uint32] = np.arange(MAX_ROWS, dtype=np.uint32)


class Layout:
    """A grid's memory seen as rows of ``length`` octets, of which there is room for ``count``."""

    __slots__ = ("_fields", "_slices", "_words", "count", "length", "matrix", "memory")

    def __init__(self, memory: memoryview, length: int) -> None:
        self.memory = memory
        self.length = length
        self.count = min(MAX_ROWS, len(memory) // length)
        octets = np.frombuffer(memory, np.uint8, self.count * length)
        self.matrix: Matrix = octets.reshape(self.count, length)
        self._fields: dict[tuple[int, str], Column] = {}
        self._words: dict[tuple[int, int], Column] = {}
        self._slices: dict[tuple[int, int], list[memoryview]] = {}

    def slices(self, start: int, end: int, count: int) -> list[memoryview]:
        """Octets ``start`` to ``end`` of each row, of the first ``count`` at least."""
        found = self._slices.setdefault((start, end), [])
        for row in range(len(found), count):
            found.append(self.memory[row * self.length + start : row * self.length + end])
        return found

    def field(self, at: int, kind: str) -> Column:
        """The number at one place of each row; ``kind`` is NumPy's (``>u4``: 32 bits, network order)."""
        found = self._fields.get((at, kind))
        if found is None:
            found = np.ndarray((self.count,), kind, self.memory, at, (self.length,))
            self._fields[at, kind] = found
        return found

    def words(self, start: int, end: int) -> Column:
        """The 16-bit words from ``start`` to ``end`` of each row, as little-endian numbers; a last octet
        without a second one is left out."""
        found = self._words.get((start, end))
        if found is None:
            shape = (self.count, (end - start) // 2)
            found = np.ndarray(shape, "<u2", self.memory, start, (self.length, 2))
            self._words[start, end] = found
        return found


class Grid:
    """Memory for packets of one length at a time."""

    def __init__(self, octets: int = ROOM) -> None:
        self._memory = memoryview(bytearray(octets))
        self._layouts: dict[int, Layout] = {}

    def layout(self, length: int) -> Layout:
        """The memory as rows of ``length`` octets; what was there is not moved."""
        found = self._layouts.get(length)
        if found is None:
            if len(self._layouts) >= _MAX_LAYOUTS:
                del self._layouts[next(iter(self._layouts))]
            found = self._layouts[length] = Layout(self._memory, length)
        return found

    def load(self, data: Octets, length: int) -> Layout:
        """Copy packets that lie one after the other into rows."""
        self._memory[: len(data)] = data
        return self.layout(length)
