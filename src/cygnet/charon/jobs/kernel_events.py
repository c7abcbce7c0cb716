"""From the kernel thread to IKE_SAs: what the kernel tells becomes orders."""

from collections.abc import Callable
from typing import Any

from cygnet.base.groups import Group, Level
from cygnet.charon.jobs.installed import Installed
from cygnet.charon.jobs.reconciler import Reconciler
from cygnet.charon.jobs.workplace import Workplace
from cygnet.charon.sa import orders
from cygnet.kernel.port import Acquire, AddressChange, Expire, KernelEvent, KernelReset, MappingChange
from cygnet.keying.traps import Traps


class KernelEvents:
    """The listener of the kernel port; called on the backend's thread, queues only."""

    def __init__(
        self,
        place: Workplace,
        reconciler: Reconciler,
        traps: Traps,
        installed: Installed,
        moved: Callable[[AddressChange], None],
    ) -> None:
        self._place = place
        self._reconciler = reconciler
        self._traps = traps
        self._installed = installed
        self._by_kind: dict[type, Callable[[Any], None]] = {
            Acquire: self._acquire,
            Expire: self._expire,
            MappingChange: self._mapping,
            AddressChange: moved,
            KernelReset: self._reset,
        }

    def __call__(self, event: KernelEvent) -> None:
        """Take one event."""
        handle = self._by_kind.get(type(event))
        if handle is not None:
            handle(event)

    def _acquire(self, event: Acquire) -> None:
        trap = self._traps.find(event.reqid)
        packet = f"{event.source} === {event.destination}"
        if trap is None:
            self._log(f"got an acquire for {packet} with unknown reqid {event.reqid}")
            return
        self._log(f"creating acquire job for policy {packet} with reqid {{{event.reqid}}}")
        selectors = trap.wanted_for(event.source.start, event.destination.start)
        order = orders.Acquire(
            trap.child, event.reqid, event.source, event.destination, selectors=selectors
        )
        only = event.destination.start if trap.wildcard else None
        self._reconciler.acquire(trap.peer, order, only)

    def _expire(self, event: Expire) -> None:
        owner = self._installed.owner(event.id)
        if owner is None:
            self._log(f"received an expire for unknown SA with SPI {event.id.spi:08x}")
            return
        self._place.order(owner, orders.KernelExpire(event.id, event.hard))

    def _mapping(self, event: MappingChange) -> None:
        owner = self._installed.owner(event.id)
        if owner is not None:
            self._place.order(owner, orders.MappingChange(event.id, event.remote))

    def _reset(self, event: KernelReset) -> None:
        """All SAs and policies are gone: traps come back as they are, CHILD_SAs by negotiation."""
        self._log("the data plane was restarted, CHILD_SAs are established anew")
        self._place.soon("restore traps", self._traps.restore)
        for number in self._place.manager.unique_ids():
            self._place.order(number, orders.KernelReset())

    def _log(self, text: str) -> None:
        self._place.bus.log(Group.KNL, Level.CONTROL, text)
