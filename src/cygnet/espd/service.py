"""What espd's clients may ask, over one data plane: who owns what, reservations, lifetimes by time, MTU.

Knows no socket and no clock; ``now`` comes with each call, in seconds of a monotonic clock.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count, islice
from typing import Protocol

from cygnet.base.addresses import Address
from cygnet.esp.associations import InboundSa, OutboundSa
from cygnet.esp.plane import DataPlane
from cygnet.esp.records import AcquireWanted, Event, Expired
from cygnet.espd import translate, views
from cygnet.espd.address_users import AddressUsers
from cygnet.espd.address_users import Host as AddressHost
from cygnet.espd.inner_mtus import InnerMtus
from cygnet.espd.policy_users import Host as PolicyHost
from cygnet.espd.policy_users import PolicyUsers
from cygnet.kernel.backends.userland_wire import (
    PAGE,
    AcquireFailed,
    AddAddress,
    AddPolicy,
    AddSa,
    AllocateSpi,
    DeleteAddress,
    DeletePolicy,
    DeleteSa,
    Done,
    Inspect,
    Install,
    Inventory,
    QuerySa,
    Remove,
    Reply,
    Request,
    Spis,
    UpdateSa,
)
from cygnet.kernel.port import (
    Acquire,
    DropCount,
    Expire,
    KernelError,
    KernelEvent,
    MappingChange,
    PolicySpec,
    SaId,
    SaSpec,
)

FIRST_SPI, LAST_SPI = 0xC0000000, 0xCFFFFFFF
"""charon's range."""
RESERVATION_S = 165.0
MAX_RESERVATIONS = 16384
_SPI_TRIES = 64
DEFAULT_MTU, LEAST_MTU = 1400, 1280

OwnedEvent = tuple[str, KernelEvent]


class Host(AddressHost, PolicyHost, Protocol):
    """What the service asks of the machine."""

    def path_mtu(self, destination: Address) -> int:
        """The MTU of the path to an outer address."""

    def can_send(self, family: int, udp: bool) -> bool:
        """Whether there is a socket for such packets."""

    def set_mtu(self, mtu: int) -> None:
        """Set the TUN device's MTU."""

    def route_lines(self) -> Sequence[str]:
        """The routes that ``route_in`` has made, a line each."""

    def lost(self) -> Mapping[str, int]:
        """Packets that the sockets or the device did not take, by reason."""


@dataclass(slots=True)
class _Installed:
    spec: SaSpec
    owner: str
    sa: InboundSa | OutboundSa
    number: int


