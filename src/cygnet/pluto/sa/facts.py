"""Groups of facts of an ISAKMP SA: NATs, moments, dead peer detection, addresses of mode config."""

from dataclasses import dataclass

from cygnet.base.addresses import Address
from cygnet.pluto.encoding.vendor_ids import Feature
from cygnet.pluto.sa.events import Configured


@dataclass(slots=True)
class Nat:
    """Where NATs are between us and the peer, and by which text that is spoken of (RFC 3947)."""

    version: Feature | None = None
    here: bool = False
    there: bool = False
    forced: bool = False

    @property
    def any(self) -> bool:
        """Whether ESP must travel inside UDP."""
        return self.here or self.there or self.forced


@dataclass(slots=True)
class Times:
    """Moments in the life of an ISAKMP SA, monotonic seconds; ``None``: never."""

    established: float | None = None
    rekey: float | None = None
    end: float | None = None
    received: float = 0.0
    sent: float = 0.0


@dataclass(slots=True)
class Dpd:
    """Sequence numbers of R-U-THERE (RFC 3706, 6.2), ours to send next and the peer's last."""

    own: int = 0
    unanswered: int = 0
    peer: int | None = None


@dataclass(slots=True)
class Virtual:
    """Addresses of mode config: those the peer got from us, and what it gave us."""

    given: tuple[Address, ...] = ()
    received: Configured | None = None
