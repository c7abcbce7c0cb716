"""What the list commands show that is no certificate."""

from collections.abc import Sequence
from typing import Protocol


class Document(Protocol):
    """A raw public key, a CRL, an OCSP answer, an attribute certificate or a group."""

    def lines(self, now: float, utc: bool) -> Sequence[str]:
        """One field a line, labels padded to column 11; ``now`` is POSIX seconds."""
