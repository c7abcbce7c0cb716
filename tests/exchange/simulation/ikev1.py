"""Two IKEv1 peers that may tunnel between 10.1.0.0/16 and 10.2.0.0/16, each a daemon without threads."""

import random
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any

from cygnet.base.addresses import Address, Host
from cygnet.base.effects import Adopt, Announce, Counted, Effect, Log, Retire, Schedule, Send
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.kernel.backends.memory import differences
from cygnet.kernel.port import Expire, Lifetime
from cygnet.keying.config.records import AddressSpec, AuthClass, AuthConfig, ChildConfig, IkeConfig
from cygnet.keying.sa.events import ChildUp
from cygnet.pluto.config.records import Method, PeerConfig, XauthConfig
from cygnet.pluto.config.settings import DaemonSettings
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.sa.endpoint import Create, Dispatch, Endpoint
from cygnet.pluto.sa.events import Finished, HandedOver, IkeEstablished
from cygnet.pluto.sa.ike_sa import IkeSa
from cygnet.pluto.sa.orders import HandOver, Initiate, KernelExpire, Order, TakeOver
from cygnet.pluto.sa.ports import Ports
from cygnet.pluto.sa.states import IkeState
from cygnet.pluto.sa.succession import forfeit
from simulation.authority import Issuer
from simulation.network import Datagram, Network, Weather
from simulation.shell import Kernel
from simulation.stores import Connections, Numbers, Store

IKE = parse_proposals("aes128-sha256-curve25519!", Protocol.IKE)
ESP = parse_proposals("aes128-sha256!", Protocol.ESP)
ESP_PFS = parse_proposals("aes128-sha256-curve25519!", Protocol.ESP)
ALICE, BOB = "192.0.2.1", "192.0.2.2"
POOL, NAME_SERVER = ip_address("10.9.0.1"), ip_address("10.2.0.53")


@dataclass
class Users:
    """One user for a client, many for a server."""

    own: tuple[str, str] | None = None
    known: dict[str, str] = field(default_factory=dict)

    def credentials(self, config: Any, remote: Any) -> Any:
        return (self.own[0], Secret(self.own[1].encode())) if self.own else None

    def verify(self, config: Any, user: str, password: Secret) -> bool:
        return self.known.get(user, "").encode() == password.reveal() != b""


@dataclass
class Pools:
    """One address for everybody."""

    given: list[Address] = field(default_factory=list)
    more: tuple[Attribute, ...] = ()
    owner: Identity | None = None
    holders: set[int] = field(default_factory=set)

    def acquire(self, config: Any, lessee: Any, wanted: Address) -> Address | None:
        if (self.given and lessee.owner != self.owner) or wanted.version != 4:
            return None
        self.given, self.owner = [POOL], lessee.owner
        self.holders.add(lessee.ike_id)
        return POOL

    def release(self, ike_id: int) -> None:
        self.holders.discard(ike_id)
        if not self.holders:
            self.given.clear()

    def move(self, old: int, new: int) -> None:
        self.holders = {new if one == old else one for one in self.holders}

    def attributes(self, config: Any, *, unity: bool) -> tuple[Attribute, ...]:
        return (Attribute(3, NAME_SERVER.packed), Attribute(28672, b"welcome"), *self.more)


