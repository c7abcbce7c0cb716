"""The kernel port over dictionaries, for tests: same semantics, plus failures on demand and comparisons.

What it was told can be read (:attr:`sas`, :attr:`policies`, :attr:`reservations`, :attr:`calls`), and
two of them can be compared after an exchange (:func:`differences`): what one sends on, the other must
receive on, with the same keys.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace

from cygnet.base.addresses import Address
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.port import (
    Encapsulation,
    Features,
    IpProtocol,
    KernelError,
    KernelEvent,
    Mode,
    PolicySpec,
    SaId,
    SaSpec,
    Usage,
)


class MemoryKernel:
    """A kernel of dictionaries. ``first_spi`` is the first SPI handed out; the next ones follow it."""

    def __init__(self, first_spi: int = 0xC0000001, addresses: Iterable[Address] = ()) -> None:
        self.sas: dict[SaId, SaSpec] = {}
        self.usage: dict[SaId, Usage] = {}
        self.policies: Counter[PolicySpec] = Counter()
        self.reservations: set[SaId] = set()
        self.addresses: tuple[Address, ...] = tuple(addresses)
        self.sources: dict[Address, Address] = {}
        self.sockets: list[tuple[int, int, bool]] = []
        self.calls: list[str] = []
        self.closed = False
        self._next_spi = first_spi
        self._listener: Callable[[KernelEvent], None] | None = None
        self._failures: dict[str, list[KernelError]] = {}

    @property
    def features(self) -> Features:
        """Everything, since nothing is carried."""
        return Features("memory", frozenset(range(256)), frozenset(range(256)), frozenset(Mode))

    def fail_next(self, call: str, reason: str) -> None:
        """Let the next call of that name (``add_sa``, ``allocate_spi`` …) raise :class:`KernelError`."""
        self._failures.setdefault(call, []).append(KernelError(reason))

    def emit(self, event: KernelEvent) -> None:
        """Deliver an event to the daemon, on the caller's thread; none before ``start``."""
        if self._listener is not None:
            self._listener(event)

    def carry(self, id: SaId, octets: int, packets: int = 1) -> None:
        """Pretend that an SA carried traffic."""
        old = self.usage[id]
        self.usage[id] = Usage(old.bytes + octets, old.packets + packets, 0.0)

    def is_empty(self) -> bool:
        """Whether nothing is left behind: no SA, policy or reservation."""
        return not (self.sas or self.policies or self.reservations)

    def start(self, listener: Callable[[KernelEvent], None]) -> None:
        """Forget everything, then deliver events to ``listener``."""
        self._enter("start")
        self._flush()
        self._listener = listener

    def close(self, flush: bool) -> None:
        """Stop delivering events."""
        self._enter("close")
        self._listener = None
        self.closed = True
        if flush:
            self._flush()

    def allocate_spi(self, source: Address, destination: Address, protocol: IpProtocol) -> int:
        """The next SPI, reserved."""
        self._enter("allocate_spi")
        spi, self._next_spi = self._next_spi, self._next_spi + 1
        self.reservations.add(SaId(source, destination, protocol, spi))
        return spi

    def add_sa(self, spec: SaSpec) -> None:
        """Install; one that exists, or a mode without outer family match, is refused."""
        self._enter("add_sa")
        if spec.id in self.sas:
            raise KernelError(f"SA with SPI {spec.id.spi:08x} exists already")
        if spec.id.source.version != spec.id.destination.version:
            raise KernelError("outer addresses are of different families")
        self._release(spec.id)
        self.sas[spec.id] = spec
        self.usage[spec.id] = Usage()

    def update_sa(self, id: SaId, new: SaId, encapsulation: Encapsulation | None) -> None:
        """Move an SA; SPI and protocol stay."""
        self._enter("update_sa")
        if id not in self.sas:
            raise KernelError(f"no SA with SPI {id.spi:08x} to update")
        if (id.spi, id.protocol) != (new.spi, new.protocol):
            raise KernelError("SPI and protocol of an SA cannot change")
        if new != id and new in self.sas:
            raise KernelError(f"SA with SPI {new.spi:08x} exists already")
        self.sas[new] = replace(self.sas.pop(id), id=new, encapsulation=encapsulation)
        self.usage[new] = self.usage.pop(id)

    def delete_sa(self, id: SaId) -> None:
        """Remove an SA or a reservation, if there."""
        self._enter("delete_sa")
        self._release(id)
        self.sas.pop(id, None)
        self.usage.pop(id, None)

    def query_sa(self, id: SaId) -> Usage:
        """What :meth:`carry` was told."""
        self._enter("query_sa")
        if id not in self.usage:
            raise KernelError(f"no SA with SPI {id.spi:08x}")
        return self.usage[id]

    def add_policy(self, spec: PolicySpec) -> None:
        """Count one more use of a policy."""
        self._enter("add_policy")
        self.policies[spec] += 1

    def delete_policy(self, spec: PolicySpec) -> None:
        """Count one use less; a policy not there is refused, since that is a bug of the caller."""
        self._enter("delete_policy")
        if spec not in self.policies:
            raise KernelError(f"no policy {spec.source} === {spec.destination} {spec.direction}")
        self.policies[spec] -= 1
        if not self.policies[spec]:
            del self.policies[spec]

    def install(self, sas: tuple[SaSpec, ...], policies: tuple[PolicySpec, ...]) -> None:
        """One after the other; a refusal takes back what came before it."""
        with ExitStack() as undo:
            for sa in sas:
                self.add_sa(sa)
                undo.callback(self.delete_sa, sa.id)
            for policy in policies:
                self.add_policy(policy)
                undo.callback(self.delete_policy, policy)
            undo.pop_all()

    def remove(self, policies: tuple[PolicySpec, ...], sas: tuple[SaId, ...]) -> None:
        """One after the other."""
        for policy in policies:
            self.delete_policy(policy)
        for sa in sas:
            self.delete_sa(sa)

    def policies_for(self, source: TrafficSelector, destination: TrafficSelector) -> list[PolicySpec]:
        """The installed policies with exactly these selectors, for assertions."""
        return [spec for spec in self.policies if (spec.source, spec.destination) == (source, destination)]

    def prepare_socket(self, fd: int, family: int, nat_traversal: bool) -> None:
        """Note the socket."""
        self._enter("prepare_socket")
        self.sockets.append((fd, family, nat_traversal))

    def source_address(self, destination: Address) -> Address | None:
        """What :attr:`sources` says, else the first local address of the family."""
        if destination in self.sources:
            return self.sources[destination]
        return next((own for own in self.addresses if own.version == destination.version), None)

    def local_addresses(self) -> tuple[Address, ...]:
        """:attr:`addresses`."""
        return self.addresses

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        if self._failures.get(call):
            raise self._failures[call].pop(0)

    def _flush(self) -> None:
        self.sas.clear()
        self.usage.clear()
        self.policies.clear()
        self.reservations.clear()

    def _release(self, id: SaId) -> None:
        """Drop a reservation; its source may have been unknown (any) when it was made."""
        for held in list(self.reservations):
            if (held.destination, held.protocol, held.spi) == (id.destination, id.protocol, id.spi):
                self.reservations.discard(held)


