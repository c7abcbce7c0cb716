"""The kernel port over dictionaries, for tests: same semantics, plus failures on demand and comparisons.

What it was told can be read (:attr:`sas`, :attr:`policies`, :attr:`reservations`, :attr:`calls`), and
two of them can be compared after an exchange (:func:`differences`): what one sends on, the other must
receive on, with the same keys.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable
from dataclasses import replace

from cygnet.base.addresses import Address
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends import together
from cygnet.kernel.port import (
    Difference,
    DropCount,
    Encapsulation,
    Features,
    Interface,
    InterfaceSpec,
    IpProtocol,
    KernelError,
    KernelEvent,
    KernelView,
    Mode,
    PolicyMove,
    PolicySpec,
    SaId,
    SaMove,
    SaSpec,
    SaView,
    Usage,
)

DEFLATE = 2
"""The one IPComp transform that kernels have (RFC 2394)."""


class MemoryKernel:
    """A kernel of dictionaries. ``first_spi`` is the first SPI handed out; the next ones follow it.

    It can do everything unless ``features`` is replaced.
    """

    def __init__(self, first_spi: int = 0xC0000001, addresses: Iterable[Address] = ()) -> None:
        self.sas: dict[SaId, SaSpec] = {}
        self.usage: dict[SaId, Usage] = {}
        self.policies: Counter[PolicySpec] = Counter()
        self.virtual: Counter[tuple[Address, str]] = Counter()
        self.reservations: set[SaId] = set()
        self.cpis: set[tuple[Address, Address, int]] = set()
        self.interfaces: Counter[Interface] = Counter()
        self.problems: tuple[Difference, ...] = ()
        everything = frozenset(range(256))
        self.features = Features(
            "memory", everything, everything, frozenset(Mode), frozenset(IpProtocol), frozenset({DEFLATE}),
            bindings=True,
        )  # fmt: skip
        self.addresses: tuple[Address, ...] = tuple(addresses)
        self.sources: dict[Address, Address] = {}
        self.calls: list[str] = []
        self.failed_acquires: list[int] = []
        self.closed = False
        self._next_spi, self._next_cpi = first_spi, 0x100
        self._listener: Callable[[KernelEvent], None] | None = None
        self._failures: dict[str, list[KernelError]] = {}

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
        """Whether nothing is left behind: no SA, policy, reservation or address."""
        tables = self.sas, self.policies, self.reservations, self.cpis, self.virtual, self.interfaces
        return not any(tables)

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
        self._need(protocol in self.features.protocols, f"no {protocol.name} here")
        spi, self._next_spi = self._next_spi, self._next_spi + 1
        self.reservations.add(SaId(source, destination, protocol, spi))
        return spi

    def allocate_cpi(self, source: Address, destination: Address) -> int:
        """The next CPI above 255."""
        self._enter("allocate_cpi")
        self._need(bool(self.features.compression), "no IPComp here")
        cpi, self._next_cpi = self._next_cpi, self._next_cpi + 1
        self.cpis.add((source, destination, cpi))
        return cpi

    def release_cpi(self, source: Address, destination: Address, cpi: int) -> None:
        """Forget a CPI."""
        self._enter("release_cpi")
        self.cpis.discard((source, destination, cpi))

    def add_sa(self, spec: SaSpec) -> None:
        """Install; one that exists, families that do not fit, and what ``features`` lack are refused."""
        self._enter("add_sa")
        self._need(spec.id not in self.sas, f"SA with SPI {spec.id.spi:08x} exists already")
        same_family = spec.id.source.version == spec.id.destination.version
        self._need(same_family, "outer addresses are of different families")
        self._need(spec.mode in self.features.modes, f"no {spec.mode} mode here")
        self._need(spec.id.protocol in self.features.protocols, f"no {spec.id.protocol.name} here")
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

    def migrate(self, sas: tuple[SaMove, ...], policies: tuple[PolicyMove, ...]) -> None:
        """Move all or none."""
        self._enter("migrate")
        together.migrate(self, sas, policies)

    def delete_sa(self, id: SaId) -> None:
        """Remove an SA or a reservation, if there."""
        self._enter("delete_sa")
        self._release(id)
        gone = self.sas.pop(id, None)
        if gone is not None and gone.compression is not None and gone.inbound:
            self.cpis.discard((id.source, id.destination, gone.compression.cpi))
        self.usage.pop(id, None)

    def query_sa(self, id: SaId) -> Usage:
        """What :meth:`carry` was told."""
        self._enter("query_sa")
        if id not in self.usage:
            raise KernelError(f"no SA with SPI {id.spi:08x}")
        return self.usage[id]

    def drops(self) -> tuple[DropCount, ...]:
        """None: nothing comes by."""
        return ()

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
        together.install(self, sas, policies)

    def remove(self, policies: tuple[PolicySpec, ...], sas: tuple[SaId, ...]) -> None:
        """One after the other."""
        together.remove(self, policies, sas)

    def open_interface(self, spec: InterfaceSpec) -> Interface:
        """The connection's interface, numbered from 1."""
        self._enter("open_interface")
        found = next((one for one in self.interfaces if one.connection == spec.connection), None)
        number = len(self.interfaces) + 1
        interface = found or Interface(spec.connection, spec.name or f"ipsec{number}", if_id=number)
        self.interfaces[interface] += 1
        return interface

    def close_interface(self, interface: Interface) -> None:
        """One user less; one without users is refused, since that is a bug of the caller."""
        self._enter("close_interface")
        self._need(interface in self.interfaces, f"no interface {interface.name}")
        self.interfaces[interface] -= 1
        if not self.interfaces[interface]:
            del self.interfaces[interface]

    def view(self) -> KernelView:
        """What there is."""
        sas = [SaView(one.id, True, one.reqid, one.mode, self.usage[one.id]) for one in self.sas.values()]
        policies = [f"{spec.direction} {spec.source} === {spec.destination}" for spec in self.policies]
        waiting, count = len(self.reservations), len(policies)
        return KernelView("memory", tuple(sas), tuple(policies), reservations=waiting, policy_count=count)

    def check(self, repair: bool) -> tuple[Difference, ...]:
        """:attr:`problems`."""
        self._enter("check")
        return self.problems

    def policies_for(self, source: TrafficSelector, destination: TrafficSelector) -> list[PolicySpec]:
        """The installed policies with exactly these selectors, for assertions."""
        return [spec for spec in self.policies if (spec.source, spec.destination) == (source, destination)]

    def acquire_failed(self, reqid: int) -> None:
        """Note it."""
        self._enter("acquire_failed")
        self.failed_acquires.append(reqid)

    def source_address(self, destination: Address) -> Address | None:
        """What :attr:`sources` says, else the first local address of the family."""
        if destination in self.sources:
            return self.sources[destination]
        return next((own for own in self.addresses if own.version == destination.version), None)

    def add_address(self, address: Address, device: str) -> None:
        """Count it in :attr:`virtual`."""
        self._enter("add_address")
        self.virtual[address, device] += 1

    def delete_address(self, address: Address, device: str) -> None:
        """Count one use less."""
        self._enter("delete_address")
        self._need(self.virtual[address, device] > 0, f"no address {address}")
        self.virtual[address, device] -= 1
        if not self.virtual[address, device]:
            del self.virtual[address, device]

    def virtual_addresses(self) -> frozenset[Address]:
        """Those of :attr:`virtual`."""
        return frozenset(address for address, _ in self.virtual)

    def local_addresses(self) -> tuple[Address, ...]:
        """:attr:`addresses`."""
        return self.addresses

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        if self._failures.get(call):
            raise self._failures[call].pop(0)

    def _need(self, condition: bool, reason: str) -> None:
        if not condition:
            raise KernelError(reason)

    def _flush(self) -> None:
        self.cpis.clear()
        self.virtual.clear()
        self.interfaces.clear()
        self.sas.clear()
        self.usage.clear()
        self.policies.clear()
        self.reservations.clear()

    def _release(self, id: SaId) -> None:
        """Drop a reservation; its source may have been unknown (any) when it was made."""
        for held in list(self.reservations):
            if (held.destination, held.protocol, held.spi) == (id.destination, id.protocol, id.spi):
                self.reservations.discard(held)


