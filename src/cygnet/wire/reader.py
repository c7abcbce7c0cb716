"""A cursor over octets from the network."""

from struct import Struct
from typing import Any

from cygnet.base.errors import MalformedError


class Reader:
    """Takes values off the front of ``data``; whatever is too short raises :class:`MalformedError`.

    ``what`` names the structure in the error's text.
    """

    __slots__ = ("_at", "_data", "_end", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._what = what
        self._at = 0
        self._end = len(data)

    @property
    def left(self) -> int:
        """Octets not yet taken."""
        return self._end - self._at

    def unpack(self, layout: Struct) -> tuple[Any, ...]:
        """The values of one fixed layout."""
        self._need(layout.size)
        at = self._at
        self._at = at + layout.size
        return layout.unpack_from(self._data, at)

    def take(self, size: int) -> bytes:
        """The next ``size`` octets."""
        self._need(size)
        at = self._at
        self._at = at + size
        return self._data[at : self._at]

    def rest(self) -> bytes:
        """Everything not yet taken."""
        return self.take(self.left)

    def finish(self) -> None:
        """Raises when octets are left over."""
        if self._at != self._end:
            raise MalformedError(f"{self._what}: {self.left} octets left over")

    def _need(self, size: int) -> None:
        if size > self._end - self._at:
            raise MalformedError(f"{self._what}: {size} octets expected, {self.left} left")
