"""Rekeying the IKE_SA (RFC 7296, 1.3.2, 2.8, 2.8.2, 2.18, 2.25.2; RFC 9370, 2.2.4)."""


from cygnet.base.groups import Group
from cygnet.charon.encoding import notify as notifies
from cygnet.charon.encoding.errors import (
    InvalidKePayloadError,
    InvalidSyntaxError,
    NoProposalChosenError,
    TemporaryFailureError,
)
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.payloads import KeyExchange, Nonce, Notify, SecurityAssociation
from cygnet.charon.sa.association import NO_SPI, Association
from cygnet.charon.sa.errors import NotPossibleError, RefusedError
from cygnet.charon.sa.handover import (
    await_deletion,
    hand_over,
    keep_redundant,
    settle_for_theirs,
    successor,
)
from cygnet.charon.sa.keymat import Nonces, derive_ike_keys
from cygnet.charon.sa.saved_keys import save_ike_keys
from cygnet.charon.sa.states import LIVE, IkeState
from cygnet.charon.sa.tasks.child_create import is_ike_offer
from cygnet.charon.sa.tasks.ike_delete import IkeDelete
from cygnet.charon.sa.tasks.ike_init import (
    NONCE_SIZE,
    first_method,
    log_proposals,
    methods,
    why,
    with_method,
)
from cygnet.charon.sa.tasks.refusals import proposals_refused
from cygnet.charon.sa.tasks.series import Series, start_over
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step
from cygnet.crypto.proposals import Proposal, select
from cygnet.crypto.tables import TransformType
from cygnet.keying.sa.child_states import ChildState

_BUSY = (ChildState.CREATED, ChildState.INSTALLING, ChildState.REKEYING, ChildState.DELETING)


