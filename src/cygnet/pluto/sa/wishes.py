"""What an ISAKMP SA has to begin by itself, one exchange after the other, once it may."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cygnet.pluto.sa.events import Finished
from cygnet.pluto.sa.transitions import Transition

if TYPE_CHECKING:
    from cygnet.pluto.sa.association import Association


class Context(Protocol):
    """What an exchange keeps, as far as everybody may know it."""

    @property
    def gone(self) -> bool:
        """Whether what the exchange is about is no longer there."""

    def failed(self, reason: str) -> None:
        """The exchange came to nothing: give back what it holds, tell who waits."""

    def adopt(self, sa: "Association") -> None:
        """Another ISAKMP SA is to begin the exchange."""

    def abandoned(self, reason: str) -> list[Finished]:
        """No ISAKMP SA will begin it: what those who wait are to be told."""


class Transaction:
    """The context of a transaction, which holds nothing: what it is about stands in the ISAKMP SA."""

    gone = False

    def failed(self, reason: str) -> None:
        """Nothing to give back."""

    def adopt(self, sa: "Association") -> None:
        """It does not wait."""

    def abandoned(self, reason: str) -> list[Finished]:
        """Nobody waits for it."""
        return []


@dataclass(frozen=True, slots=True)
class Wish:
    """An exchange to be begun: its opening row, and its context."""

    row: Transition
    context: Context
