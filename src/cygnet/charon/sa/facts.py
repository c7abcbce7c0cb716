"""Groups of what an IKE_SA knows: NATs on the way, what the peer can do, the moments of its life."""

from dataclasses import dataclass, field

from cygnet.charon.sa.mobility import Mobility


@dataclass(slots=True)
class Nat:
    """Where NATs are between us and the peer (RFC 7296, 2.23); ``supported``: both sides look for them."""

    here: bool = False
    there: bool = False
    forced: bool = False
    supported: bool = False

    @property
    def any(self) -> bool:
        """Whether ESP must travel inside UDP."""
        return self.here or self.there or self.forced


@dataclass(slots=True)
class Peer:
    """What the peer said it can do."""

    fragmentation: bool = False
    mobike: bool = False
    no_additional_sas: bool = False
    mobility: Mobility = field(default_factory=Mobility)
    childless: bool = False
    multiple_auth: bool = False


@dataclass(slots=True)
class Times:
    """Moments in the life of an IKE_SA, monotonic seconds; ``None``: never.

    ``reauth`` and ``auth_end`` outlive a rekeying: it authenticates nobody (RFC 4478, 2).
    """

    created: float = 0.0
    established: float | None = None
    rekey: float | None = None
    reauth: float | None = None
    auth_end: float | None = None
    auth_changes: int = 0
    complete: float | None = None  # since when it has all that it is to take over from another
    end: float | None = None
    received: float = 0.0
    sent: float = 0.0
    keep_alive: float = 0.0  # when the next keep-alive may be due
