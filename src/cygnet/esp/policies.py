"""The security policy database (RFC 4301, 4.4.1): ordered policies, looked up by flow."""

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from cygnet.base.addresses import Address
from cygnet.base.selectors import TrafficSelector
from cygnet.esp.flows import ICMP, ICMPV6, MOBILITY, Flow
from cygnet.esp.priorities import Rank, priority
from cygnet.esp.records import Action, PacketMark, Policy

_RANKS = {Action.PASS: Rank.PASS, Action.PROTECT: Rank.PROTECT, Action.DROP: Rank.DROP}
_ONE_FIELD = frozenset({ICMP, ICMPV6, MOBILITY})
"""Protocols with one field in place of two ports."""


class PolicyDatabase:
    """Policies in the order in which they are asked. Changes are rare, look-ups are cached by the plane."""

    def __init__(self) -> None:
        self._outbound: list[_Entry] = []
        self._inbound: list[_Entry] = []
        self._whole: list[SelectorPair] = []
        self._serial = count(1)

    def add(self, policy: Policy) -> None:
        """Enter a policy; among equals the newest stands first."""
        computed = priority(_RANKS[policy.action], policy.source, policy.destination, trap=policy.trap)
        order = (policy.priority or computed, policy.trap, -next(self._serial))
        entry = _Entry(order, policy)
        insort(self._outbound if policy.outbound else self._inbound, entry)
        if _needs_whole(policy):
            self._whole.append(entry.match)

    def remove(self, policy: Policy) -> bool:
        """Take out the newest policy equal to this one; ``False`` when there is none."""
        entries = self._outbound if policy.outbound else self._inbound
        for at, entry in enumerate(entries):
            if entry.policy == policy:
                del entries[at]
                if _needs_whole(policy):
                    self._whole.remove(entry.match)
                return True
        return False

    def outbound(self, flow: Flow, mark: PacketMark | None = None) -> Iterator[Policy]:
        """The policies that match a packet to be sent, best first; one without a mark is for all."""
        return (
            entry.policy
            for entry in self._outbound
            if entry.policy.mark in (None, mark) and entry.match.matches(flow)
        )

    def inbound(self, flow: Flow) -> Iterator[Policy]:
        """The policies that match a packet received, best first."""
        return (entry.policy for entry in self._inbound if entry.match.matches(flow))

    @property
    def any_whole(self) -> bool:
        """Whether :meth:`wants_whole` can be true of anything."""
        return bool(self._whole)

    def wants_whole(self, flow: Flow) -> bool:
        """Whether a fragment must be put together with the others before a policy can be asked.

        That is so where a policy for its addresses looks at ports, which only the first fragment shows, or
        has SAs that carry no fragments (RFC 4301, 4.1, 7).
        """
        return any(pair.joins(flow.source, flow.destination) for pair in self._whole)

    def __iter__(self) -> Iterator[Policy]:
        return (entry.policy for entry in [*self._outbound, *self._inbound])

    def __len__(self) -> int:
        return len(self._outbound) + len(self._inbound)


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


@dataclass(order=True, slots=True)
class _Entry:
    order: tuple[int, bool, int]
    policy: Policy = field(compare=False)
    match: SelectorPair = field(init=False, compare=False)

    def __post_init__(self) -> None:
        self.match = SelectorPair(self.policy.source, self.policy.destination)


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
