"""Which routes the policies in force need: each prefix counted by its users, the first of whom decides."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.xfrm.primitives import Network
from cygnet.kernel.backends.xfrm.ways import Way
from cygnet.kernel.port import PolicySpec

MAX_PREFIXES = 256
"""Prefixes that one policy's range may need."""


class Table(Protocol):
    """The part of :class:`~cygnet.kernel.backends.xfrm.route_table.RouteTable` that is needed here."""

    def put(self, network: Network, way: Way) -> None:
        """Install or replace."""

    def drop(self, network: Network, way: Way) -> None:
        """Remove."""

    def held(self) -> dict[Network, Way]:
        """What is there."""

    def rules_missing(self) -> tuple[int, ...]:
        """The IP versions without the rule."""

    def restore_rule(self, version: int) -> None:
        """Install the rule again."""

    def clear(self) -> int:
        """Remove everything of ours."""

    def close(self) -> None:
        """End; what is installed stays."""


Chooser = Callable[[PolicySpec], Way | None]
"""Where the destination of a policy is to be led, ``None`` for nowhere."""


@dataclass(slots=True)
class _Entry:
    users: list[PolicySpec] = field(default_factory=list)
    way: Way | None = None


class Routes:
    """The routes of a table, by what ``choose`` says of each policy."""

    def __init__(self, table: Table, choose: Chooser) -> None:
        self._table = table
        self._choose = choose
        self._entries: dict[Network, _Entry] = {}

    def add(self, spec: PolicySpec) -> None:
        """Lead a policy's destination; raises :class:`LocalError` when the kernel refuses."""
        networks = spec.destination.networks()
        if len(networks) > MAX_PREFIXES:
            raise LocalError(f"{spec.destination} needs more than {MAX_PREFIXES} routes")
        for network in networks:
            self._entries.setdefault(network, _Entry()).users.append(spec)
        try:
            for network in networks:
                self._settle(network)
        except LocalError:
            self.remove(spec)
            raise

    def remove(self, spec: PolicySpec) -> None:
        """Take back one :meth:`add`; a route goes with its last user."""
        for network in spec.destination.networks():
            entry = self._entries.get(network)
            if entry is None or spec not in entry.users:
                continue
            entry.users.remove(spec)
            with suppress(LocalError):
                self._settle(network)

    def refresh(self) -> None:
        """Addresses have changed: choose again, and put what differs, or what the kernel has dropped."""
        held = self._table.held()
        for network, entry in list(self._entries.items()):
            if entry.way is not None and held.get(network) != entry.way:
                entry.way = None
            with suppress(LocalError):
                self._settle(network)

    def missing(self) -> dict[Network, Way]:
        """What should be in the table and is not, or is different there."""
        held = self._table.held()
        wanted = {network: entry.way for network, entry in self._entries.items() if entry.way is not None}
        return {network: way for network, way in wanted.items() if held.get(network) != way}

    def strays(self) -> dict[Network, Way]:
        """What bears our number in the table and nobody needs."""
        return {
            network: way
            for network, way in self._table.held().items()
            if network not in self._entries or self._entries[network].way is None
        }

    def _settle(self, network: Network) -> None:
        """Let the table hold what the first user wants who wants anything."""
        entry = self._entries[network]
        wanted = next((way for spec in entry.users if (way := self._choose(spec)) is not None), None)
        old, entry.way = entry.way, wanted
        if not entry.users:
            del self._entries[network]
        if wanted == old:
            return
        if old is not None and (wanted is None or wanted.throw != old.throw):
            self._table.drop(network, old)
        if wanted is not None:
            try:
                self._table.put(network, wanted)
            except LocalError:
                entry.way = None
                raise


def inside(selector: TrafficSelector, addresses: Iterable[Address]) -> Address | None:
    """The first address inside a selector: what our own packets to the tunnel should come from."""
    start, end = int(selector.start), int(selector.end)
    for address in addresses:
        if address.version == selector.family and start <= int(address) <= end:
            return address
    return None
