"""Two peers that may tunnel between 10.1.0.0/16 and 10.2.0.0/16, with pre-shared keys."""

from dataclasses import replace

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.sa.events import InboundLingers
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.states import IkeState
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.kernel.backends.memory import differences
from cygnet.kernel.port import Lifetime
from cygnet.keying.config.records import (
    AddressSpec,
    AuthClass,
    AuthConfig,
    ChildConfig,
    IkeConfig,
    PeerConfig,
)
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.child_snapshot import ChildSnapshot
from simulation.network import Network, Weather
from simulation.peer import Peer

IKE = parse_proposals("aes128gcm16-prfsha256-curve25519!", Protocol.IKE)
ESP = parse_proposals("aes128gcm16!", Protocol.ESP)
ALICE, BOB = "192.0.2.1", "192.0.2.2"


def selector(text: str) -> TrafficSelector:
    return TrafficSelector.of(text)


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
        net_a, net_b = selector("10.1.0.0/16"), selector("10.2.0.0/16")
        self.alice_config = config("alice.test", "bob.test", net_a, net_b, BOB)
        self.bob_config = config("bob.test", "alice.test", net_b, net_a, ALICE)

    def connect(self, seconds: float = 2.0) -> IkeSa:
        """Bob has his connection, Alice initiates hers, time passes."""
        self.load()
        sa = self.alice.initiate(self.alice_config, self.alice_config.children[0], BOB)
        self.network.run(seconds)
        return sa

    def load(self) -> None:
        """Bob (and Alice, for requests of his) know their connections."""
        self.bob.connections.configs = [self.bob_config]
        self.alice.connections.configs = [self.alice_config]

    def change_child(self, whose: str, **changes: object) -> None:
        """Other values in ``alice``'s or ``bob``'s CHILD_SA configuration."""
        old: PeerConfig = getattr(self, f"{whose}_config")
        child = replace(old.children[0], **changes)  # type: ignore[arg-type]
        setattr(self, f"{whose}_config", replace(old, children=(child,)))

    def change(self, whose: str, **changes: object) -> None:
        """Other values in ``alice``'s or ``bob``'s connection."""
        old: PeerConfig = getattr(self, f"{whose}_config")
        setattr(self, f"{whose}_config", replace(old, **changes))  # type: ignore[arg-type]

    def add_child(self, name: str, local: str, remote: str, **changes: object) -> None:
        """One more CHILD_SA configuration in both connections; ``local`` is Alice's network."""
        for whose, selectors in (("alice", (local, remote)), ("bob", (remote, local))):
            old: PeerConfig = getattr(self, f"{whose}_config")
            ours, theirs = ((selector(text),) for text in selectors)
            child = replace(old.children[0], name=name, local_ts=ours, remote_ts=theirs, **changes)  # type: ignore[arg-type]
            setattr(self, f"{whose}_config", replace(old, children=(*old.children, child)))

    def is_up(self, children: int = 1) -> bool:
        """Both have one established IKE_SA with so many CHILD_SAs, and the kernels fit together."""
        both = (self.alice, self.bob)
        states = [[sa.state for sa in peer.sas.values()] for peer in both]
        lingering = {event.id for peer in both for event in peer.of(InboundLingers)}
        carrying = [[one for one in peer.kernel.sas if one not in lingering] for peer in both]
        return (
            states == [[IkeState.ESTABLISHED]] * 2
            and all(len(self.children(peer)) == children for peer in both)
            and len(carrying[0]) == len(carrying[1]) == 2 * children
            and not differences(self.alice.kernel, self.bob.kernel, lingering)
        )

    def is_clean(self) -> bool:
        """Nothing is left on either side."""
        return all(
            not peer.sas and peer.kernel.is_empty() and not any(peer.numbers.users.values())
            for peer in (self.alice, self.bob)
        )

    def children(self, peer: Peer) -> tuple[ChildSnapshot, ...]:
        return tuple(child for sa in peer.sas.values() for child in sa.snapshot(self.network.now).children)


def another(config: PeerConfig, name: str = "another") -> ChildConfig:
    """One more CHILD_SA, for a part of the first one's networks: of the same there is no second one."""
    child = config.children[0]
    local, remote = (replace(one, end=one.start + 255) for one in (*child.local_ts, *child.remote_ts))
    return replace(child, name=name, local_ts=(local,), remote_ts=(remote,))


def config(
    local: str, remote: str, local_ts: TrafficSelector, remote_ts: TrafficSelector, host: str
) -> PeerConfig:
    """A connection from the identity ``local`` to ``remote``, which is at ``host``."""
    child = ChildConfig(
        "net-net", (local_ts,), (remote_ts,), ESP, lifetime=Lifetime(soft_s=3060, hard_s=3600)
    )
    return PeerConfig(
        "net-net",
        IkeConfig(remote=AddressSpec((host,)), proposals=IKE),
        (AuthConfig(AuthClass.PSK, Identity.parse(local)),),
        (AuthConfig(AuthClass.PSK, Identity.parse(remote)),),
        (child,),
        reauth=False,
    )
