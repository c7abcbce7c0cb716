"""ESP packets for SAs that are about to be: the peer has our SPI and its keys before we have ours.

Who answers a request for a CHILD_SA may send through it at once (RFC 7296, 1.2); its packets can overtake
its answer, or the work that the answer makes.
"""

from collections import deque

MAX_PER_SPI = 64
MAX_PACKETS = 1024
KEEP_S = 2.0

Datagram = tuple[bytes, int, tuple[str, int] | None]
"""A received ESP packet, the outer TOS octet with 256 times the TTL; in UDP, its sender's address."""


class EarlyPackets:
    """Packets for promised SPIs, a few and not for long; the oldest go first."""

    def __init__(self) -> None:
        self._kept: dict[int, deque[tuple[float, Datagram]]] = {}
        self._number = 0

    def expect(self, spi: int) -> None:
        """This SPI is promised to a peer."""
        self._kept.setdefault(spi, deque())

    def expects(self, spi: int) -> bool:
        """Whether it is promised."""
        return spi in self._kept

    def cancel(self, spi: int) -> None:
        """It is not used after all."""
        self._number -= len(self._kept.pop(spi, ()))

    def keep(self, spi: int, datagram: Datagram, now: float) -> bool:
        """Keep a packet; ``False`` if its SPI is not promised, or there are too many."""
        kept = self._kept.get(spi)
        if kept is None or self._number >= MAX_PACKETS:
            return False
        if len(kept) >= MAX_PER_SPI:
            kept.popleft()
            self._number -= 1
        kept.append((now, datagram))
        self._number += 1
        return True

    def take(self, spi: int, now: float) -> list[Datagram]:
        """The packets for an SA that is there now; what is too old is forgotten."""
        kept = self._kept.pop(spi, ())
        self._number -= len(kept)
        return [datagram for since, datagram in kept if now - since <= KEEP_S]
