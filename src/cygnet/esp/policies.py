"""The security policy database (RFC 4301, 4.4.1): ordered policies, looked up by flow."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from operator import attrgetter

from cygnet.base.addresses import Address
from cygnet.base.selectors import TrafficSelector
from cygnet.esp.flows import ICMP, ICMPV6, MOBILITY, Flow
from cygnet.esp.priorities import Rank, priority
from cygnet.esp.records import Action, PacketMark, Policy
from cygnet.esp.selector_index import SelectorIndex, place_of

_RANKS = {Action.PASS: Rank.PASS, Action.PROTECT: Rank.PROTECT, Action.DROP: Rank.DROP}
_ONE_FIELD = frozenset({ICMP, ICMPV6, MOBILITY})
"""Protocols with one field in place of two ports."""


class PolicyDatabase:
    """Policies in the order in which they are asked. What a flow's look-up found is cached by the plane."""

    def __init__(self) -> None:
        self._outbound: SelectorIndex[_Entry] = SelectorIndex()
        self._inbound: SelectorIndex[_Entry] = SelectorIndex()
        self._entries: dict[Policy, _Entry] = {}
        self._whole: dict[_Entry, SelectorPair] = {}
        self._serial = count(1)

    def add(self, policy: Policy) -> None:
        """Enter a policy; among equals the newest stands first."""
        entry = _Entry(policy, next(self._serial))
        self._side(policy).add(place_of(policy.source, policy.destination), entry)
        self._entries[policy] = entry
        if _needs_whole(policy):
            self._whole[entry] = entry.selectors

    def remove(self, policy: Policy) -> bool:
        """Take out a policy; ``False`` when it is not there."""
        entry = self._entries.pop(policy, None)
        if entry is None:
            return False
        self._side(policy).remove(place_of(policy.source, policy.destination), entry)
        self._whole.pop(entry, None)
        return True

    def outbound(self, flow: Flow, mark: PacketMark | None = None) -> Iterator[Policy]:
        """The policies that match a packet to be sent, best first; one without a mark is for all."""
        found = _matching(self._outbound, flow)
        return (entry.policy for entry in found if entry.policy.mark in (None, mark))

    def inbound(self, flow: Flow) -> Iterator[Policy]:
        """The policies that match a packet received, best first."""
        return (entry.policy for entry in _matching(self._inbound, flow))

    @property
    def any_whole(self) -> bool:
        """Whether :meth:`wants_whole` can be true of anything."""
        return bool(self._whole)

    def wants_whole(self, flow: Flow) -> bool:
        """Whether a fragment must be put together with the others before a policy can be asked.

        That is so where a policy for its addresses looks at ports, which only the first fragment shows, or
        has SAs that carry no fragments (RFC 4301, 4.1, 7).
        """
        return any(pair.joins(flow.source, flow.destination) for pair in self._whole.values())

    def __iter__(self) -> Iterator[Policy]:
        return (entry.policy for entry in sorted(self._entries.values(), key=_order))

    def __len__(self) -> int:
        return len(self._entries)

    def _side(self, policy: Policy) -> "SelectorIndex[_Entry]":
        return self._outbound if policy.outbound else self._inbound


def order_of(policy: Policy) -> int:
    """A policy's priority, given or computed."""
    computed = priority(_RANKS[policy.action], policy.source, policy.destination, trap=policy.trap)
    return policy.priority or computed


class SelectorPair:
    """Two selectors with everything that a comparison needs worked out beforehand."""

    __slots__ = ("_destination", "_family", "_protocol", "_source", "empty")

    def __init__(self, source: TrafficSelector, destination: TrafficSelector) -> None:
        self._family = source.family
        self._source = _bounds(source)
        self._destination = _bounds(destination)
        protocols = {source.protocol, destination.protocol} - {0}
        self._protocol = protocols.pop() if protocols else 0
        self.empty = bool(protocols) or source.family != destination.family

    def matches(self, flow: Flow) -> bool:
        """Whether a flow's addresses, protocol and ports are all inside.

        ICMP's type and code, and the type of a mobility header, are the sender's to choose: only the
        source selector speaks of them (RFC 4301, 4.4.1.3).
        """
        if self.empty or (self._protocol and self._protocol != flow.protocol):
            return False
        if not self.joins(flow.source, flow.destination):
            return False
        if flow.protocol in _ONE_FIELD:
            return _port_inside(self._source, flow.source_port, flow.opaque)
        return _port_inside(self._source, flow.source_port, flow.opaque) and _port_inside(
            self._destination, flow.destination_port, flow.opaque
        )

    def joins(self, source: Address, destination: Address) -> bool:
        """Whether both addresses are inside."""
        return (
            source.version == self._family
            and self._source[0] <= int(source) <= self._source[1]
            and self._destination[0] <= int(destination) <= self._destination[1]
        )


class SelectorPairs:
    """All pairs of an SA's selectors, worked out when they are asked for first."""

    __slots__ = ("_ends", "_pairs")

    def __init__(
        self, sources: tuple[TrafficSelector, ...], destinations: tuple[TrafficSelector, ...]
    ) -> None:
        self._ends = sources, destinations
        self._pairs: list[SelectorPair] | None = None

    def __bool__(self) -> bool:
        return all(self._ends)

    def match(self, flow: Flow) -> bool:
        """Whether a flow goes from one of the first to one of the second."""
        if self._pairs is None:
            sources, destinations = self._ends
            self._pairs = [SelectorPair(source, end) for source in sources for end in destinations]
        return any(pair.matches(flow) for pair in self._pairs)


@dataclass(slots=True, eq=False)
class _Entry:
    """A policy; what a look-up needs of it is worked out when there is one that comes across it."""

    policy: Policy
    serial: int
    _selectors: SelectorPair | None = None
    _order: tuple[int, bool, int] | None = None

    @property
    def selectors(self) -> SelectorPair:
        if self._selectors is None:
            self._selectors = SelectorPair(self.policy.source, self.policy.destination)
        return self._selectors

    @property
    def order(self) -> tuple[int, bool, int]:
        if self._order is None:
            self._order = (order_of(self.policy), self.policy.trap, -self.serial)
        return self._order


_order = attrgetter("order")


def _matching(side: SelectorIndex[_Entry], flow: Flow) -> list[_Entry]:
    near = side.near(flow.source, flow.destination)
    return sorted((entry for entry in near if entry.selectors.matches(flow)), key=_order)


def _needs_whole(policy: Policy) -> bool:
    return policy.outbound and (
        policy.whole or not (policy.source.any_port and policy.destination.any_port)
    )


def _bounds(selector: TrafficSelector) -> tuple[int, int, int, int]:
    return (int(selector.start), int(selector.end), selector.start_port, selector.end_port)


def _port_inside(bounds: tuple[int, int, int, int], port: int, opaque: bool) -> bool:
    _, _, first_port, last_port = bounds
    if (first_port, last_port) == (0, 65535):
        return True
    if opaque:
        return (first_port, last_port) == (65535, 0)
    return first_port <= port <= last_port
