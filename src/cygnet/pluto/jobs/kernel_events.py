"""From the kernel thread to ISAKMP SAs: what the kernel tells becomes orders."""

from cygnet.base.groups import Group
from cygnet.kernel.port import Expire, KernelEvent, KernelReset, MappingChange, SaId
from cygnet.pluto.jobs.core import Picture
from cygnet.pluto.jobs.reactions import Workplace
from cygnet.pluto.sa import orders


class KernelEvents:
    """The listener of the kernel port; called on the backend's thread, queues only."""

    def __init__(self, place: Workplace) -> None:
        self._place = place

    def __call__(self, event: KernelEvent) -> None:
        """Take one event; others than these concern traps and addresses, which pluto does not follow yet."""
        if isinstance(event, Expire):
            self._tell(event.id, orders.KernelExpire(event.id, event.hard))
        elif isinstance(event, MappingChange):
            self._tell(event.id, orders.MappingChange(event.id, event.remote))
        elif isinstance(event, KernelReset):
            self._place.log(Group.KNL, "the data plane was restarted, CHILD_SAs are established anew")
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
        self._place.log(Group.KNL, f"no ISAKMP SA has the SA with SPI {id.spi:08x}")


def _has(picture: Picture, id: SaId) -> bool:
    return any(child.ids is not None and id in child.ids for child in picture.children)
