"""The model: what each host wants of each connection, as far as orders and mishaps leave that certain."""

from collections.abc import Callable, Container
from enum import IntEnum

from cygnet.keying.config.records import Action
from lives.traits import Traits


class Wish(IntEnum):
    """How sure it is that a host brings a connection up."""

    NO = 0
    MAYBE = 1
    YES = 2


CROSSED_S = 5.0
"""So long before, an order at the other end has come through, however late the network delivers."""

FAREWELL_S = 300.0
"""So long a peer may try to tell that it closed something."""


class Wishes:
    """A connection must be up in the end if either host surely wants it, and must not if neither may.

    Whatever depends on which of two messages was first, or was lost, is ``MAYBE``.
    """

    def __init__(self, traits: Traits, clock: Callable[[], float]) -> None:
        self._traits, self._clock = traits, clock
        self._wishes: dict[tuple[str, str], Wish] = {}
        self._remade: set[tuple[str, str]] = set()
        self._doubted: dict[tuple[str, str], float] = {}
        self._closed: dict[tuple[str, str], float] = {}
        for name in traits.names:
            self.booted(name)

    def must(self, one: str, other: str, connection: str) -> bool:
        """It is to be up."""
        return max(self._wishes[one, connection], self._wishes[other, connection]) is Wish.YES

    def must_not(self, one: str, other: str, connection: str) -> bool:
        """It is to be down."""
        return max(self._wishes[one, connection], self._wishes[other, connection]) is Wish.NO

    def booted(self, name: str) -> None:
        """A daemon knows its files only."""
        for connection, _ in self._traits.of(name):
            lasting = (name, connection) in self._traits.start
            self._wishes[name, connection] = self._lasting() if lasting else Wish.NO

    def died(self, name: str) -> None:
        """A daemon is gone; what its peers took up once may or may not survive that."""
        for connection, other in self._traits.of(name):
            self._weaken(other, connection, lasting_too=(name, connection) in self._remade)
            self._may_insist(other, connection)

    def ordered_up(self, name: str, connection: str) -> None:
        """``ipsec up``: surely, if it is to be up for good, and not about to be closed by the peer."""
        lasting = (name, connection) in self._traits.start
        unheard = self._closed.get((name, connection), -FAREWELL_S) > self._clock() - FAREWELL_S
        self._wishes[name, connection] = self._lasting() if lasting and not unheard else Wish.MAYBE

    def came_up(self, name: str, connection: str, asked: float) -> None:
        """``ipsec up`` has said so: where nothing is lost, it stays, unless something crossed that."""
        doubted = self._doubted.get((name, connection), 0.0)
        if self._traits.calm and doubted < asked - CROSSED_S:
            self._wishes[name, connection] = self._lasting()

    def ordered_down(self, name: str, connection: str, other: str) -> None:
        """``ipsec down NAME``. The peer keeps its wish unless it hears of this."""
        self._wishes[name, connection] = Wish.NO
        self._doubted[name, connection] = self._clock()
        self._closed[other, connection] = self._clock()
        self._weaken(other, connection)
        self._may_insist(other, connection)

    def ordered_ike_down(self, name: str, other: str, held: Container[str]) -> None:
        """``ipsec down NAME[*]``: with whatever connections were in it; ``held`` surely are."""
        for connection in self._traits.connections(name, other):
            self._weaken(name, connection)
            if connection in held:
                self._wishes[name, connection] = Wish.NO
            self._weaken(other, connection, lasting_too=(name, connection) in self._remade)
            self._doubted[other, connection] = self._clock() + FAREWELL_S
            self._may_insist(other, connection)

    def may_return(self, name: str, connection: str) -> None:
        """Something other than an order may make a host establish it."""
        self._at_least(name, connection)

    def remade(self, name: str, connection: str) -> None:
        """A host deletes it to make another; if it is stopped before that, its peer takes it for closed."""
        self._remade.add((name, connection))
        self._at_least(name, connection)

    def surely_up(self, name: str, connection: str) -> None:
        """``ipsec up`` over a good network."""
        self._wishes[name, connection] = Wish.YES

    def gone(self, name: str, connection: str) -> None:
        """The connection is loaded no more, and was taken down."""
        self._wishes[name, connection] = Wish.NO

    def _lasting(self) -> Wish:
        return Wish.MAYBE if self._traits.action in (Action.CLEAR, Action.TRAP) else Wish.YES

    def _may_insist(self, name: str, connection: str) -> None:
        """What a peer ends may be made again, by an action or since its IKE_SA's lifetime is over."""
        if self._traits.brief or self._traits.action is Action.START:
            self._at_least(name, connection)

    def _weaken(self, name: str, connection: str, *, lasting_too: bool = True) -> None:
        self._doubted[name, connection] = self._clock()
        if lasting_too or (name, connection) not in self._traits.start:
            self._wishes[name, connection] = min(self._wishes[name, connection], Wish.MAYBE)

    def _at_least(self, name: str, connection: str) -> None:
        self._wishes[name, connection] = max(self._wishes[name, connection], Wish.MAYBE)
