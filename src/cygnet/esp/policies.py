"""The security policy database (RFC 4301, 4.4.1): ordered policies, looked up by flow."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from operator import attrgetter

from cygnet.base.selectors import TrafficSelector
from cygnet.esp.flows import Flow
from cygnet.esp.records import Action, Policy

_CLASS = 100_000
_PORTS_ANY = 16


class PolicyDatabase:
    """Policies in the order in which they are asked. Changes are rare, look-ups are cached by the plane."""

    def __init__(self) -> None:
        self._outbound: list[_Entry] = []
        self._inbound: list[_Entry] = []
        self._entries: dict[Policy, list[_Entry]] = {}
        self._serial = count(1)

    def add(self, policy: Policy) -> None:
        """Enter a policy; among equals the newest stands first."""
        order = (policy.priority or priority(policy), policy.trap, -next(self._serial))
        entry = _Entry(order, policy)
        insort(self._outbound if policy.outbound else self._inbound, entry, key=_order)
        self._entries.setdefault(policy, []).append(entry)

    def remove(self, policy: Policy) -> bool:
        """Take out the newest policy equal to this one; ``False`` when there is none."""
        same = self._entries.get(policy)
        if not same:
            return False
        entries, entry = self._outbound if policy.outbound else self._inbound, same.pop()
        del entries[bisect_left(entries, entry.order, key=_order)]
        if not same:
            del self._entries[policy]
        return True

    def outbound(self, flow: Flow) -> Iterator[Policy]:
        """The policies that match a packet to be sent, best first."""
        return (entry.policy for entry in self._outbound if entry.match.matches(flow))

    def inbound(self, flow: Flow) -> Iterator[Policy]:
        """The policies that match a packet received, best first."""
        return (entry.policy for entry in self._inbound if entry.match.matches(flow))

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
        """Whether a flow's addresses, protocol and ports are all inside."""
        if flow.source.version != self._family or (self._protocol and self._protocol != flow.protocol):
            return False
        return (
            not self.empty
            and _inside(self._source, int(flow.source), flow.source_port, flow.opaque)
            and _inside(self._destination, int(flow.destination), flow.destination_port, flow.opaque)
        )


def priority(policy: Policy) -> int:
    """Lower goes first, in charon's order: PASS, CHILD_SAs, traps, DROP; within each the most specific."""
    if policy.action is Action.PROTECT:
        base = 3 * _CLASS if policy.trap else 2 * _CLASS
    else:
        base = _CLASS if policy.action is Action.PASS else 4 * _CLASS
    ends = (policy.source, policy.destination)
    hosts = sum((int(end.end) - int(end.start)).bit_length() for end in ends)
    ports = sum(_PORTS_ANY if end.any_port else (end.end_port - end.start_port).bit_length() for end in ends)
    any_protocol = not any(end.protocol for end in ends)
    return base + hosts * 128 + any_protocol * 64 + ports


@dataclass(slots=True, eq=False)
class _Entry:
    order: tuple[int, bool, int]
    policy: Policy
    match: SelectorPair = field(init=False)

    def __post_init__(self) -> None:
        self.match = SelectorPair(self.policy.source, self.policy.destination)


_order = attrgetter("order")


def _bounds(selector: TrafficSelector) -> tuple[int, int, int, int]:
    return (int(selector.start), int(selector.end), selector.start_port, selector.end_port)


def _inside(bounds: tuple[int, int, int, int], address: int, port: int, opaque: bool) -> bool:
    start, end, first_port, last_port = bounds
    if not start <= address <= end:
        return False
    if (first_port, last_port) == (0, 65535):
        return True
    if opaque:
        return (first_port, last_port) == (65535, 0)
    return first_port <= port <= last_port
