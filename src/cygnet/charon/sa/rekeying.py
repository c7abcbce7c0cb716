"""Who is rekeying an SA, when both sides may at once (RFC 7296, 2.8.1, 2.8.2, 2.25)."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Attempt(Protocol):
    """One side's rekeying of an SA, from its request until the old SA is deleted."""

    @property
    def following(self) -> bool:
        """Whether CREATE_CHILD_SA is over and IKE_FOLLOWUP_KE exchanges are to come."""

    @property
    def complete(self) -> bool:
        """Whether the new SA is there."""

    @property
    def lowest(self) -> bytes:
        """The lower nonce of the two of its CREATE_CHILD_SA."""

    def give_up(self, reason: str) -> None:
        """End it: its own things go, the old SA is as if it had not been."""


A = TypeVar("A", bound=Attempt)


@dataclass(slots=True)
class Crossing(Generic[A]):
    """Our attempt and the peer's at one SA. ``wanted``: ours gave way, but is due if theirs fails."""

    ours: A | None = None
    theirs: A | None = None
    wanted: bool = False

    @property
    def lost(self) -> bool:
        """Whether what we make is redundant: the lowest of the four nonces is in our exchange (2.8.1).

        Octets are compared from the front, and a nonce that ends is lower, as Python compares ``bytes``.
        Before our response is there, nobody knows.
        """
        return self.ours is not None and self.theirs is not None and self.ours.lowest < self.theirs.lowest
