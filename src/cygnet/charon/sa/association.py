"""The facts of one IKE_SA, which tasks read and change, and the effects gathered while they do.

Tasks and authenticators know this; they do not know the task manager or the shell.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cygnet.base.addresses import Host
from cygnet.base.effects import Announce, Effect, Log, Retire, Schedule, Send
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.base.identities import Identity
from cygnet.charon.config.records import Action, ChildConfig, PeerConfig
from cygnet.charon.encoding.message import Message
from cygnet.charon.sa.child_sa import ChildSa, Path
from cygnet.charon.sa.events import (
    ChildDown,
    ChildStateChanged,
    ChildUp,
    Finished,
    IkeStateChanged,
    MessageSeen,
)
from cygnet.charon.sa.handshake import Handshake
from cygnet.charon.sa.keymat import IkeKeys, Protection
from cygnet.charon.sa.marks import Marks, marks_of
from cygnet.charon.sa.ports import Ports
from cygnet.charon.sa.states import ChildState, IkeState, check_ike_move
from cygnet.crypto.proposals import Proposal, Protocol

if TYPE_CHECKING:
    from cygnet.charon.sa.tasks.task import Task

NO_SPI = bytes(8)

_message_seen = lru_cache(maxsize=4096)(MessageSeen)
"""One record for all messages of a kind: there is one for every message of every IKE_SA."""


@dataclass(slots=True)
class Nat:
    """Where NATs are between us and the peer (RFC 7296, 2.23)."""

    here: bool = False
    there: bool = False
    forced: bool = False

    @property
    def any(self) -> bool:
        """Whether ESP must travel inside UDP."""
        return self.here or self.there or self.forced


@dataclass(slots=True)
class Peer:
    """What the peer said it can do."""

    fragmentation: bool = False
    mobike: bool = False
    no_additional_sas: bool = False


@dataclass(slots=True)
class Times:
    """Moments in the life of an IKE_SA, monotonic seconds; ``None``: never."""

    established: float | None = None
    rekey: float | None = None
    reauth: float | None = None
    end: float | None = None
    received: float = 0.0
    sent: float = 0.0


@dataclass(frozen=True, slots=True)
class Hooks:
    """What an association has done by the IKE_SA around it."""

    create_child: Callable[[ChildConfig, int], None]
    adopt: Callable[["Association"], None]


@dataclass(slots=True, eq=False)
class Association:
    """One IKE_SA. ``initiator`` tells whether we are its original initiator (RFC 7296, 2.2)."""

    ports: Ports
    unique_id: int
    initiator: bool
    spi_i: bytes
    spi_r: bytes
    local: Host
    remote: Host
    config: PeerConfig | None = None
    local_id: Identity | None = None
    remote_id: Identity | None = None
    state: IkeState = IkeState.CREATED
    proposal: Proposal | None = None
    keys: IkeKeys | None = None
    handshake: Handshake | None = field(default_factory=Handshake)
    nat: Nat = field(default_factory=Nat)
    peer: Peer = field(default_factory=Peer)
    times: Times = field(default_factory=Times)
    children: dict[int, ChildSa] = field(default_factory=dict)
    auth_name: str = ""  # how we authenticated, as ``statusall`` words it
    peer_certificates: tuple[bytes, ...] = ()  # with which the peer did, in DER, its own first
    first_contact: bool = True  # we know of no other IKE_SA with this peer
    tries: int = 0  # attempts before this one, for ``keyingtries``
    reauthenticates: bool = False  # to be made anew once it is deleted
    replaced_by: int = 0
    now: float = 0.0
    effects: list[Effect] = field(default_factory=list)
    wanted: list["Task"] = field(default_factory=list)
    collisions: dict[int, tuple[ChildSa, bytes]] = field(default_factory=dict)  # rekeyed by both
    hooks: "Hooks | None" = None

    # Naming

    @property
    def name(self) -> str:
        """The connection's name."""
        return self.config.name if self.config else "(unnamed)"

    @property
    def connection(self) -> str:
        """The connection's name, empty while none is chosen."""
        return self.config.name if self.config else ""

    @property
    def spi_local(self) -> bytes:
        """Our SPI."""
        return self.spi_i if self.initiator else self.spi_r

    @property
    def between(self) -> str:
        """``192.0.2.1[A]...192.0.2.2[B]``."""
        return f"{self.local}[{self.local_id or '%any'}]...{self.remote}[{self.remote_id or '%any'}]"

    def __str__(self) -> str:
        return f"{self.name}[{self.unique_id}]"

    # Keys

    @property
    def sends(self) -> Protection:
        """What protects our messages."""
        keys = self.established_keys
        return keys.protection_i if self.initiator else keys.protection_r

    @property
    def receives(self) -> Protection:
        """What protects the peer's messages."""
        keys = self.established_keys
        return keys.protection_r if self.initiator else keys.protection_i

    @property
    def established_keys(self) -> IkeKeys:
        """The keys, which must be there by now."""
        if self.keys is None:
            raise RuntimeError(f"{self} has no keys yet")
        return self.keys

    @property
    def negotiation(self) -> Handshake:
        """The handshake, which must not be over yet."""
        if self.handshake is None:
            raise RuntimeError(f"the handshake of {self} is over")
        return self.handshake

    @property
    def peer_config(self) -> PeerConfig:
        """The connection, which must have been chosen by now."""
        if self.config is None:
            raise RuntimeError("no connection chosen yet")
        return self.config

    @property
    def path(self) -> Path:
        """How ESP travels."""
        return Path(self.local, self.remote, self.nat.any)

    @property
    def dscp(self) -> int:
        """That of IKE packets; before the connection is chosen that of the likeliest one."""
        if self.config is not None:
            return self.config.ike.dscp
        candidates = self.handshake.candidates if self.handshake else ()
        return candidates[0].ike.dscp if candidates else 0

    # Effects

    def log(self, group: Group, text: str, level: Level = Level.CONTROL) -> None:
        """A log line; the shell adds the IKE_SA's name."""
        self.effects.append(Announce(Log(group, level, text)))

    def saw(self, message: Message, *, incoming: bool) -> None:
        """Count a message that was understood or made."""
        self.announce(_message_seen(self.connection, message.exchange, incoming, message.response))

    def announce(self, event: Any) -> None:
        """An event for the bus."""
        self.effects.append(Announce(event))

    def send(self, source: Host, destination: Host, data: bytes) -> None:
        """Send one datagram and say so."""
        self.times.sent = self.now
        self.log(
            Group.NET,
            f"sending packet: from {source.with_brackets()} to {destination.with_brackets()}"
            f" ({len(data)} bytes)",
        )
        self.effects.append(Send(source, destination, data, self.dscp))

    def schedule(self, delay_s: float, timer: Any) -> None:
        """Get ``timer`` back through ``expire``."""
        self.effects.append(Schedule(delay_s, timer))

    def finish(self, ticket: int, ok: bool, reason: str = "") -> None:
        """The outcome of an order, if anybody waits for it."""
        if ticket:
            self.announce(Finished(ticket, ok, reason))

    def chance(self) -> float:
        """A number from 0 up to 1."""
        return int.from_bytes(self.ports.rng(4), "big") / 2**32

    # States

    def move_to(self, state: IkeState) -> None:
        """Change the state; raises on a move that the table lacks."""
        check_ike_move(self.state, state)
        old, self.state = self.state, state
        self.log(Group.IKE, f"IKE_SA {self} state change: {old} => {state}", Level.DETAIL)
        self.announce(IkeStateChanged(self.unique_id, self.name, old, state))

    def move_child(self, child: ChildSa, state: ChildState) -> None:
        """Change a CHILD_SA's state; tells when it begins and ceases to carry traffic."""
        old = child.move_to(state)
        self.log(Group.CHD, f"CHILD_SA {child} state change: {old} => {state}", Level.DETAIL)
        self.announce(ChildStateChanged(self.unique_id, child.unique_id, child.config.name, old, state))

    def retire(self, reason: str) -> None:
        """This IKE_SA is over: everything leaves the kernel."""
        if self.state is IkeState.DESTROYING:
            return
        for child in tuple(self.children.values()):
            self.drop_child(child)
        self.move_to(IkeState.DESTROYING)
        self.handshake = self.hooks = None  # without the hooks nothing refers in circles: the keys go now
        self.effects.append(Retire(reason))

    def follow(self, local: Host, remote: Host) -> None:
        """The hosts or ports are others now; the CHILD_SAs go with them."""
        if (local, remote) == (self.local, self.remote):
            return
        self.log(
            Group.IKE,
            f"peer moved from {self.remote.with_brackets()} to {remote.with_brackets()}"
            if remote != self.remote
            else f"local address is now {local.with_brackets()}",
            Level.DETAIL,
        )
        self.local, self.remote = local, remote
        for child in self.children.values():
            child.move(self.ports.kernel, self.path)

    # CHILD_SAs

    def new_child(self, config: ChildConfig, reqid: int, marks: Marks | None = None) -> ChildSa:
        """A CHILD_SA with a fresh inbound SPI, and marks of its own unless given; raises ``KernelError``."""
        spi = self.ports.kernel.allocate_spi(self.remote.address, self.local.address, config.protocol)
        child = ChildSa(self.ports.numbers.child(), config, reqid, self.path, spi)
        child.marks = marks or marks_of(config, self.ports.numbers)
        self.children[child.unique_id] = child
        return child

    def create_child(self, config: ChildConfig, reqid: int) -> None:
        """Have a CHILD_SA negotiated."""
        if self.hooks is not None:
            self.hooks.create_child(config, reqid)

    def child_up(self, child: ChildSa, replaces: int = 0) -> None:
        """Tell that a CHILD_SA carries traffic."""
        self.announce(ChildUp(self.unique_id, child.config, child.snapshot(), replaces))

    def drop_child(self, child: ChildSa, *, rekeyed: bool = False) -> None:
        """Forget a CHILD_SA and take it out of the kernel."""
        if self.children.pop(child.unique_id, None) is None:
            return
        was_up = child.agreed is not None and child.state not in (ChildState.CREATED, ChildState.INSTALLING)
        try:
            child.remove(self.ports.kernel)
        except LocalError as error:
            self.log(Group.KNL, f"removing CHILD_SA {child} failed: {error}")
        if child.counted:
            self.ports.numbers.release_reqid(child.reqid)
        self.move_child(child, ChildState.DESTROYING)
        if was_up:
            self.announce(ChildDown(self.unique_id, child.config, child.snapshot(), rekeyed))

    def child_by_spi(
        self, spi: bytes, *, outbound: bool, protocol: int = Protocol.IKE
    ) -> ChildSa | None:
        """The CHILD_SA with this SPI of four octets; of ESP or AH, or, without ``protocol``, of either."""
        number = int.from_bytes(spi, "big")
        for child in self.children.values():
            if protocol not in (Protocol.IKE, child.ike_protocol):
                continue
            if (child.outbound.spi if outbound else child.spi_in) == number:
                return child
        return None

    def children_wanting(self, action: Action, *, dead: bool) -> tuple[ChildConfig, ...]:
        """The configurations, each once, of the CHILD_SAs whose dpdaction (closeaction) this is."""
        found = {
            child.config.name: child.config
            for child in self.children.values()
            if child.carries and (child.config.dpd_action if dead else child.config.close_action) is action
        }
        return tuple(found.values())
