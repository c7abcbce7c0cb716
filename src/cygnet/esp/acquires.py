"""Packets that met a trap, and wait for the SA that was asked for on their behalf."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cygnet.base.addresses import Address
from cygnet.esp.flows import Flow
from cygnet.esp.records import PacketMark, Policy

MAX_ACQUIRES = 4096
MAX_HELD = 16
"""Packets kept for each acquire."""
ACQUIRE_S = 165.0
"""How long one acquire stands before the next packet makes another; as charon sets it in a kernel."""
RETRY_S = 5.0
"""How long after an acquire that came to nothing."""

_Asked = tuple[Policy, Address | None]
"""A trap, and the destination where each has an SA of its own."""


@dataclass(slots=True)
class _Acquire:
    until: float
    held: list[bytes] = field(default_factory=list)


class Acquires:
    """The acquires under way; the oldest goes when there are too many."""

    def __init__(self) -> None:
        self._under_way: dict[_Asked, _Acquire] = {}

    def begin(self, policy: Policy, flow: Flow, now: float) -> bool:
        """Whether a packet of this flow asks anew: nothing is under way for it, or for too long."""
        asked = _asked(policy, flow)
        acquire = self._under_way.get(asked)
        if acquire is not None and now < acquire.until:
            return False
        while len(self._under_way) >= MAX_ACQUIRES:
            del self._under_way[next(iter(self._under_way))]
        self._under_way[asked] = _Acquire(now + ACQUIRE_S)
        return True

    def hold(self, policy: Policy, flow: Flow, packet: bytes) -> bool:
        """Keep a packet until there is an SA; ``False`` when enough are kept."""
        held = self._under_way[_asked(policy, flow)].held
        if len(held) >= MAX_HELD:
            return False
        held.append(packet)
        return True

    def failed(self, which: Callable[[Policy], bool], now: float) -> None:
        """Nothing came of the acquires of these policies: soon the next packets ask again."""
        for asked, acquire in self._under_way.items():
            if which(asked[0]):
                acquire.until = min(acquire.until, now + RETRY_S)

    def forget(self, which: Callable[[Policy], bool]) -> None:
        """Forget the acquires of these policies, with what waits for them."""
        for asked in [asked for asked in self._under_way if which(asked[0])]:
            del self._under_way[asked]

    def ready(
        self, has_sa: Callable[[bytes, PacketMark | None], bool]
    ) -> Iterator[tuple[list[bytes], PacketMark | None]]:
        """Take out the packets of each acquire of which at least one has its SA by now, with their mark."""
        for asked, acquire in list(self._under_way.items()):
            mark = asked[0].mark
            if any(has_sa(packet, mark) for packet in acquire.held):
                del self._under_way[asked]
                yield acquire.held, mark


def _asked(policy: Policy, flow: Flow) -> _Asked:
    return policy, flow.destination if policy.outer_destination is None else None
