"""The way of packets that are to leave this host to ESP packets (RFC 4301, 5.1)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cygnet.base.errors import MalformedError
from cygnet.esp.acquires import Acquires
from cygnet.esp.associations import OutboundSa
from cygnet.esp.drops import Drops
from cygnet.esp.flows import Flow, flow_key, flow_of, is_fragment, is_multicast
from cygnet.esp.fragments import Reassembly
from cygnet.esp.grid import Octets
from cygnet.esp.mtu import packet_too_big, too_big
from cygnet.esp.policies import PolicyDatabase
from cygnet.esp.records import (
    AcquireWanted,
    Action,
    Drop,
    Due,
    Event,
    Expired,
    PacketMark,
    Policy,
)
from cygnet.esp.rows import Space, can_seal, seal_super
from cygnet.esp.sad import AssociationDatabase
from cygnet.esp.superpackets import SuperPacket, segment, split

MAX_FLOWS = 8192
_Flows = dict[bytes, OutboundSa | Policy | None]

Sealed = tuple[OutboundSa, int, Octets, int]
"""ESP packets that lie one after the other: their SA, the outer TOS octet (with 256 times the TTL where the
mode says one), the octets, the length of each but perhaps the last."""


@dataclass(slots=True)
class Sent:
    """What became of packets to be sent: ESP packets in order; ICMP answers to their senders; packets that
    pass in clear. The ESP packets of a super-packet are good until the next one is sent."""

    datagrams: list[Sealed] = field(default_factory=list)
    replies: list[bytes] = field(default_factory=list)
    passed: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


class Outgoing:
    """Finds the SA of each packet, or what else becomes of it."""

    def __init__(self, sad: AssociationDatabase, policies: PolicyDatabase, drops: Drops) -> None:
        self._sad = sad
        self._policies = policies
        self._drops = drops
        self._flows: dict[PacketMark | None, _Flows] = {}
        self._space = Space()
        self._reassembly = Reassembly()
        self.acquires = Acquires()

    def send(self, packets: Iterable[bytes], now: float, mark: PacketMark | None = None) -> Sent:
        """Protect packets; ``mark`` is what all of them came with."""
        sent = Sent([], [], [], [])
        self._send(packets, now, mark, sent)
        return sent

    def send_super(self, packet: SuperPacket, now: float, mark: PacketMark | None = None) -> Sent:
        """Protect the packets that one super-packet stands for."""
        sent = Sent()
        try:
            chosen = self._chosen(flow_key(packet.headers), mark)
        except MalformedError:
            self._drops.lose(Drop.MALFORMED, None, packet.segments)
            return sent
        if isinstance(chosen, OutboundSa) and self._takes(chosen, packet):
            data, size = seal_super(chosen, packet, self._space)
            sent.datagrams.append((chosen, chosen.outer(packet.headers), data, size))
            chosen.meter.add(packet.octets, now, packet.segments)
        elif isinstance(chosen, OutboundSa) and too_big(first := segment(packet, 0), chosen.inner_mtu):
            self._too_big(first, chosen, packet.segments, sent)
        else:
            self._send(split(packet), now, mark, sent)
        return sent

    def release(self, now: float) -> Sent:
        """Send what waited for an SA that is there by now; to be called after one was added.

        Of a trap's packets those that an SA takes show that there is one; the others ask again.
        """
        sent = Sent()
        for packets, mark in self.acquires.ready(self._has_sa):
            self._send(packets, now, mark, sent)
        return sent

    def forget_flows(self) -> None:
        """SAs or policies have changed. Packets that are just being sent look at these tables, which are
        emptied for that."""
        for flows in self._flows.values():
            flows.clear()
        self._flows.clear()

    def _takes(self, sa: OutboundSa, packet: SuperPacket) -> bool:
        """Whether an SA seals all of a super-packet at once."""
        return (
            packet.largest <= sa.inner_mtu
            and can_seal(sa, packet, self._space)
            and sa.meter.has_room(packet.octets, packet.segments)
        )

    def _has_sa(self, packet: bytes, mark: PacketMark | None) -> bool:
        return isinstance(self._chosen(flow_key(packet), mark), OutboundSa)

    def _send(self, packets: Iterable[bytes], now: float, mark: PacketMark | None, sent: Sent) -> None:
        flows, whole = self._flows_of(mark), self._policies.any_whole
        for packet in packets:
            try:
                key = flow_key(packet)
            except MalformedError:
                self._drops.lose(Drop.MALFORMED)
                continue
            if whole and is_fragment(packet) and self._policies.wants_whole(flow_of(key)):
                self._send_fragment(packet, sent, now, mark)
                continue
            chosen = flows[key] if key in flows else self._choose(key, mark)
            if isinstance(chosen, OutboundSa):
                self._protect(packet, chosen, sent, now)
            else:
                self._unprotected(packet, key, chosen, sent, now)

    def _send_fragment(self, packet: bytes, sent: Sent, now: float, mark: PacketMark | None) -> None:
        """A fragment where policies want whole packets; what passes in clear does so in fragments again."""
        lost = self._reassembly.lost
        done = self._reassembly.add(packet, now)
        if self._reassembly.lost > lost:
            self._drops.lose(Drop.FRAGMENT, None, self._reassembly.lost - lost)
        if done is None:
            return
        packet, fragments = done
        try:
            key = flow_key(packet)
        except MalformedError:
            self._drops.lose(Drop.MALFORMED)
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
            self._too_big(packet, sa, 1, sent)
            return
        sealed = sa.seal(packet)
        if isinstance(sealed, Drop):
            self._drops.lose(sealed, sa.meter)
            return
        sent.datagrams.append((sa, sa.outer(packet), sealed, len(sealed)))
        due = sa.meter.add(len(packet), now)
        if due:
            if due is Due.HARD:
                self._sad.remove(sa)
                self.forget_flows()
            sent.events.append(Expired(sa.parameters, False, due is Due.HARD))

    def _too_big(self, packet: bytes, sa: OutboundSa, packets: int, sent: Sent) -> None:
        """Lose packets of one sender, who is told once."""
        self._drops.lose(Drop.TOO_BIG, sa.meter, packets)
        reply = packet_too_big(packet, sa.inner_mtu)
        if reply is not None:
            sent.replies.append(reply)

    def _unprotected(self, packet: bytes, key: bytes, policy: Policy | None, sent: Sent, now: float) -> None:
        """A packet without an SA: passed, dropped, or held while a trap's acquire is under way.

        What no policy matches passes in clear, as in a kernel whose SPD says nothing: only the route,
        which knows just the destination, brought it here.
        """
        if policy is None or policy.action is Action.PASS:
            if is_multicast(packet):
                self._drops.lose(Drop.NO_POLICY)
            else:
                sent.passed.append(packet)
        elif policy.action is Action.DROP:
            self._drops.lose(Drop.POLICY)
        elif not policy.trap:
            self._drops.lose(Drop.NO_SA)
        else:
            self._trap(packet, key, policy, sent, now)

    def _trap(self, packet: bytes, key: bytes, policy: Policy, sent: Sent, now: float) -> None:
        flow = flow_of(key)
        if self.acquires.begin(policy, flow, now):
            sent.events.append(AcquireWanted(policy, flow))
        if not self.acquires.hold(policy, flow, packet):
            self._drops.lose(Drop.HELD)

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
        for policy in self._policies.outbound(flow, mark):
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
        there = self._sad.of_reqid(policy.reqid)
        fitting = [sa for sa in there if not sa.selectors or sa.selectors.match(flow)]
        wanted = [sa for sa in fitting if sa.parameters.spi == policy.next_spi]
        return next(iter(wanted or fitting), None)

