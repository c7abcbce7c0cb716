"""``leases``: virtual addresses and who has them."""

from dataclasses import dataclass
from ipaddress import ip_address

from cygnet.base.addresses import Address
from cygnet.charon.control.ports import Pools, Reply
from cygnet.charon.control.replies import refuse
from cygnet.ctl.stroke import EXIT_FAILED, EXIT_USAGE, Done, Leases
from cygnet.keying.config.pools import Pool


@dataclass(frozen=True, slots=True)
class LeasesHandler:
    """Answers ``leases``."""

    stores: Pools

    def __call__(self, request: Leases, reply: Reply) -> Done:
        """The leases of every pool, of one, or the one of an address."""
        try:
            address = ip_address(request.address) if request.address else None
        except ValueError as error:
            return refuse(reply, str(error), EXIT_USAGE)
        pools = [pool for pool in self.stores.pools() if request.pool in ("", pool.name)]
        if request.pool and not pools:
            return refuse(reply, f"pool '{request.pool}' not found")
        if not pools:
            reply.text("no pools found")
        found = [self._show(pool, address, reply) for pool in pools]
        if address is not None and pools and not any(found):
            return Done(EXIT_FAILED, f"no lease of {address}")
        return Done()

    def _show(self, pool: Pool, address: Address | None, reply: Reply) -> bool:
        used = f"{pool.online + pool.offline}/{pool.size}"
        reply.text(f"Leases in pool '{pool.name}', usage: {used}, {pool.online} online")
        lines = [
            f"  {lease.address!s:>15}   {'online' if lease.online else 'offline'}   '{lease.identity}'"
            for lease in self.stores.leases(pool.name)
            if address in (None, lease.address)
        ]
        reply.texts(lines or ["  no matching leases found"])
        return bool(lines)
