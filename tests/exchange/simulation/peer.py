"""A daemon without threads: endpoint, IKE_SAs, a kernel of dictionaries."""

import random
from dataclasses import dataclass, field
from typing import Any

from cygnet.base.addresses import Address, Host
from cygnet.base.effects import Adopt, Announce, Effect, Log, Retire, Schedule, Send
from cygnet.charon.config.records import ChildConfig, PeerConfig
from cygnet.charon.config.settings import DaemonSettings
from cygnet.charon.sa.endpoint import Create, Dispatch, Endpoint, Reply
from cygnet.charon.sa.events import Finished
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.orders import Initiate, Order, Roam
from cygnet.charon.sa.ports import Ports
from cygnet.charon.sa.states import IkeState
from cygnet.kernel.backends.memory import MemoryKernel
from simulation.home import Home
from simulation.network import Datagram, Network
from simulation.stores import Connections, Numbers, Store


@dataclass
class Peer:
    """One host with its daemon."""

    network: Network
    address: str
    settings: DaemonSettings = field(default_factory=DaemonSettings)

    def __post_init__(self) -> None:
        self.host = Host.of(self.address, 500)
        self.random = random.Random(f"{self.network.seed} {self.address}")
        self.kernel = MemoryKernel(0xC0000001 + self.random.randrange(1 << 20) * 16)
        self.store, self.connections, self.numbers = Store(), Connections(), Numbers()
        self.home = Home(self)
        self.ports = Ports(
            self.store,
            self.connections,
            self.kernel,
            self.numbers,
            self.random.randbytes,
            self.settings,
            self.home,
        )
        self.endpoint = Endpoint(self.settings, self, self.random.randbytes)
        self.sas: dict[int, IkeSa] = {}
        self.events: list[Any] = []
        self.log: list[str] = []
        self.retired: list[str] = []
        self.counters: list[str] = []
        self.keep_alives = 0
        self._count = 0
        self.home.gain(self.address)

    # What the endpoint asks of a manager

    def by_spi(self, spi: bytes) -> int | None:
        return next((number for number, sa in self.sas.items() if sa.spi_local == spi), None)

    def half_open(self, address: Address | None = None) -> int:
        return sum(sa.half_open and address in (None, sa.remote.address) for sa in self.sas.values())

    # The network

    def arrive(self, datagram: Datagram) -> None:
        data, source, destination = datagram.data, datagram.source, datagram.destination
        if data == b"\xff":
            self.keep_alives += 1
            return
        decision = self.endpoint.decide(data, source, destination, self.network.now)
        match decision:
            case Create(spi):
                sa = IkeSa.responder(self.ports, self._number(), spi, destination, source)
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
        sa = IkeSa.initiator(self.ports, self._number(), config, self.host, Host.of(remote, 500))
        self.sas[sa.unique_id] = sa
        self.order(sa, Initiate(child, ticket=ticket))
        return sa

    def order(self, sa: IkeSa, order: Order) -> None:
        self.perform(sa, sa.command(order, self.network.now))

    def roam(self) -> None:
        """The kernel says that addresses or routes have changed."""
        for sa in tuple(self.sas.values()):
            self.order(sa, Roam())

    # Effects

    def perform(self, sa: IkeSa, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(source, destination, data):
                    if self.home.has(source.address):
                        self.network.send(Datagram(source, destination, data))
                case Schedule(delay_s, timer):
                    self.network.at(delay_s, lambda timer=timer: self._expire(sa.unique_id, timer))
                case Announce(Log() as line):
                    self.log.append(line.text)
                case Announce(event):
                    self.events.append(event)
                case Adopt(new):
                    self.sas[new.unique_id] = new
                    self.perform(new, new.begin(self.network.now))
                case Retire(reason):
                    self.retired.append(reason)
                    self.sas.pop(sa.unique_id, None)

    def _expire(self, unique_id: int, timer: Any) -> None:
        sa = self.sas.get(unique_id)
        if sa is not None:
            self.perform(sa, sa.expire(timer, self.network.now))

    def _number(self) -> int:
        self._count += 1
        return self._count

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
