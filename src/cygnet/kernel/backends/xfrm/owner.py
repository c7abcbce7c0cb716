"""Whose an entry of the kernel is: marks that outlive the daemon, in fields that the kernel only keeps.

An SA of ours has a sequence number (that of an acquire it answers, unused once it is valid), a policy an
index, a virtual address a metric and a reserved SPI a reqid with the same upper 12 bits: the highest, which
no number that the kernel gives itself reaches, and a tag of 11 that is drawn once and kept in a file of the
run directory. So a new daemon finds exactly what its predecessor left, and two daemons in one network
namespace leave each other alone.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

_HIGHEST = 0x800
_TAGS = 1 << 11
_SHIFT = 20
_LOW = (1 << _SHIFT) - 1
_DIRECTION_BITS = 3
MAX_INDICES = 1 << (_SHIFT - _DIRECTION_BITS)
"""Policies of ours in one direction."""


class Owner:
    """Makes and recognises the marks of one tag."""

    def __init__(self, tag: int) -> None:
        self.tag = tag % _TAGS
        self._upper = _HIGHEST | self.tag
        self._sequence = 0

    @property
    def reservation(self) -> int:
        """The reqid of SPIs that are reserved, but have no SA yet."""
        return self._upper << _SHIFT | _LOW

    @property
    def metric(self) -> int:
        """Of virtual addresses."""
        return self._upper << _SHIFT

    def sequence(self) -> int:
        """The next SA's; they differ, since the kernel hashes by them."""
        self._sequence = (self._sequence + 1) & _LOW
        return self._upper << _SHIFT | self._sequence

    def index(self, number: int, direction: int) -> int:
        """A policy's, from a number below :data:`MAX_INDICES`."""
        return self._upper << _SHIFT | number << _DIRECTION_BITS | direction

    def owns(self, value: int) -> bool:
        """Whether a sequence number, an index, a metric or a reservation's reqid is ours."""
        return value >> _SHIFT == self._upper


def load_owner(path: Path, in_use: Callable[[], Iterable[int]], chance: Callable[[int], int]) -> Owner:
    """The owner of earlier daemons with this file, or a new one with a tag that nobody uses yet.

    ``in_use`` lists such numbers in the kernel; ``chance(n)`` draws below n. Raises
    ``OSError`` when the file cannot be written.
    """
    tag, _ = read(path)
    if tag is None:
        taken = {value >> _SHIFT for value in in_use()}
        free = [number for number in range(_TAGS) if _HIGHEST | number not in taken]
        tag = free[chance(len(free))] if free else chance(_TAGS)
    owner = Owner(tag)
    write(path, owner, busy=True)
    return owner


def read(path: Path) -> tuple[int | None, bool]:
    """The tag in the file, ``None`` without one, and whether its daemon has not ended in order."""
    try:
        tag, *rest = path.read_text("ascii").split()
        number = int(tag, 16)
    except (OSError, ValueError):
        return None, False
    return (number if 0 <= number < _TAGS else None), bool(rest)


def write(path: Path, owner: Owner, *, busy: bool) -> None:
    """Note the tag, and whether a daemon may have something in the kernel; raises ``OSError``."""
    path.write_text(f"{owner.tag:03x}{' busy' if busy else ''}\n", "ascii")
