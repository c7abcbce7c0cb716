"""The way of received ESP packets to the packets inside (RFC 4301, 5.2)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from cygnet.base.addresses import Host
from cygnet.base.errors import MalformedError
from cygnet.esp.associations import InboundSa
from cygnet.esp.drops import Drops
from cygnet.esp.early import EarlyPackets
from cygnet.esp.flows import Flow, flow_key, flow_of
from cygnet.esp.grid import Layout, Octets
from cygnet.esp.join import join
from cygnet.esp.policies import PolicyDatabase
from cygnet.esp.records import Action, Drop, Due, Event, Expired, Moved
from cygnet.esp.rows import LEAST, Space, open_rows
from cygnet.esp.sad import AssociationDatabase
from cygnet.esp.superpackets import SuperPacket

MAX_FLOWS_PER_SA = 1024
_HEADER = 8
"""SPI and sequence number."""

Datagrams = tuple[Octets, int, int, tuple[str, int] | None]
"""Received ESP packets that lie one after the other: the octets, the length of each but perhaps the last, the
outer TOS octet with 256 times the TTL; in UDP, their sender's address."""


@dataclass(slots=True)
class Received:
    """Inner packets in order, and what the keying daemon is to be told."""

    packets: list[bytes | SuperPacket] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


@dataclass(slots=True)
class _Arrival:
    """Where and when packets came, and what became of them."""

    outer: int
    peer: tuple[str, int] | None
    now: float
    received: Received


