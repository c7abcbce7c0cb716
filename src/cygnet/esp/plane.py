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
from cygnet.esp.acquires import Acquires
from cygnet.esp.associations import InboundSa, OutboundSa
from cygnet.esp.flows import Flow, flow_key, flow_of, is_fragment, is_multicast
from cygnet.esp.fragments import Reassembly
from cygnet.esp.mtu import packet_too_big, too_big
from cygnet.esp.policies import PolicyDatabase, SelectorPair
from cygnet.esp.records import (
    AcquireWanted,
    Action,
    Drop,
    Due,
    Event,
    Expired,
    Moved,
    PacketMark,
    Policy,
    SaParameters,
)

MAX_FLOWS = 8192
MAX_FLOWS_PER_SA = 1024
_Flows = dict[bytes, OutboundSa | Policy | None]
_Selectors = tuple[TrafficSelector, ...]
SaKey = tuple[Address, Address, int]
Datagram = tuple[bytes, int, tuple[str, int] | None]
"""A received ESP packet, the outer TOS octet with 256 times the TTL; in UDP, its sender's address."""


@dataclass(slots=True)
class Sent:
    """What became of packets to be sent: datagrams with their SA and outer TOS octet, in order (with 256
    times the TTL where the mode says one); ICMP answers to their senders; packets that pass in clear."""

    datagrams: list[tuple[OutboundSa, int, bytes]] = field(default_factory=list)
    replies: list[bytes] = field(default_factory=list)
    passed: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class Received:
    """Inner packets in order, and what the keying daemon is to be told."""

    packets: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class DataPlane:
    """SAs and policies of one host, and the way of every packet through them.

    ``rng`` gives unpredictable octets for the IVs that need them. ``drops`` counts packets by reason.
    """

    def __init__(self, rng: Callable[[int], bytes]) -> None:
        self.policies = PolicyDatabase()
        self.drops: Counter[Drop] = Counter()
        self.rng = rng
        self._inbound: dict[int, InboundSa] = {}
        self._outbound: dict[SaKey, OutboundSa] = {}
        self._by_reqid: dict[int, list[OutboundSa]] = {}
        self._flows: dict[PacketMark | None, _Flows] = {}
        self._acquires = Acquires()
        self._reassembly = Reassembly()

    # -- what the keying daemon does -------------------------------------------------------------------

    def add_inbound(self, sa: InboundSa) -> None:
        """Enter an SA under its SPI, which nobody else has."""
        self._inbound[sa.parameters.spi] = sa

    def add_outbound(self, sa: OutboundSa) -> None:
        """Enter an SA; it is the first choice of its reqid from now on."""
        self._outbound[_key(sa.parameters)] = sa
        self._by_reqid.setdefault(sa.parameters.reqid, []).insert(0, sa)
        self._clear_flows()

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
            return
        if self._outbound.get(_key(parameters)) is sa:
            del self._outbound[_key(parameters)]
        siblings = self._by_reqid.get(parameters.reqid, [])
        if sa in siblings:
            siblings.remove(sa)
        if not siblings:
            self._by_reqid.pop(parameters.reqid, None)
        self._clear_flows()

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
        self._acquires.forget(lambda one: one == policy)
        self._forget_flows()

    def forget_acquires(self, owner: str) -> None:
        """A keying daemon began anew: what it was asked for is forgotten and asked again."""
        self._acquires.forget(lambda policy: policy.owner == owner)

    def acquire_failed(self, owner: str, reqid: int, now: float) -> None:
        """No SA of this reqid came to be: packets may ask again in some seconds."""
        self._acquires.failed(lambda policy: (policy.owner, policy.reqid) == (owner, reqid), now)

    def release(self, now: float) -> Sent:
        """Send what waited for an SA that is there by now; to be called after one was added.

        Of a trap's packets those that an SA takes show that there is one; the others ask again.
        """
        sent = Sent()
        for packets, mark in self._acquires.ready(self._has_sa):
            self._send(packets, now, mark, sent)
        return sent

    def _has_sa(self, packet: bytes, mark: PacketMark | None) -> bool:
        return isinstance(self._chosen(flow_key(packet), mark), OutboundSa)

    # -- packets -----------------------------------------------------------------------------------------

    def send(self, packets: Iterable[bytes], now: float, mark: PacketMark | None = None) -> Sent:
        """Protect packets that are to leave this host; ``mark`` is what all of them came with."""
        sent = Sent()
        self._send(packets, now, mark, sent)
        return sent

    def _send(self, packets: Iterable[bytes], now: float, mark: PacketMark | None, sent: Sent) -> None:
        flows, whole = self._flows_of(mark), self.policies.any_whole
        for packet in packets:
            try:
                key = flow_key(packet)
            except MalformedError:
                self.drops[Drop.MALFORMED] += 1
                continue
            if whole and is_fragment(packet) and self.policies.wants_whole(flow_of(key)):
                self._send_fragment(packet, sent, now, mark)
                continue
            chosen = flows[key] if key in flows else self._choose(key, mark)
            if isinstance(chosen, OutboundSa):
                self._protect(packet, chosen, sent, now)
            else:
                self._unprotected(packet, key, chosen, sent, now)

    def receive(self, datagrams: Iterable[Datagram], now: float) -> Received:
        """Open ESP packets that arrived."""
        received = Received()
        drops, inbound = self.drops, self._inbound
        for data, outer, peer in datagrams:
            sa = inbound.get(int.from_bytes(data[:4], "big"))
            if sa is None:
                drops[_no_esp(data)] += 1
                continue
            top = sa.window.top
            packet = sa.open(data, outer)
            if isinstance(packet, Drop):
                drops[packet] += 1
                continue
            if peer is not None and peer != sa.peer and sa.peer is not None and sa.window.top > top:
                self._moved(sa, peer, received)
            if not self._admits(sa, packet):
                drops[Drop.SELECTORS] += 1
            else:
                received.packets.append(packet)
                due = sa.meter.add(len(packet), now)
                if due:
                    received.events.append(self._expire(sa, True, due))
        return received

    def _send_fragment(self, packet: bytes, sent: Sent, now: float, mark: PacketMark | None) -> None:
        """A fragment where policies want whole packets; what passes in clear does so in fragments again."""
        lost = self._reassembly.lost
        done = self._reassembly.add(packet, now)
        if self._reassembly.lost > lost:
            self.drops[Drop.FRAGMENT] += self._reassembly.lost - lost
        if done is None:
            return
        packet, fragments = done
        try:
            key = flow_key(packet)
        except MalformedError:
            self.drops[Drop.MALFORMED] += 1
            return
        chosen = self._chosen(key, mark)
        if isinstance(chosen, OutboundSa):
            self._protect(packet, chosen, sent, now, fits=True)
        elif chosen is None or chosen.action is Action.PASS:
            for fragment in fragments:
                self._unprotected(fragment, key, chosen, sent, now)
        else:
            self._unprotected(packet, key, chosen, sent, now)

    def _protect(self, packet: bytes, sa: OutboundSa, sent: Sent, now: float, *, fits: bool = False) -> None:
        """``fits``: its sender has cut it, so that it is not told to."""
        if len(packet) > sa.inner_mtu and not fits and too_big(packet, sa.inner_mtu):
            self.drops[Drop.TOO_BIG] += 1
            reply = packet_too_big(packet, sa.inner_mtu)
            if reply is not None:
                sent.replies.append(reply)
            return
        sealed = sa.seal(packet)
        if isinstance(sealed, Drop):
            self.drops[sealed] += 1
            return
        sent.datagrams.append((sa, sa.outer(packet), sealed))
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
        flow = flow_of(key)
        if self._acquires.begin(policy, flow, now):
            sent.events.append(AcquireWanted(policy, flow))
        if not self._acquires.hold(policy, flow, packet):
            self.drops[Drop.HELD] += 1

    def _flows_of(self, mark: PacketMark | None) -> _Flows:
        return self._flows.setdefault(mark, {})

    def _chosen(self, key: bytes, mark: PacketMark | None) -> OutboundSa | Policy | None:
        flows = self._flows_of(mark)
        return flows[key] if key in flows else self._choose(key, mark)

    def _choose(self, key: bytes, mark: PacketMark | None) -> OutboundSa | Policy | None:
        """The SA for a flow, else the policy that says what happens, else ``None``; cached."""
        flows, chosen = self._flows_of(mark), self._decide(flow_of(key), mark)
        if len(flows) >= MAX_FLOWS:
            del flows[next(iter(flows))]
        flows[key] = chosen
        return chosen

    def _decide(self, flow: Flow, mark: PacketMark | None) -> OutboundSa | Policy | None:
        first: Policy | None = None
        for policy in self.policies.outbound(flow, mark):
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

    def _clear_flows(self) -> None:
        """Packets that are just being sent look at these tables, which are emptied for that."""
        for flows in self._flows.values():
            flows.clear()
        self._flows.clear()

    def _forget_flows(self) -> None:
        self._clear_flows()
        for sa in self._inbound.values():
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
