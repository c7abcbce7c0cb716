"""Connections that starter loads and forgets, as far as that concerns what is wanted and what is there."""

import threading
from collections.abc import Sequence
from typing import Protocol

from cygnet.charon.jobs.reconciler import Reconciler
from cygnet.charon.jobs.workplace import Workplace
from cygnet.charon.sa.orders import UpdateConfig
from cygnet.ctl.stroke import AddAuthority, AddConnection

SETTLE_S = 0.2
"""How long after a change the IKE_SAs hear of it: connections come in numbers."""


class Store(Protocol):
    """Where connections and authorities are kept."""

    def add(self, request: AddConnection) -> Sequence[str]:
        """Load or replace a connection; the answer is warnings."""

    def remove(self, name: str) -> bool:
        """Forget a connection; whether it was there."""

    def add_authority(self, request: AddAuthority) -> Sequence[str]:
        """Load or replace a ``ca`` section; the answer is warnings."""

    def remove_authority(self, name: str) -> bool:
        """Forget a ``ca`` section; whether it was there."""


class Loading:
    """In front of the store: wishes end with their connection, and IKE_SAs learn of further children."""

    def __init__(self, store: Store, reconciler: Reconciler, place: Workplace) -> None:
        self._store = store
        self._reconciler = reconciler
        self._place = place
        self._lock = threading.Lock()
        self._changed: dict[str, None] = {}

    def add(self, request: AddConnection) -> Sequence[str]:
        """Load or replace a connection; the answer is warnings. Raises ``LocalError``."""
        warnings = self._store.add(request)
        with self._lock:
            first = not self._changed
            self._changed[request.name] = None
        if first:
            self._place.later(SETTLE_S, "update connections", self._update)
        return warnings

    def remove(self, name: str) -> bool:
        """Forget a connection; whether it was there."""
        self._reconciler.forget(name)
        return self._store.remove(name)

    def add_authority(self, request: AddAuthority) -> Sequence[str]:
        """Load or replace a ``ca`` section; the answer is warnings. Raises ``LocalError``."""
        return self._store.add_authority(request)

    def remove_authority(self, name: str) -> bool:
        """Forget a ``ca`` section; whether it was there."""
        return self._store.remove_authority(name)

    def _update(self) -> None:
        """IKE_SAs of connections that were changed may be asked for other CHILD_SAs from now on."""
        with self._lock:
            changed, self._changed = self._changed, {}
        groups = {}
        for name in changed:
            found = self._place.loaded.child(name)
            if found is not None:
                groups[found[0].name] = found[0]
        for peer in groups.values():
            for name in dict.fromkeys((peer.name, *(child.name for child in peer.children))):
                for number in self._place.manager.by_name(name):
                    self._place.order(number, UpdateConfig(peer))
