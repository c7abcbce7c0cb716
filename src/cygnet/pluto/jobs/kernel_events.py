"""From the kernel thread to ISAKMP SAs: what the kernel tells becomes orders."""

from collections.abc import Callable
from typing import Any

from cygnet.base.groups import Group
from cygnet.kernel.port import Acquire, Expire, KernelEvent, KernelReset, MappingChange, SaId
from cygnet.pluto.jobs.core import Picture
from cygnet.pluto.jobs.reconciler import Reconciler
from cygnet.pluto.jobs.routes import Routes
from cygnet.pluto.jobs.workplace import Workplace
from cygnet.pluto.sa import orders


class KernelEvents:
    """The listener of the kernel port; called on the backend's thread, queues only."""

    def __init__(self, place: Workplace, reconciler: Reconciler, routes: Routes) -> None:
        self._place, self._reconciler, self._routes = place, reconciler, routes
        self._by_kind: dict[type, Callable[[Any], None]] = {
            Acquire: self._acquire,
            Expire: self._expire,
            MappingChange: self._mapping,
            KernelReset: self._reset,
        }

    def __call__(self, event: KernelEvent) -> None:
        """Take one event; changes of addresses are none of pluto's business."""
        handle = self._by_kind.get(type(event))
        if handle is not None:
            handle(event)

    def _acquire(self, event: Acquire) -> None:
        """The kernel tells both daemons of each packet; that of another's trap is not ours."""
        trap = self._routes.traps.find(event.reqid)
        if trap is None:
            return
        packet = f"{event.source} === {event.destination}"
        self._log(f"creating acquire job for policy {packet} with reqid {{{event.reqid}}}")
        self._reconciler.acquire(trap, event)

    def _expire(self, event: Expire) -> None:
        self._tell(event.id, orders.KernelExpire(event.id, event.hard))

    def _mapping(self, event: MappingChange) -> None:
        self._tell(event.id, orders.MappingChange(event.id, event.remote))

    def _reset(self, event: KernelReset) -> None:
        """All SAs and policies are gone: traps come back as they are, IPsec SAs by negotiation."""
        self._log("the data plane was restarted, CHILD_SAs are established anew")
        self._place.soon("restore traps", self._routes.traps.restore)
        for number in self._place.manager.unique_ids():
            self._place.order(number, orders.KernelReset())

    def _tell(self, id: SaId, order: orders.Order) -> None:
        """SPIs are looked for, since addresses may have changed; of several who has them first."""
        manager = self._place.manager
        owners = [one for one in map(manager.snapshot, manager.by_kernel_spi(id.spi)) if one is not None]
        if owners:
            owner = next((one for one in owners if _has(one, id)), owners[0])
            self._place.order(owner.number, order)
            return
        self._log(f"no ISAKMP SA has the SA with SPI {id.spi:08x}")

    def _log(self, text: str) -> None:
        self._place.log(Group.KNL, text)


def _has(picture: Picture, id: SaId) -> bool:
    return any(child.ids is not None and id in child.ids for child in picture.children)
