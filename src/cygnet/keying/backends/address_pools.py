"""Pools of virtual addresses in memory: the store by itself, and under the stroke backend's names."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from cygnet.base.addresses import Address
from cygnet.keying.backends.pool_texts import ECHO, PoolSpec
from cygnet.keying.config.pools import UNSHARED, AddressPool, Applicant, Claims, Lease, Pool

MAX_POOLS = 10_000


class MemoryPools:
    """Implements ``PoolStore``. Thread-safe. Leases are lost with the daemon."""

    def __init__(self, specs: Iterable[PoolSpec] = (), claims: Claims = UNSHARED) -> None:
        self._lock = threading.Lock()
        self._claims = claims
        self._pools: dict[str, AddressPool] = {spec.name: spec.make(claims) for spec in specs}
        self._echo = AddressPool(ECHO, ip_address(0), 0, claims=claims, echoes=True)
        self._held: defaultdict[int, list[tuple[AddressPool, Address]]] = defaultdict(list)

    def pools(self) -> Sequence[Pool]:
        """All, in the order made."""
        with self._lock:
            return [pool.describe() for pool in self._pools.values()]

    def leases(self, pool: str) -> Sequence[Lease]:
        """Those of a pool, by address."""
        with self._lock:
            found = self._pools.get(pool)
            return list(found.leases()) if found is not None else []

    def acquire(self, pool: str, who: Applicant, wanted: Address) -> Address | None:
        """An address of a pool for an IKE_SA; ``None`` also where there is no pool of that name."""
        with self._lock:
            found = self._echo if pool == ECHO else self._pools.get(pool)
            address = found.acquire(who, wanted) if found is not None else None
            if found is not None and address is not None:
                self._held[who.ike_id].append((found, address))
            return address

    def release(self, ike_id: int) -> None:
        """The IKE_SA is gone."""
        with self._lock:
            for pool, address in self._held.pop(ike_id, ()):
                pool.release(address, ike_id)
            self._released()

    def move(self, old_id: int, new_id: int) -> None:
        """Another IKE_SA has taken one's place."""
        with self._lock:
            held = self._held.pop(old_id, [])
            for pool, address in held:
                pool.move(address, old_id, new_id)
            if held:
                self._held[new_id] += held

    def _released(self) -> None:
        """Addresses have become free."""


class StrokePools(MemoryPools):
    """The pools that connections name: one pool of a name, however many connections do.

    It goes with the last of them, once nobody has an address of it any more. ``%NAME`` may also be a
    connection's, for all pools of that.
    """

    def __init__(self, claims: Claims = UNSHARED) -> None:
        super().__init__(claims=claims)
        self._users: dict[str, tuple[PoolSpec, ...]] = {}

    def load(self, connection: str, specs: Sequence[PoolSpec]) -> None:
        """The pools of a connection, in place of those that it had."""
        with self._lock:
            self._users.pop(connection, None)
            if specs:
                self._users[connection] = tuple(specs)
            for spec in specs:
                if spec.name not in self._pools and len(self._pools) < MAX_POOLS:
                    self._pools[spec.name] = spec.make(self._claims)
            self._released()

    def unload(self, connection: str) -> None:
        """The connection is gone."""
        self.load(connection, ())

    def acquire(self, pool: str, who: Applicant, wanted: Address) -> Address | None:
        """As above; of the pools of a connection the first that has one."""
        specs = self._users.get(pool, ())
        names = [spec.name for spec in specs] if pool not in self._pools else [pool]
        found = (MemoryPools.acquire(self, name, who, wanted) for name in names or [pool])
        return next((address for address in found if address is not None), None)

    def _released(self) -> None:
        used = {spec.name for specs in self._users.values() for spec in specs}
        for name in [name for name, pool in self._pools.items() if name not in used and pool.is_idle]:
            del self._pools[name]
