"""Which IKE_SA an SA of the kernel belongs to."""

import threading

from cygnet.charon.sa.snapshot import ChildSnapshot
from cygnet.kernel.port import SaId


class Installed:
    """Kernel SAs by identifier; safe for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: dict[SaId, int] = {}

    def add(self, ike_id: int, child: ChildSnapshot) -> None:
        """The CHILD_SA's two SAs belong to this IKE_SA now."""
        with self._lock:
            self._owners[child.inbound] = ike_id
            self._owners[child.outbound] = ike_id

    def remove(self, child: ChildSnapshot) -> None:
        """They are gone."""
        with self._lock:
            self._owners.pop(child.inbound, None)
            self._owners.pop(child.outbound, None)

    def move(self, old_ike: int, new_ike: int) -> None:
        """An IKE_SA was rekeyed: its CHILD_SAs belong to the new one."""
        with self._lock:
            for name, owner in self._owners.items():
                if owner == old_ike:
                    self._owners[name] = new_ike

    def owner(self, id: SaId) -> int | None:
        """The IKE_SA's number."""
        return self._owners.get(id)
