"""Which IKE_SA an SA of the kernel belongs to."""

import threading
from dataclasses import dataclass

from cygnet.charon.sa.snapshot import ChildSnapshot
from cygnet.kernel.port import SaId


@dataclass(frozen=True, slots=True)
class _Known:
    ike_id: int
    ids: tuple[SaId, SaId]


class Installed:
    """Kernel SAs by SPI, for addresses change (RFC 4555); safe for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: dict[int, _Known] = {}
        self._by_spi: dict[int, set[int]] = {}

    def add(self, ike_id: int, child: ChildSnapshot) -> None:
        """The CHILD_SA's two SAs belong to this IKE_SA now."""
        with self._lock:
            self._children[child.unique_id] = _Known(ike_id, (child.inbound, child.outbound))
            for spi in (child.inbound.spi, child.outbound.spi):
                self._by_spi.setdefault(spi, set()).add(child.unique_id)

    def remove(self, child: ChildSnapshot) -> None:
        """They are gone."""
        with self._lock:
            if self._children.pop(child.unique_id, None) is None:
                return
            for spi in {child.inbound.spi, child.outbound.spi}:
                holders = self._by_spi.get(spi, set())
                holders.discard(child.unique_id)
                if not holders:
                    self._by_spi.pop(spi, None)

    def owner(self, id: SaId) -> int | None:
        """The IKE_SA's number; of several peers that chose the same SPI the one with these addresses."""
        with self._lock:
            known = [self._children[number] for number in self._by_spi.get(id.spi, ())]
        exact = [one for one in known if id in one.ids]
        return next((one.ike_id for one in (exact or known)), None)
