"""Rekeying the IKE_SA (RFC 7296, 1.3.2, 2.8, 2.8.2, 2.18, 2.25.2)."""

from typing import ClassVar

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
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import KeyExchange, Nonce, SecurityAssociation
from cygnet.charon.sa.association import NO_SPI, Association
from cygnet.charon.sa.errors import NotPossibleError, RefusedError
from cygnet.charon.sa.establish import establish
from cygnet.charon.sa.keymat import Nonces, derive_ike_keys
from cygnet.charon.sa.states import ChildState, IkeState
from cygnet.charon.sa.tasks.child_create import is_ike_offer
from cygnet.charon.sa.tasks.ike_delete import IkeDelete
from cygnet.charon.sa.tasks.ike_init import (
    NONCE_SIZE,
    first_method,
    log_proposals,
    method_name,
    methods,
    with_method,
)
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.charon.sa.timers import DropRekeyed, Retry
from cygnet.crypto.interfaces import KeyPair
from cygnet.crypto.key_exchange import ke_method
from cygnet.crypto.proposals import Proposal, select
from cygnet.crypto.tables import TransformType

RETRY_S, MAX_RETRIES = 10.0, 5
_BUSY = (ChildState.CREATED, ChildState.INSTALLING, ChildState.REKEYING, ChildState.DELETING)


