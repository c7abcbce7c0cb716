"""From the kernel thread to IKE_SAs: what the kernel tells becomes orders."""

from collections.abc import Callable
from typing import Any

from cygnet.base.groups import Group, Level
from cygnet.charon.jobs.installed import Installed
from cygnet.charon.jobs.negotiations import Negotiations, Workplace
from cygnet.charon.jobs.traps import Traps
from cygnet.charon.sa import orders
from cygnet.kernel.port import Acquire, Expire, KernelEvent, KernelReset, MappingChange
from cygnet.runtime.queues.jobs import CallJob, Priority


class KernelEvents:
    """The listener of the kernel port; called on the backend's thread, queues only."""

    def __init__(
        self, place: Workplace, negotiations: Negotiations, traps: Traps, installed: Installed
    ) -> None:
        self._place = place
        self._negotiations = negotiations
        self._traps = traps
        self._installed = installed
        self._by_kind: dict[type, Callable[[Any], None]] = {
            Acquire: self._acquire,
            Expire: self._expire,
            MappingChange: self._mapping,
            KernelReset: self._reset,
        }

    def __call__(self, event: KernelEvent) -> None:
        """Take one event. Address changes matter to MOBIKE only, which is not built yet."""
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
        peer, child = trap.wanted_for(event.source.start, event.destination.start)
        ticket = self._traps.asked(event.reqid)
        order = orders.Acquire(child, event.reqid, event.source, event.destination, ticket)
        only = event.destination.start if trap.wildcard else None
        self._negotiations.acquire(peer, order, only, lambda: self._traps.finished(ticket, False))

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
        self._place.jobs.put(CallJob("restore traps", Priority.HIGH, self._traps.restore), sure=True)
        for number in self._place.manager.unique_ids():
            self._place.order(number, orders.KernelReset())

    def _log(self, text: str) -> None:
        self._place.bus.log(Group.KNL, Level.CONTROL, text)
