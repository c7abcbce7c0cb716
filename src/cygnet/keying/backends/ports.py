"""The four interfaces of a backend; a backend may implement any of them (``docs/architecture.md``).

Answers about several candidates are ranked, each with the reason for its rank in plain words, so that a
choice can be explained. All methods may be called from any thread.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cygnet.base.addresses import Address, Host
from cygnet.base.identities import Identity
from cygnet.keying.config.pools import Applicant, Lease, Pool
from cygnet.keying.config.records import ChildConfig, PeerConfig


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate; higher ranks are better and compare element by element."""

    config: PeerConfig
    rank: tuple[int, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Query:
    """Who is asking; what is ``None`` is not known yet and does not decide."""

    local: Host | None = None
    remote: Host | None = None
    local_id: Identity | None = None
    remote_id: Identity | None = None


class ConnectionStore(Protocol):
    """Which peers, addresses and proposals."""

    @property
    def name(self) -> str:
        """The backend's name in ``charon.backends``."""

    def peers(self) -> Sequence[PeerConfig]:
        """All, in the order loaded."""

    def peer(self, name: str) -> PeerConfig | None:
        """The one of that name."""

    def child(self, name: str) -> tuple[PeerConfig, ChildConfig] | None:
        """The CHILD_SA config of that name, with its peer's."""

    def candidates(self, query: Query) -> Sequence[Ranked]:
        """Those that suit what is known, best first."""


class PolicyStore(Protocol):
    """What may be protected between two identities."""

    def children(self, peer: PeerConfig, local: Identity, remote: Identity) -> Sequence[ChildConfig]:
        """The CHILD_SA configs for this pair, best first."""


class PoolStore(Protocol):
    """Which virtual addresses there are, and who has them."""

    def pools(self) -> Sequence[Pool]:
        """All, in the order configured."""

    def leases(self, pool: str) -> Iterable[Lease]:
        """The leases of the pool of that name; none if it is not one of this store's."""

    def acquire(self, pool: str, who: Applicant, wanted: Address) -> Address | None:
        """An address of that pool, ``wanted`` if possible; ``None`` if none is free or it is not ours."""

    def release(self, ike_id: int) -> None:
        """All that the IKE_SA holds, which may be nothing, is kept for its peer."""

    def move(self, old_id: int, new_id: int) -> None:
        """What one IKE_SA holds is another's."""


class Closable(Protocol):
    """A store that holds something open."""

    def close(self) -> None:
        """Let go of it."""