class IkeRekey(Task):
    """Makes an IKE_SA that takes over all CHILD_SAs; then its requester deletes the old one.

    Both sides at once: we refuse the peer's with TEMPORARY_FAILURE unless our own request is still queued.
    RFC 7296 2.8.2 would have both succeed and one deleted by its nonce; 2.25.2 allows the refusal, and who
    is refused tries again, by which time the other's has mostly succeeded.
    """

    name = "IKE_REKEY"
    opens: ClassVar[Exchange | None] = Exchange.CREATE_CHILD_SA

    def __init__(self, sa: Association, ticket: int = 0) -> None:
        super().__init__(sa, ticket)
        self._initiating = False
        self._spi = b""
        self._nonce = b""
        self._method = 0
        self._pair: KeyPair | None = None
        self._retries = 0
        self._chosen: Proposal | None = None
        self._peer: tuple[Nonce, KeyExchange] | None = None

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        return message.exchange == Exchange.CREATE_CHILD_SA and is_ike_offer(message)

    def ready(self) -> bool:
        return self.sa.state in (IkeState.ESTABLISHED, IkeState.REKEYING)

    # As initiator

    def build_request(self, draft: Draft) -> Step:
        sa = self.sa
        proposals = sa.peer_config.ike.proposals
        self._initiating = True
        if sa.state is IkeState.ESTABLISHED:
            sa.move_to(IkeState.REKEYING)
        sa.log(Group.IKE, f"initiating IKE_SA {sa} rekeying")
        self._spi, self._nonce = _fresh_spi(sa), sa.ports.rng(NONCE_SIZE)
        self._method = self._method or first_method(proposals)
        self._pair = ke_method(self._method).generate(sa.ports.rng)
        draft.add(
            SecurityAssociation(tuple(one.with_spi(self._spi) for one in proposals)),
            Nonce(self._nonce),
            KeyExchange(self._method, self._pair.public),
        )
        return MORE

    def process_response(self, message: Message) -> Step:
        sa = self.sa
        refused = self._refusal(message)
        if refused is not None:
            return refused
        offer, nonce, exchange = _essentials(message)
        chosen = select(offer.proposals, sa.peer_config.ike.proposals).proposal
        if chosen is None or not offer.proposals[0].is_choice or exchange.method != self._method:
            log_proposals(sa, offer.proposals, sa.peer_config.ike.proposals)
            raise NoProposalChosenError("the peer chose what was not offered for the new IKE_SA")
        _check_spi(chosen)
        new = self._make(chosen, Nonces(self._nonce, nonce.data), exchange, initiator=True)
        sa.move_to(IkeState.REKEYED)
        self._hand_over(new)
        sa.finish(self.ticket, True)
        self.ticket = 0
        sa.wanted.append(IkeDelete(sa))
        return DONE

    def _refusal(self, message: Message) -> Step | None:
        errors = [one for one in message.notifies if one.is_error]
        if not errors or message.first(SecurityAssociation) is not None:
            return None
        sa, notify = self.sa, errors[0]
        name = notifies.name(notify.type)
        if self._retries >= MAX_RETRIES:
            raise RefusedError(f"received {name} notify error, IKE_SA not rekeyed")
        self._retries += 1
        wanted = int.from_bytes(notify.data, "big") if len(notify.data) == 2 else 0
        if notify.type == NotifyType.INVALID_KE_PAYLOAD and wanted in methods(sa.peer_config.ike.proposals):
            sa.log(Group.IKE, f"peer didn't accept key exchange method, it requested {method_name(wanted)}")
            self._method, delay = wanted, 0.0
        elif notify.type == NotifyType.TEMPORARY_FAILURE:
            sa.log(Group.IKE, f"received {name} notify, will retry later")
            sa.move_to(IkeState.ESTABLISHED)
            delay = RETRY_S * (0.5 + sa.chance())
        else:
            raise RefusedError(f"received {name} notify error, IKE_SA not rekeyed")
        self.not_before = sa.now + delay
        sa.wanted.append(self)
        sa.schedule(delay, Retry())
        return DONE

    # As responder

    def process_request(self, message: Message) -> Step:
        sa = self.sa
        if sa.state is not IkeState.ESTABLISHED:
            raise TemporaryFailureError(f"IKE_SA is in state {sa.state}")
        if any(child.state in _BUSY for child in sa.children.values()):
            raise TemporaryFailureError("a CHILD_SA is being made, rekeyed or deleted")
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
        self._chosen, self._peer = chosen, (nonce, exchange)
        return MORE

    def build_response(self, draft: Draft) -> Step:
        sa = self.sa
        if self._chosen is None or self._peer is None:
            raise NotPossibleError("nothing was agreed on")
        nonce, exchange = self._peer
        self._spi, self._nonce = _fresh_spi(sa), sa.ports.rng(NONCE_SIZE)
        self._pair = ke_method(exchange.method).generate(sa.ports.rng)
        new = self._make(self._chosen, Nonces(nonce.data, self._nonce), exchange, initiator=False)
        draft.add(
            SecurityAssociation((self._chosen.with_spi(self._spi),)),
            Nonce(self._nonce),
            KeyExchange(exchange.method, self._pair.public),
        )
        sa.move_to(IkeState.REKEYED)
        self._hand_over(new)
        sa.schedule(max(sa.ports.settings.half_open_timeout_s, 10.0), DropRekeyed())
        return DONE

    # Both

    def _make(
        self, proposal: Proposal, nonces: Nonces, exchange: KeyExchange, *, initiator: bool
    ) -> Association:
        """The new IKE_SA; who requested it is its initiator (RFC 7296, 2.18)."""
        sa = self.sa
        if self._pair is None:
            raise NotPossibleError("no key pair")
        shared = self._pair.shared(exchange.data)
        spi_i, spi_r = (self._spi, proposal.spi) if initiator else (proposal.spi, self._spi)
        new = Association(sa.ports, sa.ports.numbers.ike(), initiator, spi_i, spi_r, sa.local, sa.remote)
        new.keys = derive_ike_keys(proposal, shared, nonces, spi_i + spi_r, sa.ports.rng, sa.established_keys)
        new.proposal, new.config, new.handshake, new.now = proposal, sa.config, None, sa.now
        new.local_id, new.remote_id, new.auth_name = sa.local_id, sa.remote_id, sa.auth_name
        new.nat, new.peer, new.peer_certificates = sa.nat, sa.peer, sa.peer_certificates
        new.times.received = new.times.sent = sa.now
        return new

    def _hand_over(self, new: Association) -> None:
        """The CHILD_SAs, and what was wanted of the old one, go to the new one."""
        sa = self.sa
        sa.replaced_by = new.unique_id
        new.children, sa.children = sa.children, {}
        establish(new, replaces=sa.unique_id)
        sa.log(Group.IKE, f"IKE_SA {new} rekeyed between {new.between}")
        if sa.hooks is not None:
            sa.hooks.adopt(new)

    def failed(self, reason: str) -> None:
        super().failed(reason)
        self.ticket = 0
        if self._initiating and self.sa.state is IkeState.REKEYING:
            self.sa.move_to(IkeState.ESTABLISHED)


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
