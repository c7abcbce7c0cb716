"""The data plane: SAD, SPD and their caches; packets in lists, decisions in lists (RFC 4301, 5).

Nothing here knows a socket or a clock. The caller writes what comes out, keeps the timers of lifetimes
by time and delivers the events.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cygnet.base.addresses import Address, Host
from cygnet.base.errors import MalformedError
from cygnet.base.selectors import TrafficSelector
from cygnet.esp.associations import InboundSa, OutboundSa
from cygnet.esp.flows import Flow, flow_key, flow_of, is_multicast
from cygnet.esp.mtu import packet_too_big, too_big
from cygnet.esp.policies import PolicyDatabase, SelectorPair
from cygnet.esp.records import AcquireWanted, Action, Drop, Due, Event, Expired, Moved, Policy, SaParameters
from cygnet.esp.tos import decapsulate, outer_tos, tos_of

MAX_FLOWS = 8192
MAX_FLOWS_PER_SA = 1024
MAX_HELD = 16
"""Packets kept for each trap until its SA is there."""
ACQUIRE_S = 165.0
"""How long one acquire stands before the next packet makes another; as charon sets it in a kernel."""

_Selectors = tuple[TrafficSelector, ...]
SaKey = tuple[Address, Address, int]
Datagram = tuple[bytes, int, tuple[str, int] | None]
"""A received ESP packet, the outer TOS octet, and address and port of its sender if it came in UDP."""


@dataclass(slots=True)
class Sent:
    """What became of packets to be sent: datagrams with their SA and outer TOS octet, in order;
    ICMP answers to their senders; packets that pass in clear."""

    datagrams: list[tuple[OutboundSa, int, bytes]] = field(default_factory=list)
    replies: list[bytes] = field(default_factory=list)
    passed: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class Received:
    """Inner packets in order, and what the keying daemon is to be told."""

    packets: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class _Trap:
    """An acquire under way: since when, and the packets that wait for it."""

    since: float
    held: list[bytes] = field(default_factory=list)


class DataPlane:
    """SAs and policies of one host, and the way of every packet through them.

    ``rng`` gives unpredictable octets for the IVs that need them. ``drops`` counts packets by reason.
    """

    def __init__(self, rng: Callable[[int], bytes]) -> None:
        self.policies = PolicyDatabase()
        self.drops: Counter[Drop] = Counter()
        self.rng = rng
        self._inbound: dict[int, InboundSa] = {}
        self._by_policy: set[InboundSa] = set()  # those without selectors: what they admit, policies say
        self._outbound: dict[SaKey, OutboundSa] = {}
        self._by_reqid: dict[int, list[OutboundSa]] = {}
        self._flows: dict[bytes, OutboundSa | Policy | None] = {}
        self._traps: dict[Policy, _Trap] = {}

    # -- what the keying daemon does -------------------------------------------------------------------

    def add_inbound(self, sa: InboundSa) -> None:
        """Enter an SA under its SPI, which nobody else has."""
        self._inbound[sa.parameters.spi] = sa
        if not (sa.parameters.local_ts and sa.parameters.remote_ts):
            self._by_policy.add(sa)

    def add_outbound(self, sa: OutboundSa) -> None:
        """Enter an SA; it is the first choice of its reqid from now on."""
        self._outbound[_key(sa.parameters)] = sa
        self._by_reqid.setdefault(sa.parameters.reqid, []).insert(0, sa)
        self._flows.clear()

    def find(self, key: SaKey) -> InboundSa | OutboundSa | None:
        """The SA between these addresses with this SPI."""
        sa = self._inbound.get(key[2])
        if sa is not None and _key(sa.parameters) == key:
            return sa
        return self._outbound.get(key)

    def inbound_spi_taken(self, spi: int) -> bool:
        """Whether an inbound SA has this SPI."""
        return spi in self._inbound

    def outbound(self) -> Iterable[OutboundSa]:
        """All sending SAs."""
        return self._outbound.values()

    def inbound(self) -> Iterable[InboundSa]:
        """All receiving SAs."""
        return self._inbound.values()

    def remove(self, sa: InboundSa | OutboundSa) -> None:
        """Take an SA out of the SAD; one that is out already is no error."""
        parameters = sa.parameters
        if isinstance(sa, InboundSa):
            if self._inbound.get(parameters.spi) is sa:
                del self._inbound[parameters.spi]
            self._by_policy.discard(sa)
            return
        if self._outbound.get(_key(parameters)) is sa:
            del self._outbound[_key(parameters)]
        siblings = self._by_reqid.get(parameters.reqid, [])
        if sa in siblings:
            siblings.remove(sa)
        if not siblings:
            self._by_reqid.pop(parameters.reqid, None)
        self._flows.clear()

    def move(self, sa: InboundSa | OutboundSa, parameters: SaParameters) -> None:
        """Give an SA other outer addresses or ports; everything else of ``parameters`` is as before."""
        if isinstance(sa, OutboundSa):
            del self._outbound[_key(sa.parameters)]
            self._outbound[_key(parameters)] = sa
        sa.move(parameters)

    def add_policy(self, policy: Policy) -> None:
        """Enter a policy."""
        self.policies.add(policy)
        self._forget_flows()

    def remove_policy(self, policy: Policy) -> None:
        """Take out a policy, with what waited for it."""
        self.policies.remove(policy)
        self._traps.pop(policy, None)
        self._forget_flows()

    def forget_acquires(self, owner: str) -> None:
        """A keying daemon began anew: what it was asked for is forgotten and asked again."""
        for policy in [policy for policy in self._traps if policy.owner == owner]:
            del self._traps[policy]

    def release(self, now: float) -> Sent:
        """Send what waited for an SA that is there by now; to be called after one was added."""
        packets: list[bytes] = []
        for policy, trap in list(self._traps.items()):
            if policy.reqid in self._by_reqid:
                packets += trap.held
                del self._traps[policy]
        return self.send(packets, now)

    # -- packets -----------------------------------------------------------------------------------------

    def send(self, packets: Iterable[bytes], now: float) -> Sent:
        """Protect packets that are to leave this host."""
        sent = Sent()
        flows = self._flows
        for packet in packets:
            try:
                key = flow_key(packet)
            except MalformedError:
                self.drops[Drop.MALFORMED] += 1
                continue
            chosen = flows[key] if key in flows else self._choose(key)
            if isinstance(chosen, OutboundSa):
                self._protect(packet, chosen, sent, now)
            else:
                self._unprotected(packet, key, chosen, sent, now)
        return sent

    def receive(self, datagrams: Iterable[Datagram], now: float) -> Received:
        """Open ESP packets that arrived."""
        received = Received()
        drops, inbound = self.drops, self._inbound
        for data, tos, peer in datagrams:
            sa = inbound.get(int.from_bytes(data[:4], "big"))
            if sa is None:
                drops[_no_esp(data)] += 1
                continue
            top = sa.window.top
            inner = sa.open(data)
            if isinstance(inner, Drop):
                drops[inner] += 1
                continue
            if peer is not None and peer != sa.peer and sa.peer is not None and sa.window.top > top:
                self._moved(sa, peer, received)
            packet = decapsulate(inner, tos) if tos & 3 else inner
            if packet is None:
                drops[Drop.ECN] += 1
            elif not self._admits(sa, packet):
                drops[Drop.SELECTORS] += 1
            else:
                received.packets.append(packet)
                due = sa.meter.add(len(packet), now)
                if due:
                    received.events.append(self._expire(sa, True, due))
        return received

    def _protect(self, packet: bytes, sa: OutboundSa, sent: Sent, now: float) -> None:
        if len(packet) > sa.inner_mtu and too_big(packet, sa.inner_mtu):
            self.drops[Drop.TOO_BIG] += 1
            reply = packet_too_big(packet, sa.inner_mtu)
            if reply is not None:
                sent.replies.append(reply)
            return
        tos = outer_tos(tos_of(packet), sa.parameters.copy_dscp)
        sent.datagrams.append((sa, tos, sa.seal(packet)))
        due = sa.meter.add(len(packet), now)
        if due:
            sent.events.append(self._expire(sa, False, due))

    def _unprotected(self, packet: bytes, key: bytes, policy: Policy | None, sent: Sent, now: float) -> None:
        """A packet without an SA: passed, dropped, or held while a trap's acquire is under way.

        What no policy matches passes in clear, as in a kernel whose SPD says nothing: only the route,
        which knows just the destination, brought it here.
        """
        if policy is None or policy.action is Action.PASS:
            if is_multicast(packet):
                self.drops[Drop.NO_POLICY] += 1
            else:
                sent.passed.append(packet)
        elif policy.action is Action.DROP:
            self.drops[Drop.POLICY] += 1
        elif not policy.trap:
            self.drops[Drop.NO_SA] += 1
        else:
            self._trap(packet, key, policy, sent, now)

    def _trap(self, packet: bytes, key: bytes, policy: Policy, sent: Sent, now: float) -> None:
        trap = self._traps.get(policy)
        if trap is None or now - trap.since >= ACQUIRE_S:
            trap = self._traps[policy] = _Trap(now)
            sent.events.append(AcquireWanted(policy, flow_of(key)))
        if len(trap.held) < MAX_HELD:
            trap.held.append(packet)
        else:
            self.drops[Drop.HELD] += 1

    def _choose(self, key: bytes) -> OutboundSa | Policy | None:
        """The SA for a flow, else the policy that says what happens, else ``None``; cached."""
        flow = flow_of(key)
        chosen = self._decide(flow)
        if len(self._flows) >= MAX_FLOWS:
            del self._flows[next(iter(self._flows))]
        self._flows[key] = chosen
        return chosen

    def _decide(self, flow: Flow) -> OutboundSa | Policy | None:
        first: Policy | None = None
        for policy in self.policies.outbound(flow):
            if first is not None and not (policy.trap and policy.reqid == first.reqid):
                continue
            if policy.action is not Action.PROTECT:
                return policy
            sa = self._sa_for(policy, flow)
            if sa is not None:
                return sa
            if policy.trap:
                return policy
            first = policy
        return first

    def _sa_for(self, policy: Policy, flow: Flow) -> OutboundSa | None:
        fitting = [sa for sa in self._by_reqid.get(policy.reqid, ()) if _covers(sa.parameters, flow)]
        wanted = [sa for sa in fitting if sa.parameters.spi == policy.next_spi]
        return next(iter(wanted or fitting), None)

    def _admits(self, sa: InboundSa, packet: bytes) -> bool:
        """Whether an inner packet is what its SA is for (RFC 4301, 5.2, step 4)."""
        try:
            key = flow_key(packet)
        except MalformedError:
            return False
        admitted = sa.allowed.get(key)
        if admitted is None:
            admitted = self._belongs(sa.parameters, flow_of(key))
            if len(sa.allowed) >= MAX_FLOWS_PER_SA:
                sa.allowed.clear()
            sa.allowed[key] = admitted
        return admitted

    def _belongs(self, parameters: SaParameters, flow: Flow) -> bool:
        if parameters.local_ts and parameters.remote_ts:
            return _pairs_match(parameters.remote_ts, parameters.local_ts, flow)
        policy = next(self.policies.inbound(flow), None)
        return policy is not None and policy.action is Action.PROTECT and policy.reqid == parameters.reqid

    def _forget_flows(self) -> None:
        self._flows.clear()
        for sa in self._by_policy:
            sa.allowed.clear()

    def _moved(self, sa: InboundSa, peer: tuple[str, int], received: Received) -> None:
        """Tell of a new address once; what is told becomes what is expected."""
        sa.peer = peer
        received.events.append(Moved(sa.parameters, Host.of(peer[0], peer[1])))

    def _expire(self, sa: InboundSa | OutboundSa, inbound: bool, due: Due) -> Expired:
        if due is Due.HARD:
            self.remove(sa)
        return Expired(sa.parameters, inbound, due is Due.HARD)


def _key(parameters: SaParameters) -> SaKey:
    return (parameters.source, parameters.destination, parameters.spi)


def _no_esp(data: bytes) -> Drop:
    """What a datagram without a known SPI is (RFC 3948, 2.2, 2.3)."""
    if data == b"\xff":
        return Drop.KEEPALIVE
    if data[:4] == b"\0\0\0\0":
        return Drop.IKE
    return Drop.MALFORMED if len(data) < 8 else Drop.UNKNOWN_SPI


def _covers(parameters: SaParameters, flow: Flow) -> bool:
    """Whether an outbound SA's selectors admit a flow; an SA without selectors takes what its policy says."""
    if not parameters.local_ts or not parameters.remote_ts:
        return True
    return _pairs_match(parameters.local_ts, parameters.remote_ts, flow)


def _pairs_match(sources: _Selectors, destinations: _Selectors, flow: Flow) -> bool:
    return any(SelectorPair(source, end).matches(flow) for source in sources for end in destinations)