def differences(one: MemoryKernel, other: MemoryKernel) -> list[str]:
    """Why traffic would not flow between two kernels, in words; empty when each SA has its counterpart.

    Addresses may differ (NAT); SPI, keys, algorithms, sequence numbers and selectors must not.
    """
    return [
        *_unmatched("first to second", one, other),
        *_unmatched("second to first", other, one),
        *_policy_problems("first", one),
        *_policy_problems("second", other),
    ]


def _unmatched(way: str, sender: MemoryKernel, receiver: MemoryKernel) -> list[str]:
    inbound = {spec.id.spi: spec for spec in receiver.sas.values() if spec.inbound}
    problems: list[str] = []
    for spec in sender.sas.values():
        if spec.inbound:
            continue
        there = inbound.pop(spec.id.spi, None)
        if there is None:
            problems.append(f"{way}: nobody receives SPI {spec.id.spi:08x}")
        else:
            problems += [f"{way}: SPI {spec.id.spi:08x} differs in {name}" for name in _unlike(spec, there)]
    return problems + [f"{way}: nobody sends SPI {spi:08x}" for spi in inbound]


def _unlike(sent: SaSpec, received: SaSpec) -> list[str]:
    pairs = {
        "encryption": (sent.encryption, received.encryption),
        "integrity": (sent.integrity, received.integrity),
        "esn": (sent.esn, received.esn),
        "mode": (sent.mode, received.mode),
        "encapsulation": (sent.encapsulation is None, received.encapsulation is None),
        "local selectors": (set(sent.local_ts), set(received.remote_ts)),
        "remote selectors": (set(sent.remote_ts), set(received.local_ts)),
    }
    return [name for name, (a, b) in pairs.items() if a != b]


def _policy_problems(name: str, kernel: MemoryKernel) -> list[str]:
    """Policies that name no SA although they are no traps."""
    reqids = {spec.reqid for spec in kernel.sas.values()}
    return [
        f"{name}: policy {spec.source} === {spec.destination} {spec.direction}: no SA of reqid {spec.reqid}"
        for spec in kernel.policies
        if not spec.trap and spec.action not in (Mode.PASS, Mode.DROP) and spec.reqid not in reqids
    ]
