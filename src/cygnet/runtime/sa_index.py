"""By what SAs are found: local SPIs, first message, name, identities, sources, kernel SAs. No locking."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from cygnet.base.addresses import Address
from cygnet.base.records import record


@record
class Keys:
    """By what an SA is found besides its SPI, read from its snapshot.

    ``identities`` is any hashable pair. ``half_open`` is the peer's address while we are responder and
    the peer is not authenticated. ``kernel_spis`` are those of its ESP and AH, in both directions.
    ``next_spi`` is the local SPI that the SA will have that is to take its place, empty for none.
    """

    name: str
    identities: Hashable | None = None
    half_open: Address | None = None
    kernel_spis: frozenset[int] = frozenset()
    next_spi: bytes = b""


_NONE = Keys("")


@dataclass(slots=True)
class _Place:
    """Where one SA is entered."""

    spi: bytes
    keys: Keys
    hashes: list[bytes]


@dataclass(slots=True)
class SaIndex:
    """The tables; values are unique ids, sets of them keep the order of entry."""

    by_spi: dict[bytes, int] = field(default_factory=dict)
    by_next_spi: dict[bytes, int] = field(default_factory=dict)
    by_hash: dict[bytes, int] = field(default_factory=dict)
    by_name: dict[str, dict[int, None]] = field(default_factory=dict)
    by_identities: dict[Hashable, dict[int, None]] = field(default_factory=dict)
    by_kernel_spi: dict[int, dict[int, None]] = field(default_factory=dict)
    half_open: dict[Address, int] = field(default_factory=dict)
    half_open_total: int = 0
    snapshots: dict[int, Any] = field(default_factory=dict)
    _places: dict[int, _Place] = field(default_factory=dict)

    def add(self, unique_id: int, spi: bytes, snapshot: Any, keys: Keys) -> None:
        """Enter a new SA."""
        self._places[unique_id] = _Place(spi, _NONE, [])
        self.by_spi[spi] = unique_id
        self.update(unique_id, snapshot, keys)

    def add_hash(self, unique_id: int, message_hash: bytes) -> None:
        """Let a first message be known as the one that made this SA."""
        self._places[unique_id].hashes.append(message_hash)
        self.by_hash[message_hash] = unique_id

    def update(self, unique_id: int, snapshot: Any, keys: Keys) -> None:
        """Publish a new snapshot and move the SA where its keys changed."""
        self.snapshots[unique_id] = snapshot
        place = self._places[unique_id]
        if place.keys != keys:
            self._leave(unique_id, place.keys)
            self._enter(unique_id, keys)
            place.keys = keys

    def remove(self, unique_id: int) -> None:
        """Take an SA out of everything."""
        place = self._places.pop(unique_id)
        self._leave(unique_id, place.keys)
        del self.by_spi[place.spi], self.snapshots[unique_id]
        for message_hash in place.hashes:
            del self.by_hash[message_hash]

    def _enter(self, unique_id: int, keys: Keys) -> None:
        self.by_name.setdefault(keys.name, {})[unique_id] = None
        if keys.identities is not None:
            self.by_identities.setdefault(keys.identities, {})[unique_id] = None
        for spi in keys.kernel_spis:
            self.by_kernel_spi.setdefault(spi, {})[unique_id] = None
        if keys.next_spi:
            self.by_next_spi[keys.next_spi] = unique_id
        if keys.half_open is not None:
            self.half_open[keys.half_open] = self.half_open.get(keys.half_open, 0) + 1
            self.half_open_total += 1

    def _leave(self, unique_id: int, keys: Keys) -> None:
        _discard(self.by_name, keys.name, unique_id)
        if keys.identities is not None:
            _discard(self.by_identities, keys.identities, unique_id)
        for spi in keys.kernel_spis:
            _discard(self.by_kernel_spi, spi, unique_id)
        self.by_next_spi.pop(keys.next_spi, None)
        if keys.half_open is not None:
            self.half_open_total -= 1
            self.half_open[keys.half_open] -= 1
            if not self.half_open[keys.half_open]:
                del self.half_open[keys.half_open]


def _discard(table: dict[Any, dict[int, None]], key: Hashable, unique_id: int) -> None:
    members = table.get(key)
    if members is not None:
        members.pop(unique_id, None)
        if not members:
            del table[key]
