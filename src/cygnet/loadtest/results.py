"""What came of a load test: counts, reasons, latencies. Those of several processes add up."""

from array import array
from collections import Counter
from dataclasses import dataclass, field
from math import ceil

MAX_REASONS = 32
OTHER = "other reasons"
PERCENTILES = (50, 90, 99, 100)


def latencies() -> "array[float]":
    """An empty list of seconds, eight octets each."""
    return array("d")


@dataclass(slots=True)
class Result:
    """The outcome so far.

    ``started`` handshakes were begun. ``failed`` counts by reason those that came to nothing, ``lost``
    SAs that ended although nobody here asked for it. ``busy_s`` is from the first message to the last
    handshake's end, ``cpu_s`` what it cost this side.
    """

    started: int = 0
    established: int = 0
    deleted: int = 0
    retransmits: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    latencies_s: "array[float]" = field(default_factory=latencies)
    busy_s: float = 0.0
    cpu_s: float = 0.0

    def fail(self, reason: str) -> None:
        """One handshake came to nothing."""
        _count(self.failed, reason)

    def lose(self, reason: str) -> None:
        """One SA ended on its own."""
        _count(self.lost, reason)

    def add(self, other: "Result") -> None:
        """Take in the result of another process that ran at the same time."""
        self.started += other.started
        self.established += other.established
        self.deleted += other.deleted
        self.retransmits += other.retransmits
        for reason, times in other.failed.items():
            _count(self.failed, reason, times)
        for reason, times in other.lost.items():
            _count(self.lost, reason, times)
        self.latencies_s.extend(other.latencies_s)
        self.busy_s = max(self.busy_s, other.busy_s)
        self.cpu_s += other.cpu_s

    @property
    def in_progress(self) -> int:
        """Handshakes under way."""
        return self.started - self.established - self.failed.total()

    @property
    def ok(self) -> bool:
        """Whether every handshake succeeded and every SA lived as long as it should."""
        return not self.failed and not self.lost and not self.in_progress

    @property
    def rate(self) -> float:
        """Handshakes a second."""
        return self.established / self.busy_s if self.busy_s else 0.0

    def percentiles_s(self) -> dict[int, float]:
        """Latencies by percent of the handshakes that took no longer (nearest rank)."""
        ordered = sorted(self.latencies_s)
        if not ordered:
            return {}
        return {share: ordered[max(0, ceil(len(ordered) * share / 100) - 1)] for share in PERCENTILES}


def _count(counts: Counter[str], reason: str, times: int = 1) -> None:
    """Reasons come from the peer, so there is a limit to how many are told apart."""
    counts[reason if reason in counts or len(counts) < MAX_REASONS else OTHER] += times
