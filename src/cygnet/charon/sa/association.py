"""The facts of one IKE_SA, which tasks read and change, and the effects gathered while they do.

Tasks and authenticators know this; they do not know the task manager or the shell.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cygnet.base.addresses import Host
from cygnet.base.effects import Announce, Effect, Log, MessageSeen, Retire, Schedule, Send
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.base.identities import Identity
from cygnet.base.records import record
from cygnet.charon.encoding.message import Message
from cygnet.charon.sa import inactivity, succession
from cygnet.charon.sa.events import (
    ChildClosed,
    ChildStateChanged,
    Finished,
    IkeClosed,
    IkeStateChanged,
    InboundLingers,
    ReauthenticationFailed,
)
from cygnet.charon.sa.facts import Nat, Peer, Times
from cygnet.charon.sa.handshake import Handshake
from cygnet.charon.sa.keymat import IkeKeys, Protection
from cygnet.charon.sa.mobility import Mobility, Pair
from cygnet.charon.sa.ports import Ports
from cygnet.charon.sa.rekeying import Crossing
from cygnet.charon.sa.states import ENDING, LIVE, IkeState, check_ike_move
from cygnet.charon.sa.timers import Timer
from cygnet.charon.sa.virtual_ips import Virtual, give_up
from cygnet.crypto.proposals import Proposal, Protocol
from cygnet.keying.config.records import ChildConfig, PeerConfig
from cygnet.keying.sa.child_sa import ChildSa
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.endings import Cause
from cygnet.keying.sa.esp_path import Path
from cygnet.keying.sa.events import ChildDown, ChildUp
from cygnet.keying.sa.marks import Marks, marks_of

if TYPE_CHECKING:
    from cygnet.charon.sa.tasks.child_rekey import ChildRekey
    from cygnet.charon.sa.tasks.ike_rekey import IkeRekey
    from cygnet.charon.sa.tasks.series import Series
    from cygnet.charon.sa.tasks.task import Task

NO_SPI = bytes(8)
Chain = tuple[bytes, ...]
"""Certificates in DER: the peer's own first, its root last."""

_LEAVING = (*ENDING, IkeState.DESTROYING)
_BY_ORDER = (Cause.ORDERED, Cause.REAUTH, Cause.REAUTHENTICATED, Cause.REPLACED)
_message_seen = lru_cache(maxsize=4096)(MessageSeen)
"""One record for all messages of a kind: there is one for every message of every IKE_SA."""