class Incoming:
    """Opens what arrives and lets in what its SA is for; keeps what comes ``early`` for its SA."""

    def __init__(
        self, sad: AssociationDatabase, policies: PolicyDatabase, drops: Drops, early: EarlyPackets
    ) -> None:
        self._sad = sad
        self._policies = policies
        self._drops = drops
        self._early = early
        self._space = Space()

    def receive(self, arrived: Iterable[Datagrams], now: float) -> Received:
        """Open ESP packets."""
        received = Received([], [])
        for data, size, outer, peer in arrived:
            arrival = _Arrival(outer, peer, now, received)
            if size < _HEADER or len(data) < LEAST * size:
                self._one_by_one(data, size, arrival)
                continue
            for part in _runs(data, size):
                if len(part) < LEAST * size or not self._many(part, size, arrival):
                    self._one_by_one(part, size, arrival)
        return received

    def forget_flows(self) -> None:
        """Policies have changed, and with them what SAs without selectors admit."""
        for sa in self._sad.without_selectors:
            sa.allowed.clear()

    def _one_by_one(self, data: Octets, size: int, arrival: _Arrival) -> None:
        if size >= len(data):
            self._one(bytes(data), arrival)
            return
        for start in range(0, len(data), size):
            self._one(bytes(data[start : start + size]), arrival)

    def _one(self, data: bytes, arrival: _Arrival) -> None:
        spi = int.from_bytes(data[:4], "big")
        sa = self._sad.by_spi.get(spi)
        if sa is None:
            if not self._early.keep(spi, (data, arrival.outer, arrival.peer), arrival.now):
                self._drops.lose(_no_esp(data))
            return
        top = sa.window.top
        packet = sa.open(data, arrival.outer)
        if sa.window.top > top and arrival.peer != sa.peer:
            self._seen(sa, arrival)
        self._inner(sa, packet, arrival)

    def _many(self, data: Octets, size: int, arrival: _Arrival) -> bool:
        """Packets of one length with one SPI; ``False`` if they must go one by one."""
        spi = int.from_bytes(data[:4], "big")
        sa = self._sad.by_spi.get(spi)
        if sa is None:
            if not self._early.expects(spi):
                self._drops.lose(_no_esp(bytes(data[:_HEADER])), None, len(data) // size)
            return not self._early.expects(spi)
        if not sa.many or not sa.meter.has_room(len(data), len(data) // size):
            return False
        opened = open_rows(sa, data, size, self._space)
        if opened is None:
            return False
        plain, count, failed = opened
        if failed:
            self._drops.lose(Drop.INTEGRITY, sa.meter, failed)
        if count:
            self._seen(sa, arrival)
            self._rows(sa, plain, count, arrival)
        return True

    def _rows(self, sa: InboundSa, plain: Layout, count: int, arrival: _Arrival) -> None:
        row = 0
        for joined, rows in join(plain, count):
            if joined is not None:
                first = sa.disclose(plain.matrix[row].tobytes(), arrival.outer)
                self._joined(sa, joined, first, arrival)
            else:
                for single in plain.matrix[row : row + rows]:
                    self._inner(sa, sa.disclose(single.tobytes(), arrival.outer), arrival)
            row += rows

    def _joined(self, sa: InboundSa, packet: SuperPacket, first: bytes | Drop, arrival: _Arrival) -> None:
        """A super-packet whose rows have the TOS octet and the trailer of their first."""
        if isinstance(first, Drop):
            self._drops.lose(first, sa.meter, packet.segments)
        elif not self._admits(sa, packet.headers):
            self._drops.lose(Drop.SELECTORS, sa.meter, packet.segments)
        else:
            if first[:2] != packet.headers[:2]:
                packet = replace(packet, headers=first[:2] + packet.headers[2:])
            arrival.received.packets.append(packet)
            sa.meter.add(packet.octets, arrival.now, packet.segments)

    def _inner(self, sa: InboundSa, packet: bytes | Drop, arrival: _Arrival) -> None:
        if isinstance(packet, Drop):
            self._drops.lose(packet, sa.meter)
        elif not self._admits(sa, packet):
            self._drops.lose(Drop.SELECTORS, sa.meter)
        else:
            arrival.received.packets.append(packet)
            due = sa.meter.add(len(packet), arrival.now)
            if due:
                self._reached(sa, due, arrival)

    def _reached(self, sa: InboundSa, due: Due, arrival: _Arrival) -> None:
        if due is Due.HARD:
            self._sad.remove(sa)
        arrival.received.events.append(Expired(sa.parameters, True, due is Due.HARD))

    def _seen(self, sa: InboundSa, arrival: _Arrival) -> None:
        """An authentic packet newer than all others: tell once if it came from another address."""
        peer = arrival.peer
        if peer is not None and peer != sa.peer and sa.peer is not None:
            sa.peer = peer
            arrival.received.events.append(Moved(sa.parameters, Host.of(peer[0], peer[1])))

    def _admits(self, sa: InboundSa, packet: bytes) -> bool:
        """Whether an inner packet is what its SA is for (RFC 4301, 5.2, step 4)."""
        try:
            key = flow_key(packet)
        except MalformedError:
            return False
        admitted = sa.allowed.get(key)
        if admitted is None:
            admitted = self._belongs(sa, flow_of(key))
            if len(sa.allowed) >= MAX_FLOWS_PER_SA:
                sa.allowed.clear()
            sa.allowed[key] = admitted
        return admitted

    def _belongs(self, sa: InboundSa, flow: Flow) -> bool:
        if sa.selectors:
            return sa.selectors.match(flow)
        policy = next(self._policies.inbound(flow), None)
        return (
            policy is not None and policy.action is Action.PROTECT and policy.reqid == sa.parameters.reqid
        )


def _runs(data: Octets, size: int) -> Iterator[Octets]:
    """Parts with one SPI each."""
    count = len(data) // size
    spis = np.ndarray((count,), ">u4", data, 0, (size,))
    edges = [0, *(np.flatnonzero(spis[1:] != spis[:-1]) + 1).tolist(), count]
    for start, end in pairwise(edges):
        yield data[start * size : end * size]
    if count * size < len(data):
        yield data[count * size :]


def _no_esp(data: bytes) -> Drop:
    """What a datagram without a known SPI is (RFC 3948, 2.2, 2.3)."""
    if data == b"\xff":
        return Drop.KEEPALIVE
    if data[:4] == b"\0\0\0\0":
        return Drop.IKE
    return Drop.MALFORMED if len(data) < _HEADER else Drop.UNKNOWN_SPI
