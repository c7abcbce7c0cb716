"""Routes of tunnels to the TUN device."""

from collections.abc import Callable, Iterable
from contextlib import closing

from cygnet.base.addresses import Address
from cygnet.kernel.backends.host import local_addresses
from cygnet.kernel.backends.route_table import RouteTable, Way
from cygnet.kernel.backends.routes import Routes, inside
from cygnet.kernel.port import PolicySpec


class DeviceRoutes:
    """What policies want led to one device, with a source address for our own packets."""

    def __init__(self, device: int, addresses: Callable[[], Iterable[Address]] = local_addresses) -> None:
        """Install the rules; ``device`` is the device's index. Raises :class:`LocalError`."""
        self._device = device
        self._addresses = addresses
        self._table = RouteTable()
        self._table.start()
        self._routes = Routes(self._table, self._choose)

    def add(self, spec: PolicySpec) -> None:
        """Lead a policy's destination to the device; raises :class:`LocalError` when the kernel refuses."""
        self._routes.add(spec)

    def remove(self, spec: PolicySpec) -> None:
        """Take back one :meth:`add`; a route goes with its last user."""
        self._routes.remove(spec)

    def close(self) -> None:
        """Remove rules and routes."""
        self._table.clear()
        self._table.close()

    def _choose(self, spec: PolicySpec) -> Way:
        return Way(self._device, source=inside(spec.source, self._addresses()))


def cleanup() -> int:
    """Remove rules and routes that an espd left behind; returns how many there were."""
    with closing(RouteTable()) as table:
        return table.clear()