@record
class Hooks:
    """What an association has done by the IKE_SA around it."""

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
    remote_eap_id: Identity | None = None  # the user that the peer proved to be
    state: IkeState = IkeState.CREATED
    proposal: Proposal | None = None
    keys: IkeKeys | None = None
    handshake: Handshake | None = field(default_factory=Handshake)
    nat: Nat = field(default_factory=Nat)
    peer: Peer = field(default_factory=Peer)
    times: Times = field(default_factory=Times)
    children: dict[int, ChildSa] = field(default_factory=dict)
    ppk: str = ""  # the PPK_ID of the post-quantum pre-shared key that its keys are made with
    auth_name: str = ""  # how we authenticated, as ``statusall`` words it
    peer_chains: tuple[Chain, ...] = ()  # with which the peer did, one a round that had any
    tries: int = 0  # attempts before this one, for ``keyingtries``
    cause: Cause = Cause.FAILED  # why it ends, once it does
    succeeds: int = 0  # the IKE_SA in whose place this one is being made
    reauthenticating: bool = False  # a successor is being made
    reauth_failures: int = 0
    replaced_by: int = 0
    first: Pair | None = None  # the hosts that we began with
    arrival: Pair | None = None  # the hosts of the message that is being processed
    redundant: bool = False  # made by a rekeying that lost against another
    now: float = 0.0
    effects: list[Effect] = field(default_factory=list)
    wanted: list["Task"] = field(default_factory=list)
    early_deletes: set[bytes] = field(default_factory=set)  # SPIs of CHILD_SAs still being made with us
    series: dict[bytes, "Series"] = field(default_factory=dict)  # the peer's, by link, waiting for more
    crossing: "Crossing[IkeRekey]" = field(default_factory=Crossing)  # who is rekeying this IKE_SA
    crossings: dict[int, "Crossing[ChildRekey]"] = field(default_factory=dict)  # and its CHILD_SAs, by {n}
    hooks: "Hooks | None" = None
    virtual: Virtual = field(default_factory=Virtual)

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
        """How ESP travels: between the IKE_SA's hosts, as soon as those are verified (RFC 4555, 3.5)."""
        return self.mobility.verified or Path(self.local, self.remote, self.nat.any)

    @property
    def mobility(self) -> Mobility:
        """What MOBIKE knows."""
        return self.peer.mobility

    @property
    def is_searching(self) -> bool:
        """Whether requests go out along several paths."""
        return self.mobility.probing and self.is_mobile

    @property
    def is_mobile(self) -> bool:
        """Whether a move concerns it; a rekeyed one too until it is deleted: the peer may know no other."""
        return self.state in LIVE or (self.state in ENDING and not self.children)

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
        self.effects.append(Log(group, level, text))

    def saw(self, message: Message, *, incoming: bool) -> None:
        """Count a message that was understood or made."""
        self.announce(_message_seen(self.connection, message.exchange, incoming, message.response))

    def announce(self, event: Any) -> None:
        """An event for the bus."""
        self.effects.append(Announce(event))

    def send(self, source: Host, destination: Host, data: bytes, delay_s: float = 0.0) -> None:
        """Send one datagram and say so."""
        self.times.sent = self.now
        self.log(
            Group.NET,
            f"sending packet: from {source.with_brackets()} to {destination.with_brackets()}"
            f" ({len(data)} bytes)",
        )
        self.effects.append(Send(source, destination, data, self.dscp, delay_s))

    def schedule(self, delay_s: float, timer: Any) -> None:
        """Get ``timer`` back through ``expire``."""
        self.effects.append(Schedule(delay_s, timer))

    def finish(self, ticket: int, ok: bool, reason: str = "") -> None:
        """The outcome of an order, if anybody waits for it."""
        if ticket:
            leaving = not ok and (self.state in _LEAVING or self.cause in _BY_ORDER)
            self.announce(Finished(ticket, ok, reason, self.tries, leaving))

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
        lost, outlived = succession.lost_children(self), succession.outlived(self)
        for child in tuple(self.children.values()):
            self.drop_child(child, rekeyed=self.replaced_by != 0, linger=child in outlived)
            if child.again:
                self.close_child(child, Cause.EXPIRED)
        give_up(self)
        self.move_to(IkeState.DESTROYING)
        self.handshake = self.hooks = None  # without the hooks nothing refers in circles: the keys go now
        self.forget_negotiations()
        if self.config is not None:
            replaced = self.cause is Cause.FAILED and self.replaced_by
            cause = Cause.REPLACED if replaced else self.cause
            self.announce(IkeClosed(self.unique_id, self.config, lost, cause, self.initiator))
        if self.succeeds:
            self.announce(ReauthenticationFailed(self.unique_id, self.succeeds, reason))
        self.effects.append(Retire(reason))

    def forget_negotiations(self) -> None:
        """Nothing that was begun on this IKE_SA comes to an end any more."""
        self.series.clear()
        self.crossings.clear()
        self.crossing = Crossing()

    # CHILD_SAs

    def new_child(self, config: ChildConfig, reqid: int, marks: Marks | None = None) -> ChildSa:
        """A CHILD_SA with a fresh inbound SPI, and marks of its own unless given; raises ``KernelError``."""
        path = self.path
        spi = self.ports.kernel.allocate_spi(path.remote.address, path.local.address, config.protocol)
        child = ChildSa(self.ports.numbers.child(), config, reqid, path, spi)
        child.marks = marks or marks_of(config, self.ports.numbers)
        self.children[child.unique_id] = child
        return child

    def child_up(self, child: ChildSa, replaces: int = 0) -> None:
        """Tell that a CHILD_SA carries traffic; a rekeyed one is as idle as the one before."""
        inactivity.begin(self, child, self.children.get(replaces))
        self.announce(
            ChildUp(self.unique_id, child.config, child.snapshot(), replaces, initiated=child.initiated)
        )

    def close_child(self, child: ChildSa, cause: Cause) -> None:
        """Tell that a CHILD_SA ends without an order of ours, while the IKE_SA lives on."""
        if self.config is not None:
            self.announce(ChildClosed(self.unique_id, self.config, succession.lost(child), cause))

    def drop_child(self, child: ChildSa, *, rekeyed: bool = False, linger: bool = False) -> None:
        """Forget a CHILD_SA and take it out of the kernel.

        ``linger``: packets of the peer that are still under way are let in, for ``delete_rekeyed_delay``.
        """
        if self.children.pop(child.unique_id, None) is None:
            return
        self.crossings.pop(child.unique_id, None)
        self._pass_on_place(child)
        was_up = child.agreed is not None and child.state not in (ChildState.CREATED, ChildState.INSTALLING)
        delay = self._linger_s(child) if linger else 0
        try:
            child.remove(self.ports.kernel, linger=delay > 0)
        except LocalError as error:
            self.log(Group.KNL, f"removing CHILD_SA {child} failed: {error}")
        if delay:
            self.announce(InboundLingers(child.inbound, delay))
        if child.counted:
            self.ports.numbers.release_reqid(child.reqid)
        self.move_child(child, ChildState.DESTROYING)
        if was_up:
            self.announce(ChildDown(self.unique_id, child.config, child.snapshot(), rekeyed))

    def _pass_on_place(self, child: ChildSa) -> None:
        """What it had replaced is replaced by its successor, or is in use again if it has none."""
        for old in self.children.values():
            if old.replaced_by == child.unique_id:
                old.replaced_by = child.replaced_by if child.replaced_by in self.children else 0
                if not old.replaced_by and old.state is ChildState.REKEYED:
                    self.move_child(old, ChildState.INSTALLED)

    def _linger_s(self, child: ChildSa) -> float:
        """``delete_rekeyed_delay``, of which 0 means up to the end of the lifetime."""
        left = child.expire_at - self.now if child.expire_at is not None else 0
        return self.ports.settings.delete_rekeyed_delay_s or max(left, 0)

    def schedule_child(self, child: ChildSa, delay_s: float, timer: Timer) -> None:
        """Like ``schedule``, for a timer that follows the CHILD_SA to the IKE_SA that inherits it."""
        child.timers = {one: due for one, due in child.timers.items() if due > self.now}
        child.timers[timer] = self.now + delay_s
        self.schedule(delay_s, timer)

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
