"""What operators, jobs and the kernel want of an IKE_SA: the arguments of ``IkeSa.command``.

``ticket`` is any number of the asker's; the event :class:`~cygnet.charon.sa.events.Finished` brings it
back exactly once with the outcome. 0 means nobody waits.
"""

from dataclasses import dataclass

from cygnet.base.addresses import Host
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.port import SaId
from cygnet.keying.config.records import ChildConfig, PeerConfig
from cygnet.keying.sa.marks import Marks
from cygnet.keying.sa.matching import Selectors


@dataclass(frozen=True, slots=True)
class Initiate:
    """Establish the IKE_SA if it is not, and this CHILD_SA in it (``None``: the IKE_SA only).

    ``reqid`` is that of an installed trap (0: one is chosen). ``selectors`` are local and remote ones that
    an earlier CHILD_SA had; without them the configured ones are proposed. ``marks`` are those it had.
    """

    child: ChildConfig | None
    reqid: int = 0
    ticket: int = 0
    selectors: tuple[Selectors, Selectors] | None = None
    marks: Marks | None = None


@dataclass(frozen=True, slots=True)
class Acquire:
    """A packet met a trap: establish ``child``, the packet's selectors first (RFC 7296, 2.9).

    ``selectors`` are local and remote ones where not all of the configured ones are meant.
    """

    child: ChildConfig
    reqid: int
    source: TrafficSelector
    destination: TrafficSelector
    ticket: int = 0
    selectors: tuple[Selectors, Selectors] | None = None


@dataclass(frozen=True, slots=True)
class TerminateIke:
    """Delete the IKE_SA with all its CHILD_SAs. ``force``: do not wait for the peer's answer.

    ``successor`` is the IKE_SA that took its place, 0 for none; ``reauthenticated`` tells that it did so by
    authenticating anew.
    """

    ticket: int = 0
    force: bool = False
    reason: str = ""
    successor: int = 0
    reauthenticated: bool = False


@dataclass(frozen=True, slots=True)
class TerminateChild:
    """Delete one CHILD_SA by its number, or all of a name."""

    unique_id: int = 0
    name: str = ""
    ticket: int = 0


@dataclass(frozen=True, slots=True)
class RekeyIke:
    """Rekey the IKE_SA now, or re-authenticate it where its connection says so."""

    ticket: int = 0


@dataclass(frozen=True, slots=True)
class ReauthFailed:
    """The IKE_SA that should have taken this one's place did not come to be: later again."""

    reason: str
    ticket: int = 0


@dataclass(frozen=True, slots=True)
class RekeyChild:
    """Rekey one CHILD_SA by its number, or all of a name."""

    unique_id: int = 0
    name: str = ""
    ticket: int = 0


@dataclass(frozen=True, slots=True)
class KernelExpire:
    """The kernel says that an SA of this IKE_SA reached its soft or hard lifetime."""

    id: SaId
    hard: bool


@dataclass(frozen=True, slots=True)
class MappingChange:
    """Authentic ESP of the SA ``id`` came from another address or port (RFC 7296, 2.23)."""

    id: SaId
    remote: Host


@dataclass(frozen=True, slots=True)
class Roam:
    """This host's addresses, links or routes have changed: see whether the path is still good (RFC 4555)."""


@dataclass(frozen=True, slots=True)
class TellAddresses:
    """The peer was told in the IKE_SA before this one which addresses to use: it is told here, too."""

    ticket: int = 0


@dataclass(frozen=True, slots=True)
class KernelReset:
    """The data plane lost all SAs and policies: the CHILD_SAs are negotiated anew."""


@dataclass(frozen=True, slots=True)
class UpdateConfig:
    """The connection was loaded again: the CHILD_SAs that the peer may ask for are those of this one.

    A connection that differs in more than its children is for other IKE_SAs.
    """

    config: PeerConfig


Order = (
    Initiate
    | Acquire
    | TerminateIke
    | TerminateChild
    | RekeyIke
    | ReauthFailed
    | RekeyChild
    | KernelExpire
    | MappingChange
    | Roam
    | TellAddresses
    | KernelReset
    | UpdateConfig
)
