"""A daemon without threads: endpoint, IKE_SAs, the real jobs around them, a kernel of dictionaries."""

import random
from dataclasses import dataclass, field, replace
from typing import Any

from cygnet.base.addresses import Address, Host
from cygnet.base.effects import Adopt, Announce, Counted, Effect, Log, Retire, Schedule, Send
from cygnet.charon.control.specifier import find, parse_specifier
from cygnet.charon.jobs.contacts import Contacts
from cygnet.charon.jobs.initiation import Initiation
from cygnet.charon.jobs.installed import Installed
from cygnet.charon.jobs.kernel_events import KernelEvents
from cygnet.charon.jobs.negotiations import Negotiations
from cygnet.charon.jobs.reactions import Reactions
from cygnet.charon.jobs.reconciler import Reconciler
from cygnet.charon.jobs.workplace import Workplace
from cygnet.charon.sa.endpoint import Create, Dispatch, Endpoint, Reply
from cygnet.charon.sa.events import Finished
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.orders import Initiate, Order, Roam
from cygnet.charon.sa.ports import Configuration, NoConfiguration, Ports
from cygnet.charon.sa.states import IkeState
from cygnet.crypto.key_log import KeyLog
from cygnet.keying.config.records import ChildConfig, IkeConfig, PeerConfig
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.hosts import ends
from cygnet.keying.traps import Traps
from simulation.home import Home
from simulation.network import Datagram, Network
from simulation.shell import Board, Kernel, Manager, Queues
from simulation.stores import Connections, Numbers, Store


