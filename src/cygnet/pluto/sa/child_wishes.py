"""IPsec SAs that are wanted before it is known which: ``dynamic`` selectors wait for mode config."""

from collections.abc import Iterator
from dataclasses import dataclass

from cygnet.base.selectors import TrafficSelector
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.child_states import ChildState
from cygnet.pluto.sa import unity
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.events import Finished
from cygnet.pluto.sa.quick_context import Outcome, QuickMode
from cygnet.pluto.sa.quick_selectors import selector_pairs

Pair = tuple[TrafficSelector, TrafficSelector]


@dataclass(slots=True, eq=False)
class WantedChild:
    """All of a connection's pairs of selectors, or the one that holds the ends of a ``packet``."""

    sa: Association
    config: ChildConfig
    outcome: Outcome
    reqid: int = 0
    packet: Pair | None = None

    def __post_init__(self) -> None:
        self.outcome.begin()

    def expand(self) -> Iterator[QuickMode]:
        """The quick modes that are needed; those that are there or under way are left alone."""
        pairs = selector_pairs(self.sa, self.config)
        if self.packet is not None:
            pairs = tuple(one for one in pairs if _holds(one, self.packet))[:1]
        reason = "" if pairs else f"{self.config.name}: no pair of traffic selectors goes together"
        for pair in pairs:
            if self._is_there(pair):
                continue
            self.outcome.begin()
            under_way = self.sa.making.get(pair)
            if under_way is not None:
                under_way.outcomes.append(self.outcome)
                continue
            quick = QuickMode(self.sa, True, self.config, *pair, outcomes=[self.outcome])
            quick.local_ts, quick.remote_ts = unity.installed(self.sa, self.config, pair)
            quick.reqid = self.reqid if len(pairs) == 1 else 0
            yield quick
        self.outcome.done(reason)

    @property
    def gone(self) -> bool:
        """Never: it has not begun."""
        return False

    def failed(self, reason: str) -> None:
        """The ISAKMP SA came to nothing."""
        self.outcome.done(reason)

    def adopt(self, sa: Association) -> None:
        """Another ISAKMP SA is to do it."""
        self.sa = sa
        self.outcome.adopt(sa)

    def abandoned(self, reason: str) -> list[Finished]:
        """No ISAKMP SA will do it."""
        return self.outcome.abandoned(reason)

    def _is_there(self, pair: Pair) -> bool:
        wanted = unity.installed(self.sa, self.config, pair)
        return any(
            child.agreed is not None
            and child.state in (ChildState.INSTALLED, ChildState.REKEYING)
            and (child.agreed.local_ts, child.agreed.remote_ts) == wanted
            for child in self.sa.children.values()
        )


def _holds(pair: Pair, packet: Pair) -> bool:
    return pair[0].contains(packet[0]) and pair[1].contains(packet[1])