def differences(
    one: MemoryKernel, other: MemoryKernel, lingering: Container[SaId] = frozenset()
) -> list[str]:
    """Why traffic would not flow between two kernels, in words; empty when each SA has its counterpart.

    Addresses may differ (NAT), in transport mode those of the selectors too; SPI, keys, algorithms, sequence
    numbers, compression and selectors must not. Nobody needs to send on what is ``lingering``.
    """
    return [
        *_unmatched("first to second", one, other, lingering),
        *_unmatched("second to first", other, one, lingering),
        *_policy_problems("first", one),
        *_policy_problems("second", other),
    ]


def _unmatched(
    way: str, sender: MemoryKernel, receiver: MemoryKernel, lingering: Container[SaId]
) -> list[str]:
    received = [spec for spec in receiver.sas.values() if spec.inbound and spec.id not in lingering]
    inbound = {(spec.id.protocol, spec.id.spi): spec for spec in received}
    problems: list[str] = []
    for spec in sender.sas.values():
        if spec.inbound:
            continue
        there = inbound.pop((spec.id.protocol, spec.id.spi), None)
        if there is None:
            problems.append(f"{way}: nobody receives SPI {spec.id.spi:08x}")
        else:
            problems += [f"{way}: SPI {spec.id.spi:08x} differs in {name}" for name in _unlike(spec, there)]
    return problems + [f"{way}: nobody sends SPI {spi:08x}" for _, spi in inbound]


def _unlike(sent: SaSpec, received: SaSpec) -> list[str]:
    pairs = {
        "encryption": (sent.encryption, received.encryption),
        "integrity": (sent.integrity, received.integrity),
        "esn": (sent.esn, received.esn),
        "mode": (sent.mode, received.mode),
        "encapsulation": (sent.encapsulation is None, received.encapsulation is None),
        "compression": (sent.compression, received.compression),
        "local selectors": (_selectors(sent, sent.local_ts), _selectors(sent, received.remote_ts)),
        "remote selectors": (_selectors(sent, sent.remote_ts), _selectors(sent, received.local_ts)),
    }
    return [name for name, (a, b) in pairs.items() if a != b]


def _selectors(spec: SaSpec, selectors: tuple[TrafficSelector, ...]) -> set[object]:
    if spec.mode is Mode.TRANSPORT and spec.encapsulation is not None:
        return {(one.protocol, one.start_port, one.end_port) for one in selectors}
    return set(selectors)


def _policy_problems(name: str, kernel: MemoryKernel) -> list[str]:
    """Policies that name no SA although they are no traps."""
    reqids = {spec.reqid for spec in kernel.sas.values()}
    return [
        f"{name}: policy {spec.source} === {spec.destination} {spec.direction}: no SA of reqid {spec.reqid}"
        for spec in kernel.policies
        if not spec.trap and spec.action not in (Mode.PASS, Mode.DROP) and spec.reqid not in reqids
    ]