class Service:
    """The registry behind the control socket."""

    def __init__(self, plane: DataPlane, host: Host) -> None:
        self._plane = plane
        self._host = host
        self._sas: dict[SaId, _Installed] = {}
        self._reserved: dict[int, tuple[str, float]] = {}  # oldest first
        self._policies = PolicyUsers(plane, host)
        self._addresses = AddressUsers(host)
        self._numbers: dict[int, SaId] = {}
        self._deadlines: list[tuple[float, int, bool]] = []
        self._serial = count()
        self._mtus = InnerMtus()
        self._mtu = DEFAULT_MTU
        self._handlers: dict[type, Callable[..., Reply]] = {
            AllocateSpi: self._allocate_spi,
            AddSa: self._add_sa,
            UpdateSa: self._update_sa,
            DeleteSa: self._delete_sa,
            QuerySa: self._query_sa,
            AddPolicy: self._add_policy,
            DeletePolicy: self._delete_policy,
            AcquireFailed: self._acquire_failed,
            AddAddress: self._add_address,
            DeleteAddress: self._delete_address,
            Install: self._install,
            Remove: self._remove,
            Inspect: self._inspect,
        }

    def handle(self, request: Request, owner: str, now: float) -> Reply:
        """Answer one request; raises :class:`KernelError` with the reason of a refusal."""
        handler = self._handlers.get(type(request))
        if handler is None:
            raise KernelError(f"{type(request).__name__} is not for this place")
        return handler(request, owner, now)

    def flush(self, owner: str) -> None:
        """Remove all that an owner installed."""
        for name in [name for name, installed in self._sas.items() if installed.owner == owner]:
            self._drop(name)
        self._policies.flush(owner)
        for spi in [spi for spi, (holder, _) in self._reserved.items() if holder == owner]:
            self._unreserve(spi)
        self._addresses.flush(owner)
        self._plane.forget_acquires(owner)
        self.fit_mtu()

    def flush_acquires(self, owner: str) -> None:
        """Ask an owner anew at the next packet: what it was asked before did not reach it."""
        self._plane.forget_acquires(owner)

    def forget_ways(self) -> None:
        """Other sockets are in use: what is kept with each SA to send it is stale."""
        for sa in self._plane.outbound():
            sa.attachment = None

    def owned(self, events: list[Event]) -> list[OwnedEvent]:
        """The data plane's events as the port's, each with the owner who is to hear it."""
        return [pair for event in events for pair in self._owned(event)]

    def next_deadline(self) -> float | None:
        """When :meth:`expire` has something to do."""
        return self._deadlines[0][0] if self._deadlines else None

    def expire(self, now: float) -> list[OwnedEvent]:
        """Lifetimes by time that are over."""
        due: list[OwnedEvent] = []
        while self._deadlines and self._deadlines[0][0] <= now:
            _, number, hard = heappop(self._deadlines)
            name = self._numbers.get(number)
            if name is None:
                continue
            due.append((self._sas[name].owner, Expire(name, hard)))
            if hard:
                self._drop(name)
        self.fit_mtu()
        return due

    def learn_path_mtu(self, destination: Address, mtu: int) -> None:
        """A smaller or larger path MTU towards an outer address was found."""
        for installed in self._sas.values():
            if isinstance(installed.sa, OutboundSa) and installed.spec.id.destination == destination:
                installed.sa.learn_path_mtu(mtu)
                self._mtus.note(installed.number, installed.sa.inner_mtu)
        self.fit_mtu()

    def fit_mtu(self) -> None:
        """Give the device the MTU of its widest tunnel; senders into narrower ones are told by ICMP."""
        wanted = max(self._mtus.widest(DEFAULT_MTU), LEAST_MTU)
        if wanted != self._mtu:
            self._mtu = wanted
            self._host.set_mtu(wanted)

    def _allocate_spi(self, request: AllocateSpi, owner: str, now: float) -> Reply:
        translate.need_esp(request.protocol)
        while self._reserved and next(iter(self._reserved.values()))[1] <= now:
            self._unreserve(next(iter(self._reserved)))
        if not 0 < request.count <= MAX_RESERVATIONS - len(self._reserved):
            raise KernelError("too many SPIs are reserved")
        spis = []
        for _ in range(request.count):
            spi = self._free_spi()
            self._reserved[spi] = (owner, now + RESERVATION_S)
            self._plane.early.expect(spi)
            spis.append(spi)
        return Spis(tuple(spis))

    def _free_spi(self) -> int:
        for _ in range(_SPI_TRIES):
            spi = FIRST_SPI | int.from_bytes(self._plane.rng(4), "big") & (LAST_SPI - FIRST_SPI)
            if spi not in self._reserved and not self._plane.inbound_spi_taken(spi):
                return spi
        raise KernelError("no SPI is free")

    def _add_sa(self, request: AddSa, owner: str, now: float) -> Reply:
        self._enter_sa(request.spec, owner, now)
        return Done()

    def _enter_sa(self, spec: SaSpec, owner: str, now: float) -> None:
        if spec.id in self._sas or (spec.inbound and self._plane.inbound_spi_taken(spec.id.spi)):
            raise KernelError(f"an SA with SPI {spec.id.spi:08x} exists already")
        if self._reserved.get(spec.id.spi, (owner, 0))[0] != owner and spec.inbound:
            raise KernelError(f"SPI {spec.id.spi:08x} is reserved for another daemon")
        sa, number = self._build(spec), next(self._serial)
        if isinstance(sa, InboundSa):
            self._plane.add_inbound(sa)
            self._reserved.pop(spec.id.spi, None)
        else:
            self._plane.add_outbound(sa)
            self._mtus.note(number, sa.inner_mtu)
            self.fit_mtu()
        self._sas[spec.id] = _Installed(spec, owner, sa, number)
        self._numbers[number] = spec.id
        for delay_s, hard in ((spec.lifetime.soft_s, False), (spec.lifetime.hard_s, True)):
            if delay_s:
                heappush(self._deadlines, (now + delay_s, number, hard))

    def _build(self, spec: SaSpec) -> InboundSa | OutboundSa:
        parameters, sealer = translate.parameters(spec), translate.build_sealer(spec)
        udp, family = spec.encapsulation is not None, spec.id.destination.version
        if not self._host.can_send(family, udp):
            raise KernelError(f"espd has no {'ESP-in-UDP' if udp else 'raw ESP'} socket for IPv{family}")
        if spec.inbound:
            return InboundSa(parameters, sealer)
        return OutboundSa(parameters, sealer, self._plane.rng, self._host.path_mtu(spec.id.destination))

    def _update_sa(self, request: UpdateSa, owner: str, now: float) -> Reply:
        installed = self._sas.get(request.id)
        if installed is None:
            raise KernelError(f"no SA with SPI {request.id.spi:08x} to update")
        if (request.id.spi, request.id.protocol) != (request.new.spi, request.new.protocol):
            raise KernelError("SPI and protocol of an SA cannot change")
        if request.new != request.id and request.new in self._sas:
            raise KernelError(f"an SA with SPI {request.new.spi:08x} exists already")
        spec = replace(installed.spec, id=request.new, encapsulation=request.encapsulation)
        family = spec.id.destination.version
        if not self._host.can_send(family, spec.encapsulation is not None):
            raise KernelError(f"espd has no socket for the SA's new way over IPv{family}")
        self._plane.move(installed.sa, translate.parameters(spec))
        if isinstance(installed.sa, OutboundSa):
            installed.sa.learn_path_mtu(self._host.path_mtu(spec.id.destination))
            self._mtus.note(installed.number, installed.sa.inner_mtu)
        del self._sas[request.id]
        self._sas[request.new] = replace(installed, spec=spec)
        self._numbers[installed.number] = request.new
        self.fit_mtu()
        return Done()

    def _delete_sa(self, request: DeleteSa, owner: str, now: float) -> Reply:
        self._leave_sa(request.id, owner)
        return Done()

    def _leave_sa(self, name: SaId, owner: str) -> None:
        if name in self._sas:
            self._drop(name)
            self.fit_mtu()
        elif self._reserved.get(name.spi, ("", 0))[0] == owner:
            self._unreserve(name.spi)

    def _query_sa(self, request: QuerySa, owner: str, now: float) -> Reply:
        installed = self._sas.get(request.id)
        if installed is None:
            raise KernelError(f"no SA with SPI {request.id.spi:08x}")
        return views.usage(installed.sa, now)

    def _add_policy(self, request: AddPolicy, owner: str, now: float) -> Reply:
        self._policies.add(owner, request.spec)
        return Done()

    def _delete_policy(self, request: DeletePolicy, owner: str, now: float) -> Reply:
        self._policies.remove(owner, request.spec)
        return Done()

    def _acquire_failed(self, request: AcquireFailed, owner: str, now: float) -> Reply:
        self._plane.acquire_failed(owner, request.reqid, now)
        return Done()

    def _add_address(self, request: AddAddress, owner: str, now: float) -> Reply:
        self._addresses.add(owner, request.address, request.device)
        return Done()

    def _delete_address(self, request: DeleteAddress, owner: str, now: float) -> Reply:
        self._addresses.remove(owner, request.address, request.device)
        return Done()

    def _install(self, request: Install, owner: str, now: float) -> Reply:
        sas: list[SaId] = []
        policies: list[PolicySpec] = []
        try:
            for sa in request.sas:
                self._enter_sa(sa, owner, now)
                sas.append(sa.id)
            for policy in request.policies:
                self._policies.add(owner, policy)
                policies.append(policy)
        except Exception:
            self._leave(policies, sas, owner)
            raise
        return Done()

    def _remove(self, request: Remove, owner: str, now: float) -> Reply:
        self._leave(request.policies, request.sas, owner)
        return Done()

    def _leave(self, policies: Sequence[PolicySpec], sas: Sequence[SaId], owner: str) -> None:
        """Everything goes, also if something of it was not there, which is told afterwards."""
        failure: Exception | None = None
        for policy in policies:
            try:
                self._policies.remove(owner, policy)
            except Exception as error:
                failure = error
        for sa in sas:
            self._leave_sa(sa, owner)
        if failure is not None:
            raise failure

    def _inspect(self, request: Inspect, owner: str, now: float) -> Reply:
        drops = Counter[str](self._host.lost())
        drops.update(self._plane.drops)
        page = slice(request.offset, request.offset + max(0, min(request.most, PAGE)))
        policies = [*self._policies]
        routes = self._host.route_lines()
        return Inventory(
            total_sas=len(self._sas),
            total_policies=len(policies),
            total_routes=len(routes),
            reservations=len(self._reserved),
            mtu=self._mtu,
            sas=tuple(
                views.sa_status(one.spec, one.owner, one.sa, now)
                for one in islice(self._sas.values(), page.start, page.stop)
            ),
            policies=tuple(map(views.policy_text, policies[page])),
            routes=tuple(routes[page]),
            drops=tuple(DropCount(reason, packets) for reason, packets in drops.items()),
        )

    def _unreserve(self, spi: int) -> None:
        del self._reserved[spi]
        self._plane.early.cancel(spi)

    def _drop(self, name: SaId) -> None:
        installed = self._sas.pop(name)
        del self._numbers[installed.number]
        self._mtus.forget(installed.number)
        self._plane.remove(installed.sa)

    def _owned(self, event: Event) -> list[OwnedEvent]:
        if isinstance(event, AcquireWanted):
            return [(event.policy.owner, Acquire(event.policy.reqid, *event.flow.selectors()))]
        name = translate.sa_id(event.parameters)
        installed = self._sas.get(name)
        if installed is None:
            return []
        if not isinstance(event, Expired):
            return [(installed.owner, MappingChange(name, event.remote))]
        if event.hard:
            self._drop(name)
        return [(installed.owner, Expire(name, event.hard))]

