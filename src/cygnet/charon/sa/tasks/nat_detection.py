"""Detection of NATs between the peers (RFC 7296, 2.23), and the change to port 4500 (RFC 4555, 3.3)."""

from typing import ClassVar

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.sa import nat_hashes
from cygnet.charon.sa.association import NO_SPI, Association
from cygnet.charon.sa.ike_ports import float_ports
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task


class NatDetection(Task):
    """Tells hashes of the addresses as each side sees them, and compares the other's.

    With ``forceencaps``, or a data plane that only has ESP in UDP, the source hash is a wrong one, so that
    the peer sees a NAT too. With ``nat_traversal = no`` nothing of it is done.
    """

    name = "IKE_NATD"
    rides: ClassVar[frozenset[Exchange]] = frozenset({Exchange.IKE_SA_INIT})

    def __init__(self, sa: Association) -> None:
        super().__init__(sa)
        self._is_forced: bool | None = None

    def build_request(self, draft: Draft) -> Step:
        self._build(draft, NO_SPI)
        return MORE

    def process_request(self, message: Message) -> Step:
        return MORE if self._process(message, NO_SPI) else DONE

    def build_response(self, draft: Draft) -> Step:
        self._build(draft, self.sa.spi_r)
        return DONE

    def process_response(self, message: Message) -> Step:
        if self._process(message, message.spi_r):
            float_ports(self.sa)
        return DONE

    def _build(self, draft: Draft, spi_r: bytes) -> None:
        sa = self.sa
        if sa.ports.settings.nat_traversal:
            nat_hashes.add(draft, sa, (sa.local, sa.remote), spi_r, forced=self._forced())

    def _process(self, message: Message, spi_r: bytes) -> bool:
        """Whether the peer knows about NATs at all."""
        sa, seen = self.sa, nat_hashes.read(message)
        if seen is None or not sa.ports.settings.nat_traversal:
            return False
        sa.nat.supported = True
        sa.mobility.mapping = seen.destinations[0]
        found = nat_hashes.compare(sa, seen, (sa.local, sa.remote), spi_r)
        nat_hashes.apply(sa, found, forced=self._forced())
        return True

    def _forced(self) -> bool:
        if self._is_forced is None:
            self._is_forced = self._find_forced()
        return self._is_forced

    def _find_forced(self) -> bool:
        sa = self.sa
        if sa.ports.kernel.features.udp_encapsulation_only:
            return True
        if sa.config is not None:
            return sa.config.ike.force_encaps
        candidates = sa.negotiation.candidates
        return bool(candidates) and candidates[0].ike.force_encaps
