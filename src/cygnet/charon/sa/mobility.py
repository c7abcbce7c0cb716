"""What MOBIKE knows of an IKE_SA: who decides, the addresses of the peer, paths being tried (RFC 4555)."""

from dataclasses import dataclass, field, replace

from cygnet.base.addresses import Address, Host
from cygnet.keying.sa.esp_path import Path

Pair = tuple[Host, Host]
"""A way for packets: our host, the peer's."""

CHECK_INTERVAL_S = 0.5
"""The least time between two checks of a path: a peer that changes its mind all the time does it slowly."""


@dataclass(slots=True)
class Mobility:
    """The state of one IKE_SA, which its successor takes over when that is rekeyed.

    ``leads``: we are the initiator of the first IKE_SA, who alone decides which addresses are used (2.1).
    ``peer_addresses`` are what the peer says that it has, ``began`` the one at which it was found first,
    ``told`` what it was told of ours.
    ``verified`` is where the CHILD_SAs stay while the IKE_SA has gone ahead to hosts that are not verified.
    ``mapping`` is the hash of our address as the peer saw it last (3.8), ``refused`` what cannot be used.
    ``changes`` counts changes of the IKE_SA's hosts, and searches. Times are monotonic seconds.
    """

    leads: bool = False
    peer_addresses: tuple[Address, ...] = ()
    began: Address | None = None
    told: frozenset[Address] | None = None
    verified: Path | None = None
    mapping: bytes = b""
    refused: set[Pair] = field(default_factory=set)
    changes: int = 0
    probing_since: float | None = None
    attempts: int = 0
    hint: Pair | None = None
    checking: bool = False
    resend: bool = False
    _next_check: float = 0.0

    @property
    def probing(self) -> bool:
        """Whether it is not known which path works: requests go out along several."""
        return self.probing_since is not None

    def begin_probing(self, now: float, hint: Pair | None = None, attempts: int = 0) -> None:
        """Requests go out along several paths from now on, first of all ``hint``; what is under way, at once.

        ``attempts`` is how many count as made, that is, how far the search goes (``paths``).
        """
        self.probing_since, self.attempts, self.hint, self.resend = now, attempts, hint, True

    def end_probing(self) -> None:
        """The path is known."""
        self.probing_since, self.hint = None, None

    def of_rekeyed(self) -> "Mobility":
        """For what is left of an IKE_SA without its CHILD_SAs, which tells the peer of a move on its own."""
        return replace(self, checking=False, refused=set(self.refused))

    def check_at(self, now: float) -> float:
        """When the next check of a path may begin, which then counts as begun."""
        at = max(now, self._next_check)
        self._next_check = at + CHECK_INTERVAL_S
        return at
