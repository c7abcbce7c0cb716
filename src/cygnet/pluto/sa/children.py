"""IPsec SAs as pluto uses them: narrow protocols for what charon has already (``charon.sa.child_sa``).

How an IPsec SA stands in the kernel is the same for both versions of IKE. Until both daemons take the class
from one package, ours is made by a factory that is handed in, and these records have the shape of charon's.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from cygnet.base.addresses import Address, Host
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.proposals import Proposal, Transform
from cygnet.kernel.port import Compression, Encapsulation, IpProtocol, Kernel, Lifetime, Mode, SaId
from cygnet.pluto.config.shared import ChildConfig


@dataclass(frozen=True, slots=True)
class Path:
    """Between which hosts ESP travels, and whether inside UDP (RFC 3948)."""

    local: Host
    remote: Host
    udp: bool

    @property
    def addresses(self) -> tuple[Address, Address]:
        """Ours and the peer's."""
        return self.local.address, self.remote.address

    def encapsulation(self, inbound: bool) -> Encapsulation | None:
        """The ports of the outer UDP header, sender's first."""
        if not self.udp:
            return None
        ports = self.local.port, self.remote.port
        return Encapsulation(*(ports[::-1] if inbound else ports))


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides agreed on, from our point of view. ``spi_out`` is the peer's SPI.

    ``compression`` has the peer's CPI. ``original`` are the addresses that the peer writes into transport
    mode packets, where NATs change them.
    """

    proposal: Proposal
    mode: Mode
    local_ts: tuple[TrafficSelector, ...]
    remote_ts: tuple[TrafficSelector, ...]
    spi_out: int
    pads: bool = False
    compression: Compression | None = None
    original: tuple[Address, Address] | None = None


@dataclass(frozen=True, slots=True)
class ChildKeys:
    """Encryption and integrity keys, for what the exchange's initiator and responder send."""

    encryption_i: Secret
    integrity_i: Secret
    encryption_r: Secret
    integrity_r: Secret


class ChildSa(Protocol):
    """One IPsec SA, both directions. It holds an inbound SPI from its making until :meth:`remove`."""

    unique_id: int
    config: ChildConfig
    reqid: int
    path: Any
    cpi_in: int
    agreed: Any
    marks: Any
    installed_at: float
    rekey_at: float | None
    expire_at: float | None
    counted: bool
    replaced_by: int
    state: Any

    def move_to(self, state: StrEnum) -> StrEnum:
        """Change the state; returns the old one."""

    @property
    def spi_octets(self) -> bytes:
        """Our inbound SPI as it travels."""

    @property
    def protocol(self) -> IpProtocol:
        """ESP or AH."""

    @property
    def carries(self) -> bool:
        """Whether traffic can arrive through it."""

    @property
    def inbound(self) -> SaId:
        """What names the inbound SA."""

    @property
    def outbound(self) -> SaId:
        """What names the outbound SA, SPI 0 while there is none."""

    @property
    def selectors_text(self) -> str:
        """``10.1.0.0/16 === 10.2.0.0/16``."""

    @property
    def spis_text(self) -> str:
        """``c1234567_i c7654321_o``."""

    def icv_bits(self, integrity: Transform | None) -> int:
        """What the integrity algorithm's code is cut to, 0 for its own length."""

    def install(
        self, kernel: Kernel, agreed: Any, keys: Any, lifetime: Lifetime, *, exchange_initiator: bool
    ) -> None:
        """Install the inbound SA and keep the outbound one for :meth:`install_outbound`."""

    def install_outbound(self, kernel: Kernel, behind: int = 0) -> None:
        """Install the outbound SA and the policies."""

    def remove(self, kernel: Kernel) -> None:
        """Take everything out of the kernel again."""

    def move(self, kernel: Kernel, path: Any) -> None:
        """Follow the hosts to other addresses or ports."""

    def snapshot(self) -> Any:
        """A picture for status commands."""


class ChildFactory(Protocol):
    """Makes IPsec SAs."""

    def __call__(self, unique_id: int, config: ChildConfig, path: Path, spi_in: int) -> ChildSa:
        """A new one in state CREATED, its marks chosen, without a reqid."""
