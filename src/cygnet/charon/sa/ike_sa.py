"""An IKE_SA: what a shell calls (signatures published early; the body follows)."""

from typing import Any

from cygnet.base.addresses import Host
from cygnet.base.effects import Effect
from cygnet.charon.config.records import PeerConfig
from cygnet.charon.sa.orders import Order
from cygnet.charon.sa.ports import Ports
from cygnet.charon.sa.snapshot import IkeSnapshot


class IkeSa:
    """One IKE_SA (RFC 7296). One worker at a time; time comes in with every call."""

    unique_id: int
    spi_local: bytes

    @classmethod
    def initiator(
        cls, ports: Ports, unique_id: int, config: PeerConfig, local: Host, remote: Host
    ) -> "IkeSa":
        """A new IKE_SA towards ``remote``; nothing happens before an order. ``local`` may be any."""
        raise NotImplementedError

    @classmethod
    def responder(cls, ports: Ports, unique_id: int, spi: bytes, local: Host, remote: Host) -> "IkeSa":
        """An IKE_SA for a first message that ``Endpoint`` let in with ``Create(spi)``."""
        raise NotImplementedError

    def receive(self, data: bytes, source: Host, destination: Host, now: float) -> list[Effect]:
        """One datagram (without the non-ESP marker) whose responder or initiator SPI is ours."""
        raise NotImplementedError

    def command(self, order: Order, now: float) -> list[Effect]:
        """An order of an operator, a job or the kernel."""
        raise NotImplementedError

    def expire(self, timer: Any, now: float) -> list[Effect]:
        """A timer that was set with ``Schedule``."""
        raise NotImplementedError

    def abandon(self, now: float) -> list[Effect]:
        """Give up at once without a message (a bug ended it, say): kernel entries go, tickets finish."""
        raise NotImplementedError

    def snapshot(self, now: float) -> IkeSnapshot:
        """A picture for status commands."""
        raise NotImplementedError

    # For the manager's tables:
    name: str  # of the connection, "(unnamed)" while unknown
    local: Host
    remote: Host
    half_open: bool  # a responder that has not authenticated its peer