class IkeRekey(Series):
    """Makes an IKE_SA that takes over all CHILD_SAs; then its requester deletes the old one.

    When both sides rekey at once (``Association.crossing``), both new IKE_SAs are made. Who requested the
    one with the lowest nonce deletes it, or stops before its further key exchanges; the other one inherits.
    If our request is refused, or the old IKE_SA deleted, the peer was done before it saw our request: then
    what it made inherits (RFC 7296, 2.8.2).
    """

    name = "IKE_REKEY"

    def __init__(self, sa: Association, ticket: int = 0) -> None:
        super().__init__(sa, ticket)
        self.new: Association | None = None
        self.spi = b""
        self._method = 0
        self._chosen: Proposal | None = None

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        return message.exchange == Exchange.CREATE_CHILD_SA and is_ike_offer(message)

    # As initiator

    def build_request(self, draft: Draft) -> Step:
        if self.following:
            return self.ask_further(draft)
        sa = self.sa
        self.initiating, sa.crossing.ours = True, self
        sa.move_to(IkeState.REKEYING)
        sa.log(Group.IKE, f"initiating IKE_SA {sa} rekeying")
        proposals = sa.peer_config.ike.proposals
        self.spi, self.nonce = _fresh_spi(sa), sa.ports.rng(NONCE_SIZE)
        draft.add(
            SecurityAssociation(tuple(one.with_spi(self.spi) for one in proposals)),
            Nonce(self.nonce),
            self.exchanges.request(sa.ports.rng, self._method or first_method(proposals)),
        )
        return MORE

    def process_response(self, message: Message) -> Step:
        if self.following:
            return self.take_further(message)
        errors = [one for one in message.notifies if one.is_error]
        if errors and message.first(SecurityAssociation) is None:
            return self.refused(errors[0])
        offer, nonce, exchange = _essentials(message)
        self._chosen = self._accept(offer.proposals)
        self.peer_nonce = nonce.data
        self.exchanges.agree(self._chosen.key_exchanges)
        self.finish_exchange(exchange)
        return self.follow(message)

    def _accept(self, chosen: tuple[Proposal, ...]) -> Proposal:
        """What the responder chose must be one of ours (RFC 7296, 2.7); else its new IKE_SA is its alone."""
        ours = self.sa.peer_config.ike.proposals
        selection = select(chosen, ours)
        if selection.proposal is None or len(chosen) != 1 or not chosen[0].is_choice:
            log_proposals(self.sa, chosen, ours)
            text = f"the peer chose what was not offered for the new IKE_SA{why(selection)}"
            start_over(self.sa, text)
            raise NoProposalChosenError(text)
        _check_spi(selection.proposal)
        return selection.proposal

    def follow(self, message: Message) -> Step:
        """With CREATE_CHILD_SA done, all nonces are known: go on with further key exchanges, or give way."""
        crossing = self.sa.crossing
        if self.exchanges.next and not self.following:
            if crossing.lost:
                return self._give_way("IKE_SA rekey collision lost, stopping before further key exchanges")
            self._won()
        return super().follow(message)

    def _conclude_ours(self, new: Association) -> None:
        sa = self.sa
        if sa.crossing.lost:
            self._give_way(f"IKE_SA rekey collision lost, deleting redundant IKE_SA {new}")
            new.wanted.append(IkeDelete(new))
            keep_redundant(sa, new)
            return
        self._won()
        hand_over(sa, new)
        sa.finish(self.ticket, True)
        self.ticket = 0
        sa.wanted.append(IkeDelete(sa))

    def _won(self) -> None:
        """What the peer made is redundant, and the peer deletes it; what it was about to make it stops."""
        sa = self.sa
        theirs, sa.crossing.theirs = sa.crossing.theirs, None
        if theirs is None:
            return
        sa.log(Group.IKE, f"IKE_SA {sa} rekey collision won")
        if theirs.new is not None:
            keep_redundant(sa, theirs.new)
        else:
            theirs.give_up("rekey collision won by our rekeying")

    def _give_way(self, text: str) -> Step:
        """The peer's new IKE_SA inherits, now or once its key exchanges are done."""
        sa = self.sa
        sa.log(Group.IKE, text)
        if settle_for_theirs(sa):
            await_deletion(sa)
        else:
            sa.crossing.ours, sa.crossing.wanted = None, True
            sa.finish(self.ticket, True)
            self.ticket = 0
        return DONE

    def refused(self, notify: Notify) -> Step:
        """An error; with the peer's own rekeying under way, or done, it means that (RFC 7296, 2.8.2)."""
        if self.sa.crossing.theirs is not None:
            name = notifies.name(notify.type)
            return self._give_way(f"received {name} notify, the peer's own rekeying goes on")
        return super().refused(notify)

    def offered_methods(self) -> tuple[int, ...]:
        return methods(self.sa.peer_config.ike.proposals)

    def use_method(self, number: int) -> None:
        self._method = number

    def refused_for_good(self, notify: Notify) -> Step:
        proposals_refused(self.sa, self.sa.peer_config.ike.proposals, notify.type)
        raise RefusedError(f"received {notifies.name(notify.type)} notify error, IKE_SA not rekeyed")

    def restart(self) -> None:
        super().restart()
        self._release()

    def _release(self) -> None:
        """As long as we do not ask again, the IKE_SA is not being rekeyed by us."""
        sa = self.sa
        if sa.crossing.ours is self:
            sa.crossing.ours = None
        if sa.crossing.theirs is None and sa.state is IkeState.REKEYING:
            sa.move_to(IkeState.ESTABLISHED)

    # As responder

    def process_request(self, message: Message) -> Step:
        sa = self.sa
        self._check_state()
        offer, nonce, exchange = _essentials(message)
        ours = sa.peer_config.ike.proposals
        prefer_ours = sa.ports.settings.prefer_configured_proposals
        selection = select(offer.proposals, ours, prefer_ours=prefer_ours)
        if selection.proposal is None:
            log_proposals(sa, offer.proposals, ours)
            raise NoProposalChosenError("; ".join(selection.reasons[:4]))
        chosen = with_method(selection.proposal, offer.proposals, ours, exchange.method, prefer_ours)
        _check_spi(chosen)
        wanted = chosen.chosen(TransformType.KE)
        number = wanted.number if wanted else 0
        if exchange.method != number:
            raise InvalidKePayloadError(f"key exchange method {wanted} is required", number)
        self._chosen, self.peer_nonce = chosen, nonce.data
        self.exchanges.agree(chosen.key_exchanges)
        self.answer = self.exchanges.answer(exchange, sa.ports.rng)
        return MORE

    def _check_state(self) -> None:
        """Whether the peer may rekey now (RFC 7296, 2.25.1, 2.25.2; RFC 9370, 2.2.4)."""
        sa = self.sa
        if sa.state not in LIVE:
            raise TemporaryFailureError(f"IKE_SA is in state {sa.state}")
        if sa.crossing.theirs is not None:
            raise TemporaryFailureError("the peer is rekeying the IKE_SA already")
        if sa.crossing.ours is not None and sa.crossing.ours.following:
            raise TemporaryFailureError("our own rekeying of the IKE_SA is exchanging further keys")
        if sa.series or any(child.state in _BUSY for child in sa.children.values()):
            raise TemporaryFailureError("a CHILD_SA is being made, rekeyed or deleted")

    def build_response(self, draft: Draft) -> Step:
        sa = self.sa
        if self._chosen is None or self.answer is None:
            raise NotPossibleError("nothing was agreed on")
        self.spi, self.nonce = _fresh_spi(sa), sa.ports.rng(NONCE_SIZE)
        sa.crossing.theirs = self
        if sa.state is IkeState.ESTABLISHED:
            sa.move_to(IkeState.REKEYING)
        if not self.exchanges.next:
            self.conclude()
        draft.add(SecurityAssociation((self._chosen.with_spi(self.spi),)), Nonce(self.nonce), self.answer)
        if self.exchanges.next:
            self.suspend(draft)
        return DONE

    def _conclude_theirs(self, new: Association) -> None:
        """Without an attempt of ours it takes over at once; else our response decides."""
        sa = self.sa
        if sa.crossing.ours is None:
            hand_over(sa, new)
            await_deletion(sa)

    # Both

    def conclude(self) -> None:
        """Derive the keys of the new IKE_SA (RFC 7296, 2.18)."""
        sa, chosen = self.sa, self._chosen
        if chosen is None:
            raise NotPossibleError("nothing was agreed on")
        mine, peers = (self.spi, self.nonce), (chosen.spi, self.peer_nonce)
        (spi_i, nonce_i), (spi_r, nonce_r) = (mine, peers) if self.initiating else (peers, mine)
        secrets, nonces = self.exchanges.take_secrets(), Nonces(nonce_i, nonce_r)
        self.new = new = successor(sa, self.initiating, (spi_i, spi_r), chosen)
        new.keys = derive_ike_keys(
            chosen, secrets, nonces, spi_i + spi_r, sa.ports.rng, sa.established_keys
        )
        save_ike_keys(new)
        self.complete = True
        if self.initiating:
            self._conclude_ours(new)
        else:
            self._conclude_theirs(new)

    def failed(self, reason: str) -> None:
        super().failed(reason)
        self.ticket = 0
        if self.initiating:
            self._failed_ours()
        else:
            self._failed_theirs()

    def _failed_ours(self) -> None:
        sa = self.sa
        if sa.crossing.ours is self and settle_for_theirs(sa):
            await_deletion(sa)
        else:
            self._release()

    def _failed_theirs(self) -> None:
        """The IKE_SA is not being rekeyed any more; by us next, if we gave way for nothing."""
        sa, crossing = self.sa, self.sa.crossing
        if crossing.theirs is not self:
            return
        crossing.theirs = None
        if crossing.ours is None and sa.state is IkeState.REKEYING:
            sa.move_to(IkeState.ESTABLISHED)
            if crossing.wanted:
                crossing.wanted = False
                sa.wanted.append(IkeRekey(sa))


def _fresh_spi(sa: Association) -> bytes:
    spi = sa.ports.rng(8)
    return spi if spi != NO_SPI else sa.ports.rng(8)


def _check_spi(proposal: Proposal) -> None:
    if len(proposal.spi) != 8 or proposal.spi == NO_SPI:
        raise InvalidSyntaxError("the proposal for a new IKE_SA has no SPI")


def _essentials(message: Message) -> tuple[SecurityAssociation, Nonce, KeyExchange]:
    offer, nonce, exchange = (
        message.first(SecurityAssociation),
        message.first(Nonce),
        message.first(KeyExchange),
    )
    if offer is None or nonce is None or exchange is None:
        raise InvalidSyntaxError("SA, nonce or KE is missing")
    return offer, nonce, exchange