class Peer:
    """One host with its daemon."""

    def __init__(self, network: Network, address: str, settings: DaemonSettings) -> None:
        self.network, self.host = network, Host.of(address, 500)
        self.random = random.Random(f"{network.seed} {address}")
        self.kernel = Kernel(0xC0000001 + self.random.randrange(1 << 20) * 16, self.host.address, network)
        self.store, self.connections, self.numbers = Store(), Connections(), Numbers()
        self.users, self.pools = Users(), Pools()
        self.settings = settings
        self.sas: dict[int, IkeSa] = {}
        self.events: list[Any] = []
        self.log: list[str] = []
        self.retired: list[str] = []
        self.keep_alives = 0
        self.ports = Ports(
            self.store, self.connections, self.users, self.pools, self.kernel, self.numbers,
            self.random.randbytes, settings,
        )  # fmt: skip
        self.endpoint = Endpoint(settings, self, self.random.randbytes)
        network.stations[self.host.address] = self
        self.kernel.start(self._kernel_event)

    def forbid_aggressive_psk(self) -> None:
        """From now on, in this daemon's settings."""
        self.ports = replace(self.ports, settings=replace(self.settings, aggressive_psk=False))

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
        now = self.network.now
        match self.endpoint.decide(data, source, destination, now):
            case Create(cookie):
                sa = IkeSa.responder(self.ports, self.numbers.ike(), cookie, destination, source)
                self.sas[sa.unique_id] = sa
                self.perform(sa, sa.receive(data, source, destination, now))
            case Dispatch(unique_id):
                sa = self.sas[unique_id]
                self.perform(sa, sa.receive(data, source, destination, now))
            case dropped:
                self.events.append(Counted(dropped.counter))

    def _kernel_event(self, event: Any) -> None:
        if isinstance(event, Expire):
            for sa in tuple(self.sas.values()):
                self._order(sa, KernelExpire(event.id, event.hard))

    # Orders

    def initiate(
        self, config: PeerConfig, child: Any, remote: str = BOB, ticket: int = 1, *, first: bool = True
    ) -> IkeSa:
        sa = IkeSa.initiator(
            self.ports, self.numbers.ike(), config, self.host, Host.of(remote, 500), first_contact=first
        )
        self.sas[sa.unique_id] = sa
        self.order(sa, Initiate(child, ticket=ticket))
        return sa

    def order(self, sa: IkeSa, order: Order) -> None:
        self.perform(sa, sa.command(order, self.network.now))

    def perform(self, sa: IkeSa, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(source, destination, data):
                    self.network.send(Datagram(source, destination, data))
                case Schedule(delay_s, timer):
                    self.network.at(delay_s, lambda timer=timer: self._expire(sa, timer))
                case Log() as line:
                    self.log.append(line.text)
                case Announce(event):
                    self.events.append(event)
                    self._react(sa, event)
                case Adopt(new):
                    self.sas[new.unique_id] = new
                    self.network.at(0, lambda new=new: self.perform(new, new.begin(self.network.now)))
                case Retire(reason):
                    self.retired.append(reason)
                    self.sas.pop(sa.unique_id, None)

    def _expire(self, sa: IkeSa, timer: Any) -> None:
        if sa.unique_id in self.sas:
            self.perform(sa, sa.expire(timer, self.network.now))

    def _react(self, sa: IkeSa, event: Any) -> None:
        """What a daemon does: ISAKMP SAs of the same peer follow each other."""
        if isinstance(event, IkeEstablished):
            for number, old in tuple(self.sas.items()):
                same = old.snapshot(0).remote_id == event.remote_id
                if number != event.ike_id and same and old.state is IkeState.ESTABLISHED:
                    self.network.at(0, lambda old=old: self._order(old, HandOver(event.ike_id)))
        elif isinstance(event, HandedOver):
            self.network.at(0, lambda: self._pass_on(event))

    def _pass_on(self, event: HandedOver) -> None:
        heir = self.sas.get(event.heir)
        if heir is None:
            self.events += forfeit(self.ports, event.estate)
        else:
            self.order(heir, TakeOver(event.estate))

    def _order(self, sa: IkeSa, order: Order) -> None:
        if sa.unique_id in self.sas:
            self.order(sa, order)

    # What came of it

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def counted(self, name: str) -> int:
        return sum(event.name == name for event in self.of(Counted))

    def outcome(self, ticket: int = 1) -> Finished | None:
        found = [event for event in self.of(Finished) if event.ticket == ticket]
        assert len(found) < 2, found
        return found[0] if found else None

    @property
    def children(self) -> list[Any]:
        return [child for sa in self.sas.values() for child in sa.snapshot(0).children]

    @property
    def sa(self) -> IkeSa:
        (found,) = self.sas.values()
        return found


class Pair:
    """Alice initiates, Bob responds; change ``alice_config`` and ``bob_config`` before ``connect``."""

    def __init__(
        self, seed: int = 1, settings: DaemonSettings | None = None, weather: Weather | None = None
    ) -> None:
        settings = settings or DaemonSettings()
        self.network = Network(seed, weather or Weather())
        self.alice, self.bob = Peer(self.network, ALICE, settings), Peer(self.network, BOB, settings)
        for peer in (self.alice, self.bob):
            peer.store.secrets.append((None, Secret(b"a secret of some length")))
        self.alice_config = config("alice.test", "bob.test", "10.1.0.0/16", "10.2.0.0/16", BOB)
        self.bob_config = config("bob.test", "alice.test", "10.2.0.0/16", "10.1.0.0/16", ALICE)

    def connect(self, seconds: float = 2.0, remote: str = BOB) -> IkeSa:
        self.load()
        sa = self.alice.initiate(self.alice_config, self.alice_config.children[0], remote)
        self.network.run(seconds)
        return sa

    def load(self) -> None:
        self.bob.connections.configs = [self.bob_config]
        self.alice.connections.configs = [self.alice_config]

    def change(self, whose: str | None = None, **changes: Any) -> None:
        for name in (whose,) if whose else ("alice", "bob"):
            setattr(self, f"{name}_config", replace(getattr(self, f"{name}_config"), **changes))

    def change_child(self, whose: str | None = None, **changes: Any) -> None:
        for name in (whose,) if whose else ("alice", "bob"):
            old = getattr(self, f"{name}_config")
            self.change(name, children=(replace(old.children[0], **changes),))

    def change_ike(self, whose: str | None = None, **changes: Any) -> None:
        for name in (whose,) if whose else ("alice", "bob"):
            self.change(name, ike=replace(getattr(self, f"{name}_config").ike, **changes))

    def certify(self, kind: str = "rsa", method: Method = Method.PUBKEY) -> None:
        """Both have a certificate of one CA, and authenticate by it."""
        issuer = Issuer()
        for whose, peer in (("alice", self.alice), ("bob", self.bob)):
            peer.store.secrets.clear()
            peer.store.anchors.append(issuer.certificate)
            peer.store.keys.append(issuer.issue(f"{whose}.test", kind))
            old = getattr(self, f"{whose}_config")
            sides = (replace(one, auth=AuthClass.PUBKEY) for one in (old.local, old.remote))
            self.change(whose, **dict(zip(("local", "remote"), sides, strict=True)), method=method)

    def with_xauth(self, method: Method = Method.XAUTH_PSK, password: str = "right") -> None:
        """Alice is a user, Bob knows her password."""
        self.change("alice", method=method, xauth=XauthConfig())
        self.change("bob", method=method, xauth=XauthConfig(server=True))
        self.alice.users.own, self.bob.users.known = ("carol", password), {"carol": "right"}

    def is_up(self, children: int = 1) -> bool:
        """Both have one ISAKMP SA with so many IPsec SAs, and the kernels fit together."""
        both = (self.alice, self.bob)
        return (
            [[sa.state for sa in peer.sas.values()] for peer in both] == [[IkeState.ESTABLISHED]] * 2
            and all(len(peer.children) == children for peer in both)
            and all(len(peer.kernel.sas) == 2 * children for peer in both)
            and not differences(self.alice.kernel, self.bob.kernel)
        )

    def is_clean(self) -> bool:
        """Nothing is left on either side."""
        return all(
            not peer.sas and peer.kernel.is_empty() and not any(peer.numbers.users.values())
            for peer in (self.alice, self.bob)
        )

    def ups(self) -> tuple[int, int]:
        return len(self.alice.of(ChildUp)), len(self.bob.of(ChildUp))


def config(local: str, remote: str, local_ts: str, remote_ts: str, host: str) -> PeerConfig:
    """A connection from the identity ``local`` to ``remote``, which is at ``host``."""
    child = ChildConfig(
        "net-net",
        (TrafficSelector.of(local_ts),),
        (TrafficSelector.of(remote_ts),),
        ESP,
        lifetime=Lifetime(soft_s=3060, hard_s=3600),
    )
    return PeerConfig(
        "net-net",
        IkeConfig(remote=AddressSpec((host,)), proposals=IKE, version=1),
        AuthConfig(AuthClass.PSK, Identity.parse(local)),
        AuthConfig(AuthClass.PSK, Identity.parse(remote)),
        (child,),
    )
