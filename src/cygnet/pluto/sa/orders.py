"""What operators, jobs and the kernel want of an ISAKMP SA: the arguments of ``IkeSa.command``.

``ticket`` is any number of the asker's; the event :class:`~cygnet.pluto.sa.events.Finished` brings it back
exactly once with the outcome. 0 means nobody waits. All but the last two are charon's.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cygnet.base.addresses import Host
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.port import SaId
from cygnet.keying.config.records import ChildConfig
from cygnet.pluto.config.records import PeerConfig

if TYPE_CHECKING:
    from cygnet.pluto.sa.succession import Estate


@dataclass(frozen=True, slots=True)
class Initiate:
    """Establish the ISAKMP SA if it is not, and all of this child in it (``None``: the ISAKMP SA only).

    Each pair of the child's selectors becomes an IPsec SA; those that are there already are left alone.
    ``reqid`` is that of an installed trap, of use where there is one pair (0: one is chosen).
    """

    child: ChildConfig | None
    reqid: int = 0
    ticket: int = 0


@dataclass(frozen=True, slots=True)
class Acquire:
    """A packet met a trap: establish the IPsec SA of ``child`` whose selectors hold the packet."""

    child: ChildConfig
    reqid: int
    source: TrafficSelector
    destination: TrafficSelector
    ticket: int = 0


@dataclass(frozen=True, slots=True)
class TerminateIke:
    """Delete the ISAKMP SA with all its IPsec SAs; nobody confirms it (RFC 2408, 3.15)."""

    ticket: int = 0
    force: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TerminateChild:
    """Delete one IPsec SA by its number, or all of a name."""

    unique_id: int = 0
    name: str = ""
    ticket: int = 0


@dataclass(frozen=True, slots=True)
class RekeyIke:
    """Do phase 1 anew; the IPsec SAs go over to the new ISAKMP SA."""

    ticket: int = 0


@dataclass(frozen=True, slots=True)
class RekeyChild:
    """Negotiate one IPsec SA anew by its number, or all of a name."""

    unique_id: int = 0
    name: str = ""
    ticket: int = 0


@dataclass(frozen=True, slots=True)
class KernelExpire:
    """The kernel says that an SA of ours reached its soft or hard lifetime."""

    id: SaId
    hard: bool


@dataclass(frozen=True, slots=True)
class MappingChange:
    """Authentic ESP of the SA ``id`` came from another address or port (RFC 3947, 7)."""

    id: SaId
    remote: Host


@dataclass(frozen=True, slots=True)
class KernelReset:
    """The data plane lost all SAs and policies: IPsec SAs are negotiated anew."""


@dataclass(frozen=True, slots=True)
class UpdateConfig:
    """The connection was loaded again: later IPsec SAs and decisions follow this one."""

    config: PeerConfig


@dataclass(frozen=True, slots=True)
class HandOver:
    """Another ISAKMP SA of the same peer, ``heir``, takes this one's place: give up what it can use.

    The shell orders it when :class:`~cygnet.pluto.sa.events.IkeEstablished` tells of one between the same
    identities. The event :class:`~cygnet.pluto.sa.events.HandedOver` has what is given up.
    """

    heir: int


@dataclass(frozen=True, slots=True)
class TakeOver:
    """What another ISAKMP SA of the same peer gave up."""

    estate: "Estate"


Order = (
    Initiate
    | Acquire
    | TerminateIke
    | TerminateChild
    | RekeyIke
    | RekeyChild
    | KernelExpire
    | MappingChange
    | KernelReset
    | UpdateConfig
    | HandOver
    | TakeOver
)
