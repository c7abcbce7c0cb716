"""What is known by two ranges of addresses, found again by two addresses, however much there is.

Each range stands under the smallest prefix that encloses it, so that a look-up asks one table for each
pair of prefix lengths in use, of which there are few.
"""

from collections.abc import Iterator
from typing import Generic, TypeVar

from cygnet.base.addresses import Address
from cygnet.base.selectors import TrafficSelector

T = TypeVar("T")

Place = tuple[tuple[int, int, int], tuple[int, int]]
"""Family and how many low bits of both addresses are ignored; the other bits."""


def place_of(source: TrafficSelector, destination: TrafficSelector) -> Place:
    """Where two ranges stand."""
    low, high = int(source.start), int(destination.start)
    first, second = (low ^ int(source.end)).bit_length(), (high ^ int(destination.end)).bit_length()
    return (source.family, first, second), (low >> first, high >> second)


class SelectorIndex(Generic[T]):
    """Things by their places, several at one place in the order of their coming."""

    def __init__(self) -> None:
        self._tables: dict[tuple[int, int, int], dict[tuple[int, int], list[T]]] = {}

    def add(self, place: Place, what: T) -> None:
        """Enter something."""
        table, bits = place
        self._tables.setdefault(table, {}).setdefault(bits, []).append(what)

    def remove(self, place: Place, what: T) -> None:
        """Take out what was entered there."""
        table, bits = place
        there = self._tables[table][bits]
        there.remove(what)
        if not there:
            del self._tables[table][bits]
        if not self._tables[table]:
            del self._tables[table]

    def near(self, source: Address, destination: Address) -> Iterator[T]:
        """All whose prefixes enclose both addresses; their ranges may be smaller."""
        family, low, high = source.version, int(source), int(destination)
        for (version, first, second), table in self._tables.items():
            if version == family:
                yield from table.get((low >> first, high >> second), ())
