"""Numbers that are unique in the daemon: of CHILD_SAs, of selectors (reqids), of waiting commands."""

import itertools
import threading
from collections.abc import Callable

from cygnet.base.selectors import TrafficSelector
from cygnet.keying.sa.marks import NO_MARKS, Marks

Selectors = tuple[tuple[TrafficSelector, ...], tuple[TrafficSelector, ...], Marks]


class Numbers:
    """Hands out numbers to every thread. ``next_ike`` is the manager's counter.

    CHILD_SAs and traps have one of their own unless ``next_child`` is given.
    """

    def __init__(
        self, next_ike: Callable[[], int], reqid_base: int = 1, next_child: Callable[[], int] | None = None
    ) -> None:
        self.ike = next_ike
        self.child = next_child or itertools.count(1).__next__
        self._tickets = itertools.count(1)
        self._reqids = itertools.count(reqid_base)
        self._marks = itertools.count(1)
        self._lock = threading.Lock()
        self._by_selectors: dict[Selectors, int] = {}
        self._users: dict[int, int] = {}
        self._selectors: dict[int, Selectors] = {}

    def ticket(self) -> int:
        """A number that an order brings back when it is finished."""
        return next(self._tickets)

    def mark(self) -> int:
        """A mark for ``%unique``."""
        return next(self._marks)

    def reqid(
        self, local: tuple[TrafficSelector, ...], remote: tuple[TrafficSelector, ...], marks: Marks = NO_MARKS
    ) -> int:
        """The reqid of these selectors and marks, with one more user; the same as long as it has users."""
        with self._lock:
            reqid = self._by_selectors.get((local, remote, marks))
            if reqid is None:
                reqid = next(self._reqids)
                self._by_selectors[local, remote, marks] = reqid
                self._selectors[reqid] = (local, remote, marks)
            self._users[reqid] = self._users.get(reqid, 0) + 1
            return reqid

    def release_reqid(self, reqid: int) -> None:
        """One user less; unknown reqids (configured ones) are ignored."""
        with self._lock:
            if reqid not in self._users:
                return
            self._users[reqid] -= 1
            if not self._users[reqid]:
                del self._users[reqid], self._by_selectors[self._selectors.pop(reqid)]
