"""The daemon around IKE_SAs without threads: what the jobs ask of a manager, queues and a bus.

What a real daemon would do on another thread happens here as an event of its own at the same virtual
time, after whatever is being done now; so the order of everything follows from the seed.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cygnet.base.addresses import Address
from cygnet.base.effects import Effect, Log
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.kernel.backends.memory import MemoryKernel
from cygnet.kernel.port import Expire, SaId, SaSpec
from cygnet.runtime.bus.bus import Bus
from simulation.network import Network

if TYPE_CHECKING:
    from simulation.peer import Peer

HALF_OPEN = ("CREATED", "CONNECTING")


class Manager:
    """The peer's IKE_SAs as jobs see them. Snapshots are taken when asked for."""

    def __init__(self, peer: "Peer") -> None:
        self._peer = peer

    def next_unique_id(self) -> int:
        return self._peer.numbers.ike()

    def register(self, sa: IkeSa) -> int:
        self._peer.sas[sa.unique_id] = sa
        return sa.unique_id

    def post(
        self,
        unique_id: int,
        work: Callable[[IkeSa], list[Effect]],
        priority: Any,
        name: str,
        *,
        sure: bool,
        lost: Callable[[], None] | None = None,
    ) -> bool:
        if unique_id not in self._peer.sas:
            return False
        self._peer.soon(lambda: self._work(unique_id, work, lost))
        return True

    def _work(
        self, unique_id: int, work: Callable[[IkeSa], list[Effect]], lost: Callable[[], None] | None
    ) -> None:
        sa = self._peer.sas.get(unique_id)
        if sa is not None:
            self._peer.perform(sa, work(sa))
        elif lost is not None:
            lost()

    def by_name(self, name: str) -> tuple[int, ...]:
        return tuple(number for number, sa in self._peer.sas.items() if sa.name == name)

    def by_identities(self, identities: Any) -> tuple[int, ...]:
        snapshots = (self.snapshot(number) for number in self._peer.sas)
        return tuple(
            one.unique_id
            for one in snapshots
            if one and one.state not in HALF_OPEN and one.identities == identities
        )

    def snapshot(self, unique_id: int) -> IkeSnapshot | None:
        sa = self._peer.sas.get(unique_id)
        return sa.snapshot(self._peer.network.now) if sa is not None else None

    def snapshots(self) -> tuple[IkeSnapshot, ...]:
        return tuple(sa.snapshot(self._peer.network.now) for sa in self._peer.sas.values())

    def unique_ids(self) -> tuple[int, ...]:
        return tuple(self._peer.sas)


class Queues:
    """Job queue and event queue in one. What was queued before a crash never happens."""

    def __init__(self, network: Network, is_alive: Callable[[], bool]) -> None:
        self._network = network
        self._is_alive = is_alive

    def put(self, job: Any, *, sure: bool = False) -> bool:
        return self.put_in(0.0, job.execute)

    def put_in(self, delay_s: float, action: Callable[[], object]) -> bool:
        self._network.at(delay_s, lambda: self._is_alive() and action())
        return True


class Board(Bus):
    """The bus, with everything that the jobs ever logged or published."""

    def __init__(self, log: list[str], events: list[Any]) -> None:
        super().__init__()
        self._lines, self._events = log, events

    def log(self, group: Any, level: int, text: str, sa: str = "") -> None:
        self._lines.append(text)
        super().log(group, level, text, sa)

    def publish(self, event: Any) -> None:
        if not isinstance(event, Log):
            self._events.append(event)
        super().publish(event)

    def pass_on(self, event: Any) -> None:
        """What IKE_SAs tell has been noted elsewhere."""
        super().publish(event)


class Kernel(MemoryKernel):
    """A kernel whose SAs expire: by time where ``timed``, by what :meth:`carry` carries always."""

    def __init__(self, first_spi: int, address: Address, network: Network) -> None:
        super().__init__(first_spi, (address,))
        self.timed = False
        self._network = network
        self._soft_told: set[SaId] = set()

    def forget(self) -> None:
        """The data plane restarts and holds nothing any more."""
        self._flush()

    def add_sa(self, spec: SaSpec) -> None:
        super().add_sa(spec)
        for delay_s, hard in ((spec.lifetime.soft_s, False), (spec.lifetime.hard_s, True)):
            if self.timed and delay_s:
                self._network.at(delay_s, lambda hard=hard: self._expire(spec, hard))

    def carry(self, id: SaId, octets: int, packets: int = 1) -> None:
        super().carry(id, octets, packets)
        used, limit = self.usage[id], self.sas[id].lifetime
        if _over(used.bytes, limit.hard_bytes) or _over(used.packets, limit.hard_packets):
            self._expire(self.sas[id], True)
        elif id not in self._soft_told and (
            _over(used.bytes, limit.soft_bytes) or _over(used.packets, limit.soft_packets)
        ):
            self._soft_told.add(id)
            self._expire(self.sas[id], False)

    def _expire(self, spec: SaSpec, hard: bool) -> None:
        current = next((one for one in self.sas.values() if one.id.spi == spec.id.spi), None)
        if current is None or current.inbound is not spec.inbound:
            return
        if hard:
            del self.sas[current.id], self.usage[current.id]
        self.emit(Expire(current.id, hard))


def _over(used: int, limit: int) -> bool:
    return bool(limit) and used >= limit
