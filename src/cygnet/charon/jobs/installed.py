"""The CHILD_SAs that there are: by the kernel's SAs, by name, by reqid, by what they are for."""

import threading
from dataclasses import dataclass
from typing import TypeVar

from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.port import SaId
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.child_snapshot import ChildSnapshot
from cygnet.keying.sa.events import ChildUp


@dataclass(slots=True)
class Known:
    """One CHILD_SA. ``leaving``: it is being deleted.

    ``initiated``: made at our request. ``renewed``: a rekeying made it.
    """

    ike_id: int
    config: ChildConfig
    child: ChildSnapshot
    initiated: bool
    renewed: bool = False
    leaving: bool = False


Traffic = tuple[str, tuple[TrafficSelector, ...], tuple[TrafficSelector, ...]]
"""What a CHILD_SA is for: its configuration's name, the selectors here and there."""


class Installed:
    """What the events of IKE_SAs told so far; safe for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[int, Known] = {}
        self._by_spi: dict[int, list[Known]] = {}
        self._by_name: dict[str, dict[int, Known]] = {}
        self._by_reqid: dict[int, dict[int, Known]] = {}
        self._by_ike: dict[int, set[int]] = {}
        self._carrying: dict[Traffic, dict[int, Known]] = {}  # without those that are leaving

    def add(self, event: ChildUp) -> None:
        """A CHILD_SA carries traffic. One that replaces what was to be deleted is to be deleted too."""
        child = event.child
        known = Known(event.ike_id, event.config, child, event.initiated, event.replaces != 0)
        with self._lock:
            self._all[child.unique_id] = known
            replaced = self._all.get(event.replaces)
            known.leaving = replaced is not None and replaced.leaving
            for spi in {child.inbound.spi, child.outbound.spi}:
                self._by_spi.setdefault(spi, []).append(known)
            self._by_name.setdefault(child.name, {})[child.unique_id] = known
            self._by_reqid.setdefault(child.reqid, {})[child.unique_id] = known
            self._by_ike.setdefault(event.ike_id, set()).add(child.unique_id)
            if not known.leaving:
                self._carrying.setdefault(_traffic(child), {})[child.unique_id] = known

    def remove(self, child_id: int) -> None:
        """It is gone."""
        with self._lock:
            known = self._all.pop(child_id, None)
            if known is None:
                return
            child = known.child
            for spi in {child.inbound.spi, child.outbound.spi}:
                self._by_spi[spi].remove(known)
                if not self._by_spi[spi]:
                    del self._by_spi[spi]
            _drop(self._by_name, child.name, child_id)
            _drop(self._by_reqid, child.reqid, child_id)
            _drop(self._carrying, _traffic(child), child_id)
            self._by_ike[known.ike_id].discard(child_id)
            if not self._by_ike[known.ike_id]:
                del self._by_ike[known.ike_id]

    def mark_leaving(self, child_id: int) -> None:
        """It is being deleted: nobody should count on it."""
        with self._lock:
            known = self._all.get(child_id)
            if known is not None:
                known.leaving = True
                _drop(self._carrying, _traffic(known.child), child_id)

    def move(self, old_ike: int, new_ike: int) -> None:
        """An IKE_SA was rekeyed: its CHILD_SAs belong to the new one."""
        with self._lock:
            moved = self._by_ike.pop(old_ike, set())
            for child_id in moved:
                self._all[child_id].ike_id = new_ike
            if moved:
                self._by_ike.setdefault(new_ike, set()).update(moved)

    def owner(self, id: SaId) -> int | None:
        """The IKE_SA that a kernel SA belongs to. Addresses may have changed since; SPIs have not."""
        with self._lock:
            found = self._by_spi.get(id.spi, [])
            exact = (one for one in found if id in (one.child.inbound, one.child.outbound))
            known = next(exact, found[0] if found else None)
            return known.ike_id if known is not None else None

    def named(self, name: str) -> tuple[Known, ...]:
        """The CHILD_SAs of a configuration that are not being deleted, oldest first."""
        with self._lock:
            return tuple(one for one in self._by_name.get(name, {}).values() if not one.leaving)

    def every(self, name: str) -> tuple[Known, ...]:
        """All CHILD_SAs of a configuration, those too that are being deleted."""
        with self._lock:
            return tuple(self._by_name.get(name, {}).values())

    def has_other(self, child_id: int, traffic: Traffic) -> bool:
        """Whether another CHILD_SA, which is not being deleted, is for the same.

        A gateway with one configuration for all has thousands of that name, and may lose all at once.
        """
        with self._lock:
            return any(other != child_id for other in self._carrying.get(traffic, ()))

    def of_ike(self, ike_id: int, name: str = "") -> tuple[Known, ...]:
        """The CHILD_SAs of an IKE_SA, of one configuration or of all, oldest first.

        What concerns one IKE_SA must not look through those of all others: a gateway has one configuration.
        """
        with self._lock:
            found = [self._all[child_id] for child_id in sorted(self._by_ike.get(ike_id, ()))]
        return tuple(one for one in found if name in ("", one.child.name))

    def sender(self, reqid: int) -> int:
        """The outbound SPI of the newest CHILD_SA with this reqid, 0 if there is none."""
        with self._lock:
            newest_first = reversed(self._by_reqid.get(reqid, {}).values())
            return next((one.child.outbound.spi for one in newest_first if not one.leaving), 0)


K = TypeVar("K")


def _drop(index: dict[K, dict[int, Known]], key: K, child_id: int) -> None:
    entries = index.get(key, {})
    entries.pop(child_id, None)
    if not entries:
        index.pop(key, None)


def _traffic(child: ChildSnapshot) -> Traffic:
    return child.name, child.local_ts, child.remote_ts
