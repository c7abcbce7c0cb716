"""What a quick mode keeps while it goes on, in either role (RFC 2409, 5.5)."""

from dataclasses import dataclass, field, replace

from cygnet.base.addresses import Address
from cygnet.base.groups import Group
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.interfaces import KeyPair
from cygnet.crypto.proposals import Proposal
from cygnet.crypto.tables import TransformType
from cygnet.kernel.port import Compression
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.child_sa import ChildSa
from cygnet.keying.sa.child_states import ChildState
from cygnet.pluto.encoding.payloads import Identification, SecurityAssociation
from cygnet.pluto.encoding.phase2_offers import Life
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.events import Finished
from cygnet.pluto.sa.keymat import Nonces


class Outcome:
    """One answer for an order that several exchanges carry out."""

    def __init__(self, sa: Association, ticket: int) -> None:
        self._sa, self._ticket = sa, ticket
        self._pending = 0
        self._reasons: list[str] = []

    def begin(self) -> None:
        """One more to wait for."""
        self._pending += 1

    def done(self, reason: str = "") -> None:
        """One less; with a reason it failed."""
        self._pending -= 1
        if reason:
            self._reasons.append(reason)
        if self._pending <= 0:
            ticket, self._ticket = self._ticket, 0
            self._sa.finish(ticket, not self._reasons, "; ".join(dict.fromkeys(self._reasons)))

    def adopt(self, sa: Association) -> None:
        """Another ISAKMP SA tells it."""
        self._sa = sa

    def abandoned(self, reason: str) -> list[Finished]:
        """Nobody will tell it any more: what is to be told."""
        ticket, self._ticket = self._ticket, 0
        return [Finished(ticket, False, reason)] if ticket else []


@dataclass(slots=True, eq=False)
class QuickMode:
    """One quick mode. ``replaces`` is the IPsec SA whose rekeying it is, 0 for none.

    ``local_ts`` and ``remote_ts`` are what is installed, where that differs from what is spoken of.
    ``identities`` are the ID payloads, initiator's first; none if both ends are the hosts themselves.
    """

    sa: Association
    initiator: bool
    config: ChildConfig
    local: TrafficSelector
    remote: TrafficSelector
    local_ts: tuple[TrafficSelector, ...] = ()
    remote_ts: tuple[TrafficSelector, ...] = ()
    reqid: int = 0
    replaces: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    child: ChildSa | None = None
    offered: SecurityAssociation | None = None
    identities: tuple[Identification, ...] = ()
    own_nonce: bytes = b""
    peer_nonce: bytes = b""
    group: int = 0
    key_pair: KeyPair | None = None
    shared: Secret | None = None
    life: Life = field(default_factory=Life)
    original: tuple[Address, Address] | None = None
    compression: Compression | None = None  # the peer's CPI, if both sides compress

    @property
    def pair(self) -> tuple[TrafficSelector, TrafficSelector]:
        """Our selector and the peer's."""
        return self.local, self.remote

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """What may be agreed on: with ``pfs`` that of phase 1 where no group is named (RFC 2409, 5.5)."""
        found = self.config.proposals
        group = self.sa.agreed_proposal.chosen(TransformType.KE) if self.sa.peer_config.pfs else None
        if group is None or any(one.of_type(TransformType.KE) for one in found):
            return found
        return tuple(replace(one, transforms=(*one.transforms, group)) for one in found)

    @property
    def selectors(self) -> tuple[tuple[TrafficSelector, ...], tuple[TrafficSelector, ...]]:
        """What is installed, ours first."""
        return self.local_ts or (self.local,), self.remote_ts or (self.remote,)

    @property
    def nonces(self) -> Nonces:
        """Ni and Nr."""
        pair = (self.own_nonce, self.peer_nonce)
        return Nonces(*(pair if self.initiator else pair[::-1]))

    @property
    def made(self) -> ChildSa:
        """The IPsec SA, which must be there by now."""
        if self.child is None:
            raise RuntimeError("no IPsec SA yet")
        return self.child

    @property
    def gone(self) -> bool:
        """Whether the IPsec SA was deleted meanwhile."""
        return self.child is not None and self.child.unique_id not in self.sa.children

    def failed(self, reason: str) -> None:
        """Give back what was taken; what was to be rekeyed goes on."""
        sa = self.sa
        if self.child is not None:
            sa.drop_child(self.child)
        old = sa.children.get(self.replaces)
        if old is not None and old.state == ChildState.REKEYING:
            sa.move_child(old, ChildState.INSTALLED)
        sa.log(Group.IKE, f"establishing CHILD_SA {self.config.name} failed: {reason}")
        self.done(reason)

    def done(self, reason: str = "") -> None:
        """It is over: tell who waits."""
        outcomes, self.outcomes = self.outcomes, []
        if self.sa.making.get(self.pair) is self:
            del self.sa.making[self.pair]
        for outcome in outcomes:
            outcome.done(reason)

    def adopt(self, sa: Association) -> None:
        """Another ISAKMP SA is to begin the exchange."""
        self.sa = sa
        for outcome in self.outcomes:
            outcome.adopt(sa)

    def abandoned(self, reason: str) -> list[Finished]:
        """No ISAKMP SA will begin the exchange."""
        return [told for outcome in self.outcomes for told in outcome.abandoned(reason)]