@dataclass
class Peer:
    """One host with its daemon. ``crash`` and ``boot`` end and begin a daemon."""

    network: Network
    address: str
    settings: DaemonSettings = field(default_factory=DaemonSettings)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.host = Host.of(self.address, 500)
        self.random = random.Random(f"{self.network.seed} {self.address}")
        first_spi = 0xC0000001 + self.random.randrange(1 << 20) * 16
        self.kernel = Kernel(first_spi, self.host.address, self.network)
        self.store, self.connections = Store(), Connections()
        self.configuration: Configuration = NoConfiguration()
        self.numbers = Numbers()
        self.home = Home(self)
        self.sas: dict[int, IkeSa] = {}
        self.events: list[Any] = []
        self.retired: list[str] = []
        self.counters: list[str] = []
        self.keep_alives = 0
        self.key_log: KeyLog | None = None
        self.runs = 0
        self.home.gain(self.address)
        self.boot()

    def boot(self) -> None:
        """A daemon that knows nothing yet but its files."""
        self.runs += 1
        run = self.runs
        self.manager, self.installed = Manager(self), Installed()
        self.ports = Ports(
            self.store,
            self.connections,
            self.kernel,
            self.numbers,
            self.random.randbytes,
            self.settings,
            Contacts(self.manager, self.installed, lambda ike: self._locate(ike)),
            self.home,
            self.configuration,
            key_log=self.key_log,
        )
        self.endpoint = Endpoint(self.settings, self, self.random.randbytes)
        self.bus = Board(self.log, self.events)
        self.queues = Queues(self.network, lambda: self.runs == run)
        place = self.place = Workplace(
            self.manager, self.ports, self.numbers, self.bus, self.queues, self.queues, _addresses,
            self.connections, lambda: self.network.now,
        )  # fmt: skip
        self.traps = Traps(self.kernel, self.numbers, _addresses, self.bus)
        self.reconciler = Reconciler(place, Initiation(place), self.traps, self.installed)
        self.reactions = Reactions(place, self.reconciler, self.installed)
        self.negotiations = Negotiations(place, self.reconciler)
        self.kernel.closed = False
        self.kernel.start(
            KernelEvents(place, self.reconciler, self.traps, self.installed, lambda change: self.roam())
        )

    def crash(self) -> None:
        """The daemon is gone without a word; nothing answers until :meth:`boot`."""
        self.runs += 1
        self.sas.clear()
        self.kernel.close(flush=True)
        self.numbers.users.clear()

    # What the endpoint asks of a manager

    def by_spi(self, spi: bytes) -> int | None:
        return next((number for number, sa in self.sas.items() if sa.spi_local == spi), None)

    def by_next_spi(self, _: bytes) -> int | None:
        """What one IKE_SA does is done before the next datagram."""
        return None

    def half_open(self, address: Address | None = None) -> int:
        return sum(sa.half_open and address in (None, sa.remote.address) for sa in self.sas.values())

    # The network

    def arrive(self, datagram: Datagram) -> None:
        data, source, destination = datagram.data, datagram.source, datagram.destination
        if self.kernel.closed:
            return
        if data == b"\xff":
            self.keep_alives += 1
            return
        decision = self.endpoint.decide(data, source, destination, self.network.now)
        match decision:
            case Create(spi):
                sa = IkeSa.responder(self.ports, self.numbers.ike(), spi, destination, source)
                self.sas[sa.unique_id] = sa
                self.perform(sa, sa.receive(data, source, destination, self.network.now))
            case Dispatch(unique_id):
                sa = self.sas[unique_id]
                self.perform(sa, sa.receive(data, source, destination, self.network.now))
            case Reply(answer, counter):
                self.counters.append(counter)
                self.network.send(Datagram(destination, source, answer))
            case _:
                self.counters.append(decision.counter)

    # Orders

    def initiate(self, config: PeerConfig, child: ChildConfig | None, remote: str, ticket: int = 1) -> IkeSa:
        """An IKE_SA that nobody but the test wants."""
        sa = IkeSa.initiator(self.ports, self.numbers.ike(), config, self.host, Host.of(remote, 500))
        self.sas[sa.unique_id] = sa
        self.order(sa, Initiate(child, ticket=ticket))
        return sa

    def order(self, sa: IkeSa, order: Order) -> None:
        self.perform(sa, sa.command(order, self.network.now))

    def roam(self) -> None:
        """The kernel says that addresses or routes have changed."""
        for sa in tuple(self.sas.values()):
            self.order(sa, Roam())

    def up(self, name: str = "net-net") -> Any:
        """``ipsec up``: the dialogue that follows it (:meth:`outcome`)."""
        peer, child = self._loaded(name)
        return self.negotiations.initiate(peer, child, 1)

    def keep(self, name: str = "net-net") -> None:
        """``auto=start``."""
        self.negotiations.keep(self._loaded(name)[1])

    def route(self, name: str = "net-net") -> None:
        """``auto=route``."""
        self.traps.install(*self._loaded(name))

    def down(self, name: str = "net-net") -> bool:
        """``ipsec down``: whether there was anything to take down."""
        wanted = parse_specifier(name)
        assert wanted is not None
        targets = find(self.manager.snapshots(), wanted)
        for target in targets:
            if target.child_id:
                self.negotiations.terminate_child(target.ike_id, target.child_id, 1)
            else:
                self.negotiations.terminate_ike(target.ike_id, 1)
        return bool(targets) or self.negotiations.cancel(name)

    def soon(self, action: Any) -> None:
        """Right after what is being done now."""
        self.queues.put_in(0.0, action)

    def _locate(self, ike: IkeConfig) -> tuple[Host, Host]:
        return ends(ike, _addresses, self.home.source)

    def _loaded(self, name: str) -> tuple[PeerConfig, ChildConfig]:
        found = self.connections.child(name)
        assert found is not None, f"no connection {name} at {self.address}"
        return found

    # Effects

    def perform(self, sa: IkeSa, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send():
                    self._send(effect)
                case Schedule(delay_s, timer):
                    self._schedule(sa.unique_id, delay_s, timer)
                case Log() as line:
                    self.log.append(line.text)
                    self.bus.pass_on(replace(line, sa=f"{sa.name}|{sa.unique_id}"))
                case Announce(event):
                    self._announce(event)
                case Adopt(new):
                    self.sas[new.unique_id] = new
                    self.perform(new, new.begin(self.network.now))
                case Retire(reason):
                    self.retired.append(reason)
                    self.sas.pop(sa.unique_id, None)
        if sa.unique_id not in self.sas:
            self.reactions.retired(sa.unique_id)

    def _send(self, effect: Send) -> None:
        if not self.home.has(effect.source.address):
            return
        datagram = Datagram(effect.source, effect.destination, effect.data)
        if effect.delay_s:
            self.network.at(effect.delay_s, lambda: self.network.send(datagram))
        else:
            self.network.send(datagram)

    def _announce(self, event: Any) -> None:
        self.events.append(event)
        if not isinstance(event, Counted) and not self.reactions(event):
            self.bus.pass_on(event)

    def _schedule(self, unique_id: int, delay_s: float, timer: Any) -> None:
        self.network.at(delay_s, lambda: self._expire(unique_id, timer))

    def _expire(self, unique_id: int, timer: Any) -> None:
        sa = self.sas.get(unique_id)
        if sa is not None:
            self.perform(sa, sa.expire(timer, self.network.now))

    # What tests look at

    @property
    def sa(self) -> IkeSa:
        """The only IKE_SA."""
        (sa,) = self.sas.values()
        return sa

    def is_established(self) -> bool:
        return any(sa.state is IkeState.ESTABLISHED for sa in self.sas.values())

    def finished(self, ticket: int = 1) -> Finished | None:
        """How the order with that ticket ended."""
        found = [one for one in self.events if isinstance(one, Finished) and one.ticket == ticket]
        assert len(found) <= 1, found
        return found[0] if found else None

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def said(self, text: str) -> bool:
        return any(text in line for line in self.log)


def outcome(dialogue: Any) -> Finished | None:
    """How what a dialogue follows ended; ``None`` while it goes on."""
    while (item := dialogue.read(0.0)) is not None:
        if isinstance(item, Finished):
            return item
    return None


def _addresses(text: str) -> tuple[Address, ...]:
    """Addresses are known, names are not."""
    try:
        return (Host.of(text, 0).address,)
    except ValueError:
        return ()
