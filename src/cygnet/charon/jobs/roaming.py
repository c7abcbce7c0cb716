"""From changes of addresses, links and routes to the IKE_SAs, as strongSwan's roam events."""

import threading
from collections.abc import Callable, Iterable

from cygnet.base.groups import Group, Level
from cygnet.charon.sa.orders import Order, Roam
from cygnet.kernel.port import AddressChange
from cygnet.keying.config.settings import DaemonSettings
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.queues.events import EventQueue

INTERVAL_S = 0.5
"""The least time between two rounds through all IKE_SAs; a change that comes earlier waits."""


class Roaming:
    """Takes what the kernel tells, on its thread; then every IKE_SA looks whether its path is still good."""

    def __init__(
        self,
        settings: DaemonSettings,
        events: EventQueue,
        bus: Bus,
        order: Callable[[int, Order], bool],
        unique_ids: Callable[[], Iterable[int]],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._events = events
        self._bus = bus
        self._order, self._unique_ids, self._clock = order, unique_ids, clock
        self._lock = threading.Lock()
        self._waiting = False
        self._last = -INTERVAL_S

    def __call__(self, change: AddressChange) -> None:
        """One change; several that come together are one round."""
        settings = self._settings
        if not settings.roam_events or (change.routes_only and not settings.process_route):
            return
        with self._lock:
            if self._waiting:
                return
            self._waiting = True
            delay = max(0.0, self._last + INTERVAL_S - self._clock())
        if not self._events.put_in(delay, self._round):
            with self._lock:
                self._waiting = False

    def _round(self) -> None:
        with self._lock:
            self._waiting, self._last = False, self._clock()
        numbers = tuple(self._unique_ids())
        self._bus.log(Group.KNL, Level.DETAIL, f"addresses or routes changed, {len(numbers)} IKE_SAs look")
        for number in numbers:
            self._order(number, Roam())
