"""The facts of one ISAKMP SA, which the rows' processors read and change, and the effects gathered meanwhile.

Processors know this; they do not know who calls them, nor the shell.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from cygnet.base.addresses import Address, Host
from cygnet.base.effects import Announce, Counted, Effect, Log, MessageSeen, Retire, Schedule, Send
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.base.identities import Identity
from cygnet.crypto.key_log import tell_moves
from cygnet.crypto.proposals import Proposal
from cygnet.keying.config.records import Action, ChildConfig
from cygnet.keying.sa.child_sa import ChildSa
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.esp_path import Path
from cygnet.keying.sa.events import ChildDown, ChildUp
from cygnet.keying.sa.marks import marks_of
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.encoding.message import NO_COOKIE
from cygnet.pluto.encoding.methods import MethodRow
from cygnet.pluto.encoding.payloads import Payload
from cygnet.pluto.encoding.vendor_ids import Feature
from cygnet.pluto.sa import virtual_ips
from cygnet.pluto.sa.events import ChildStateChanged, Finished, IkeStateChanged, StateChanged
from cygnet.pluto.sa.facts import Dpd, Nat, Times, Virtual
from cygnet.pluto.sa.handshake import Handshake
from cygnet.pluto.sa.keymat import Phase1Keys
from cygnet.pluto.sa.ports import Ports
from cygnet.pluto.sa.states import IkeState, State, check_ike_move
from cygnet.pluto.sa.timers import Settled
from cygnet.pluto.sa.wishes import Wish

V = TypeVar("V")
SETTLE_S = 0.1

_message_seen = lru_cache(maxsize=4096)(MessageSeen)
"""One record for all messages of a kind: there is one for every message of every ISAKMP SA."""


@dataclass(slots=True, eq=False)
class Association:
    """One ISAKMP SA. ``initiator`` tells whether we began its phase 1 (RFC 2409, 4)."""

    ports: Ports
    unique_id: int
    initiator: bool
    cookie_i: bytes
    cookie_r: bytes
    local: Host
    remote: Host
    config: PeerConfig | None = None
    local_id: Identity | None = None
    remote_id: Identity | None = None
    life: IkeState = IkeState.CREATED
    state: State = State.START
    method: MethodRow | None = None
    proposal: Proposal | None = None
    lifetime_s: float = 0  # what was negotiated for phase 1, 0: nothing
    keys: Phase1Keys | None = None
    last_block: bytes = b""  # the last CBC block of phase 1 (RFC 2409, appendix B)
    handshake: Handshake | None = field(default_factory=Handshake)
    nat: Nat = field(default_factory=Nat)
    features: frozenset[Feature] = frozenset()
    times: Times = field(default_factory=Times)
    dpd: Dpd = field(default_factory=Dpd)
    virtual: Virtual = field(default_factory=Virtual)
    earlier: tuple[Address, ...] = ()  # addresses that the ISAKMP SA had which this one replaces
    authenticating: bool = False  # phase 1 is over but for XAUTH
    verdict: bool | None = None  # whether the user proved himself
    begun: frozenset[State] = frozenset()  # transactions of ours, each of which takes place once
    configured: bool = True  # no mode config is waited for
    settled_at: float = 0.0  # until then the peer is busy with an acknowledgement of ours
    user: str = ""  # who the peer is by XAUTH
    children: dict[int, ChildSa] = field(default_factory=dict)
    peer_certificates: tuple[bytes, ...] = ()  # DER, the peer's own first
    first_contact: bool = True  # we know of no other ISAKMP SA with this peer
    replaces: int = 0
    tries: int = 0  # attempts before this one, for ``keyingtries``
    refusal: int = 0  # the notify message type of what fails just now
    heir: int = 0  # the ISAKMP SA that takes this one's place
    now: float = 0.0
    effects: list[Effect] = field(default_factory=list)
    making: dict[Any, Any] = field(default_factory=dict)  # our quick modes under way, by pair of selectors
    wanted: list[Wish] = field(default_factory=list)
    tickets: list[int] = field(default_factory=list)  # who waits for the ISAKMP SA itself
    make_successor: Callable[[], Any] | None = None  # another ISAKMP SA with the same peer
    outbox: list[tuple[Payload, ...]] = field(default_factory=list)  # informational messages to be sent

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
    def cookies(self) -> bytes:
        """CKY-I | CKY-R."""
        return self.cookie_i + self.cookie_r

    @property
    def between(self) -> str:
        """``192.0.2.1[A]...192.0.2.2[B]``."""
        return f"{self.local}[{self.local_id or '%any'}]...{self.remote}[{self.remote_id or '%any'}]"

    def __str__(self) -> str:
        return f"{self.name}[{self.unique_id}]"

    # What must be there by now

    @property
    def peer_config(self) -> PeerConfig:
        """The connection."""
        return _there(self.config, "connection")

    @property
    def negotiation(self) -> Handshake:
        """The handshake, which is not over yet."""
        return _there(self.handshake, "handshake")

    @property
    def established_keys(self) -> Phase1Keys:
        """The keys."""
        return _there(self.keys, "keys")

    @property
    def agreed_proposal(self) -> Proposal:
        """The proposal of phase 1."""
        return _there(self.proposal, "proposal")

    @property
    def agreed_method(self) -> MethodRow:
        """The authentication method of phase 1."""
        return _there(self.method, "method")

    # What it is like

    @property
    def established(self) -> bool:
        """Whether the peer is authenticated and the SA may be used for new things."""
        return self.life is IkeState.ESTABLISHED

    @property
    def usable(self) -> bool:
        """Whether the peer is authenticated; it may also be about to be replaced."""
        return self.life in (IkeState.ESTABLISHED, IkeState.REKEYED)

    @property
    def serves(self) -> bool:
        """Whether the peer is a client, by XAUTH or with an address of ours: it alone can begin anew."""
        asked = self.method is not None and self.method.asks_user(not self.initiator)
        return asked or bool(self.virtual.given)

    @property
    def phase1_over(self) -> bool:
        """Whether main or aggressive mode is done."""
        return self.authenticating or self.life not in (IkeState.CREATED, IkeState.CONNECTING)

    @property
    def path(self) -> Path:
        """How ESP travels."""
        return Path(self.local, self.remote, self.nat.any)

    def has(self, feature: Feature) -> bool:
        """Whether the peer said that it can do something."""
        return feature in self.features

    # Effects

    def log(self, group: Group, text: str, level: Level = Level.CONTROL) -> None:
        """A log line; the shell adds the SA's name."""
        self.effects.append(Log(group, level, text))

    def announce(self, event: Any) -> None:
        """An event for the bus."""
        self.effects.append(Announce(event))

    def count(self, what: str) -> None:
        """Something for the counters."""
        self.announce(Counted(what, self.connection))

    def saw(self, exchange: int, *, incoming: bool, response: bool) -> None:
        """Count a message that was understood or made."""
        self.announce(_message_seen(self.connection, exchange, incoming, response))

    def send(self, data: bytes) -> None:
        """Send one datagram to the peer and say so."""
        self.times.sent = self.now
        way = f"from {self.local.with_brackets()} to {self.remote.with_brackets()}"
        self.log(Group.NET, f"sending packet: {way} ({len(data)} bytes)")
        dscp = self.config.ike.dscp if self.config else 0
        self.effects.append(Send(self.local, self.remote, data, dscp))

    def schedule(self, delay_s: float, timer: Any) -> None:
        """Get ``timer`` back through ``expire``."""
        self.effects.append(Schedule(delay_s, timer))

    def finish(self, ticket: int, ok: bool, reason: str = "") -> None:
        """The outcome of an order, if anybody waits for it."""
        if ticket:
            self.announce(Finished(ticket, ok, reason, 0 if ok else self.refusal))

    def inform(self, *payloads: Payload) -> None:
        """Tell the peer something in an informational message of its own (RFC 2409, 5.7)."""
        self.outbox.append(payloads)

    def chance(self) -> float:
        """A number from 0 up to 1."""
        return int.from_bytes(self.ports.rng(4), "big") / 2**32

    # States

    def move_to(self, life: IkeState) -> None:
        """Change the state that status commands show; raises on a move that the table lacks."""
        check_ike_move(self.life, life)
        old, self.life = self.life, life
        self.log(Group.IKE, f"IKE_SA {self} state change: {old} => {life}", Level.DETAIL)
        self.announce(IkeStateChanged(self.unique_id, self.name, old, life))

    def reached(self, state: State, number: int = 0) -> None:
        """An exchange is in another state of its table; ``number`` is that of an IPsec SA in the making."""
        if not number:
            self.state = state
        self.log(Group.IKE, f"{state.label}: {state.story}", Level.DETAIL)
        self.announce(StateChanged(self.unique_id, number or self.unique_id, self.name, state))

    def retire(self, reason: str) -> None:
        """This ISAKMP SA is over: everything leaves the kernel, addresses are given back."""
        if self.life is IkeState.DESTROYING:
            return
        for child in tuple(self.children.values()):
            self.drop_child(child)
        self.release_addresses()
        self.move_to(IkeState.DESTROYING)
        self.handshake = None
        self.outbox.clear()
        self.effects.append(Retire(reason))

    def release_addresses(self) -> None:
        """What mode config gave in either direction ends."""
        virtual, self.virtual = self.virtual, Virtual()
        if virtual.given:
            self.ports.addresses.release(self.unique_id)
        for address in virtual.given:
            self.log(Group.IKE, f"lease {address} by '{self.owner}' went offline")
        if virtual.received is not None:
            self.announce(virtual_ips.gone(self.ports, virtual.received))

    def settle(self) -> None:
        """Begin no exchange for a moment.

        strongSwan works on messages in parallel: quick mode that overtakes the end of XAUTH ends its SA.
        """
        self.settled_at = self.now + SETTLE_S
        self.schedule(SETTLE_S, Settled())

    @property
    def owner(self) -> Identity:
        """To whom addresses are given: the user if there is one, else the peer."""
        if self.user:
            return Identity.parse(self.user)
        return _there(self.remote_id, "identity")

    def follow(self, local: Host, remote: Host) -> None:
        """The hosts or ports are others now; the IPsec SAs go with them."""
        if (local, remote) == (self.local, self.remote):
            return
        if remote != self.remote:
            old, new = self.remote.with_brackets(), remote.with_brackets()
            self.log(Group.IKE, f"peer moved from {old} to {new}", Level.DETAIL)
        self.local, self.remote = local, remote
        for child in self.children.values():
            self.move_path(child)

    def move_path(self, child: ChildSa) -> None:
        """Have an IPsec SA follow this ISAKMP SA's hosts; where the kernel cannot, it stays as it was."""
        try:
            before = child.names
            child.move(self.ports.kernel, self.path)
            tell_moves(self.ports.key_log, before, child.names)
        except LocalError as error:
            self.log(Group.KNL, f"moving CHILD_SA {child} failed: {error}")

    # IPsec SAs

    def new_child(self, config: ChildConfig) -> ChildSa:
        """An IPsec SA with a fresh inbound SPI; raises ``KernelError``."""
        kernel = self.ports.kernel
        spi = kernel.allocate_spi(self.remote.address, self.local.address, config.protocol)
        child = ChildSa(self.ports.numbers.child(), config, 0, self.path, spi)
        child.marks = marks_of(config, self.ports.numbers)
        self.children[child.unique_id] = child
        return child

    def move_child(self, child: ChildSa, state: ChildState) -> None:
        """Change an IPsec SA's state."""
        old = child.move_to(state)
        text = f"CHILD_SA {child} state change: {old} => {state}"
        self.log(Group.CHD, text, Level.DETAIL)
        event = ChildStateChanged(self.unique_id, child.unique_id, child.config.name, old, state)
        self.announce(event)

    def child_up(self, child: ChildSa, replaces: int = 0) -> None:
        """Tell that an IPsec SA carries traffic."""
        self.announce(ChildUp(self.unique_id, child.config, child.snapshot(), replaces))

    def drop_child(self, child: ChildSa, *, rekeyed: bool = False) -> None:
        """Forget an IPsec SA and take it out of the kernel."""
        if self.children.pop(child.unique_id, None) is None:
            return
        was_up = child.agreed is not None and child.state not in _UNMADE
        try:
            child.remove(self.ports.kernel)
        except LocalError as error:
            self.log(Group.KNL, f"removing CHILD_SA {child} failed: {error}")
        if child.counted:
            self.ports.numbers.release_reqid(child.reqid)
        self.move_child(child, ChildState.DESTROYING)
        if was_up:
            self.announce(ChildDown(self.unique_id, child.config, child.snapshot(), rekeyed))

    def child_by_spi(self, spi: bytes, protocol: int, *, outbound: bool) -> ChildSa | None:
        """The IPsec SA with this SPI of four octets and this protocol (RFC 2407, 4.4.1)."""
        number = int.from_bytes(spi, "big")
        for child in self.children.values():
            known = child.outbound.spi if outbound else child.inbound.spi
            if known == number and protocol_number(child) == protocol:
                return child
        return None

    def children_wanting(self, action: Action, *, dead: bool) -> tuple[ChildConfig, ...]:
        """The configurations, each once, of the IPsec SAs whose dpdaction (closeaction) this is."""
        found = {
            child.config.name: child.config
            for child in self.children.values()
            if child.carries and (child.config.dpd_action if dead else child.config.close_action) == action
        }
        return tuple(found.values())


_UNMADE = (ChildState.CREATED, ChildState.INSTALLING)
_PROTOCOLS = {50: 3, 51: 2}


def protocol_number(child: ChildSa) -> int:
    """ESP or AH as the IPsec DOI numbers them (RFC 2407, 4.4.1)."""
    return _PROTOCOLS[child.protocol]


def fresh_cookie(rng: Callable[[int], bytes]) -> bytes:
    """A cookie of ours (RFC 2408, 2.5.3); it cannot be zero, which means "none yet"."""
    cookie = rng(8)
    return cookie if cookie != NO_COOKIE else rng(8)


def _there(value: V | None, what: str) -> V:
    if value is None:
        raise RuntimeError(f"there is no {what} yet, or no longer")
    return value


