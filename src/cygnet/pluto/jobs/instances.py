"""Instances of templates live as long as an ISAKMP SA of theirs."""

from cygnet.pluto.backends.connections import Connections
from cygnet.pluto.jobs.core import Sa
from cygnet.pluto.jobs.workplace import Workplace

LINGER_S = 2.0
"""After which an instance goes; a peer that authenticates anew meanwhile keeps it."""


class Instances:
    """Gives them back once nobody uses them."""

    def __init__(self, place: Workplace, connections: Connections) -> None:
        self._place, self._connections = place, connections

    def gone(self, sa: Sa) -> None:
        """An ISAKMP SA is over."""
        picture = sa.snapshot(self._place.clock())
        if picture.instance:
            name, instance = picture.name, picture.instance
            self._place.soon("release instance", lambda: self._release(name, instance), LINGER_S)

    def _release(self, name: str, instance: int) -> None:
        manager = self._place.manager
        pictures = map(manager.snapshot, manager.by_name(name))
        if not any(one is not None and one.instance == instance for one in pictures):
            self._connections.release(name, instance)
