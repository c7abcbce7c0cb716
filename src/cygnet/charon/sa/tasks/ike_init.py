"""IKE_SA_INIT: proposals, key exchange, nonces (RFC 7296, 1.2, 2.6, 2.7, 2.10, 2.14)."""

from dataclasses import replace
from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding import notify as notifies
from cygnet.charon.encoding.errors import (
    InvalidKePayloadError,
    InvalidSyntaxError,
    NoProposalChosenError,
)
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import KeyExchange, Nonce, Notify, SecurityAssociation
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.errors import NotPossibleError, RefusedError
from cygnet.charon.sa.key_exchanges import method_name
from cygnet.charon.sa.keymat import Nonces, derive_ike_keys
from cygnet.charon.sa.saved_keys import save_ike_keys
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.tasks.refusals import proposals_refused
from cygnet.charon.sa.tasks.task import AGAIN, DONE, MORE, Draft, Step, Task
from cygnet.crypto.proposals import Proposal, Selection, select
from cygnet.crypto.signatures import SUPPORTED_HASHES
from cygnet.crypto.tables import TransformType
from cygnet.keying.config.records import PeerConfig

NONCE_SIZE = 32
MAX_COOKIE = 64
_HASHES = b"".join(int(one).to_bytes(2, "big") for one in SUPPORTED_HASHES)


class IkeInit(Task):
    """Agrees on the IKE_SA's algorithms and derives its keys."""

    name = "IKE_INIT"
    opens: ClassVar[Exchange | None] = Exchange.IKE_SA_INIT
    vital = True
    _answer: KeyExchange | None = None

    # As initiator

    def build_request(self, draft: Draft) -> Step:
        sa = self.sa
        handshake, config = sa.negotiation, sa.peer_config
        if sa.state is IkeState.CREATED:
            sa.move_to(IkeState.CONNECTING)
        if not handshake.retries:
            sa.log(Group.IKE, f"initiating IKE_SA {sa} to {sa.remote}")
        if not handshake.nonce:
            handshake.nonce = sa.ports.rng(NONCE_SIZE)
        if handshake.cookie:
            draft.notify(NotifyType.COOKIE, handshake.cookie)
        method = handshake.ke_method or first_method(config.ike.proposals)
        draft.add(
            SecurityAssociation(config.ike.proposals),
            handshake.exchanges.request(sa.ports.rng, method),
            Nonce(handshake.nonce),
        )
        self._add_extensions(draft, config.ike.fragmentation, True)
        if any(one.has_additional for one in config.ike.proposals):
            draft.notify(NotifyType.INTERMEDIATE_EXCHANGE_SUPPORTED)
        return MORE

    def process_response(self, message: Message) -> Step:
        sa = self.sa
        handshake = sa.negotiation
        for notify in message.notifies:
            if notify.type == NotifyType.COOKIE and 0 < len(notify.data) <= MAX_COOKIE:
                handshake.cookie = notify.data
                return self._again("retrying with the cookie the peer demands")
            if notify.type == NotifyType.INVALID_KE_PAYLOAD:
                return self._other_method(notify)
            if notify.is_error:
                proposals_refused(sa, sa.peer_config.ike.proposals, notify.type)
                raise RefusedError(f"received {notifies.name(notify.type)} notify error")
        self._read_extensions(message)
        chosen, exchange, nonce = _essentials(message)
        sa.proposal = self._accept(chosen.proposals)
        sa.spi_r = message.spi_r
        handshake.exchanges.agree(sa.proposal.key_exchanges)
        handshake.exchanges.finish(exchange)
        handshake.nonces = Nonces(handshake.nonce, nonce.data)
        self._derive()
        return DONE

    def _again(self, reason: str) -> Step:
        handshake = self.sa.negotiation
        handshake.retries += 1
        if handshake.retries > self.sa.ports.settings.max_init_retries:
            raise RefusedError(f"giving up after {handshake.retries} changes to the first message")
        self.sa.log(Group.IKE, reason)
        return AGAIN

    def _other_method(self, notify: Notify) -> Step:
        """The peer wants another key exchange method: only one that we proposed (RFC 7296, 1.2)."""
        handshake = self.sa.negotiation
        wanted = int.from_bytes(notify.data, "big") if len(notify.data) == 2 else 0
        used, offered = handshake.exchanges.requested, methods(self.sa.peer_config.ike.proposals)
        if wanted == used or wanted not in offered:
            raise RefusedError(
                f"received INVALID_KE_PAYLOAD notify error, it requests method {wanted},"
                f" offered were {'/'.join(map(method_name, offered))}"
            )
        handshake.ke_method = wanted
        text = f"peer didn't accept key exchange method {method_name(used)}"
        return self._again(f"{text}, it requested {method_name(wanted)}")

    def _accept(self, chosen: tuple[Proposal, ...]) -> Proposal:
        """The responder's choice, which must be one of ours (RFC 7296, 2.7)."""
        ours = self.sa.peer_config.ike.proposals
        if not self.sa.negotiation.intermediate:
            ours = without_additional(ours)
        selection = select(chosen, ours) if len(chosen) == 1 and chosen[0].is_choice else Selection(None)
        if selection.proposal is None:
            log_proposals(self.sa, chosen, ours)
            raise NoProposalChosenError(f"the peer chose a proposal that was not offered{why(selection)}")
        self.sa.log(Group.CFG, f"selected proposal: {selection.proposal}")
        return selection.proposal

    # As responder

    def process_request(self, message: Message) -> Step:
        sa = self.sa
        handshake = sa.negotiation
        sa.log(Group.IKE, f"{sa.remote} is initiating an IKE_SA")
        sa.move_to(IkeState.CONNECTING)
        candidates = tuple(one.config for one in sa.ports.configs.candidates(sa.local, sa.remote))
        if not candidates:
            sa.log(Group.IKE, f"no IKE config found for {sa.local}...{sa.remote}, sending NO_PROPOSAL_CHOSEN")
            raise NoProposalChosenError(f"no connection is configured for {sa.local}...{sa.remote}")
        self._read_extensions(message)
        offer, exchange, nonce = _essentials(message)
        offered = offer.proposals if handshake.intermediate else without_additional(offer.proposals)
        sa.proposal = self._choose(offered, candidates, exchange.method)
        wanted = sa.proposal.chosen(TransformType.KE)
        if wanted is None or wanted.number != exchange.method:
            number = wanted.number if wanted else 0
            text = f"{method_name(exchange.method)} unacceptable, requesting {method_name(number)}"
            sa.log(Group.IKE, f"key exchange method {text}")
            raise InvalidKePayloadError(text, number)
        handshake.nonce = sa.ports.rng(NONCE_SIZE)
        handshake.exchanges.agree(sa.proposal.key_exchanges)
        self._answer = handshake.exchanges.answer(exchange, sa.ports.rng)
        handshake.nonces = Nonces(nonce.data, handshake.nonce)
        return MORE

    def _choose(
        self, offered: tuple[Proposal, ...], candidates: tuple[PeerConfig, ...], method: int
    ) -> Proposal:
        """The first connection with a common proposal; later ones that could use it stay candidates.

        Among several common proposals one with the key exchange method the peer already used comes first,
        where the connection has it: that saves a round trip.
        """
        sa, prefer_ours = self.sa, self.sa.ports.settings.prefer_configured_proposals
        reasons: list[str] = []
        for place, config in enumerate(candidates):
            selection = select(offered, config.ike.proposals, prefer_ours=prefer_ours)
            if selection.proposal is not None:
                proposal = with_method(selection.proposal, offered, config.ike.proposals, method, prefer_ours)
                others = candidates[place + 1 :]
                fit = (one for one in others if select((proposal,), one.ike.proposals).proposal)
                sa.negotiation.candidates = (config, *fit)
                sa.log(Group.CFG, f"selected proposal: {proposal}")
                return proposal
            reasons += [f"{config.name}: {reason}" for reason in selection.reasons]
        for reason in reasons[:16]:
            sa.log(Group.CFG, reason)
        log_proposals(sa, offered, candidates[0].ike.proposals)
        sa.log(Group.IKE, "received proposals unacceptable")
        raise NoProposalChosenError("; ".join(reasons[:4]))

    def build_response(self, draft: Draft) -> Step:
        sa = self.sa
        handshake = sa.negotiation
        if sa.proposal is None or self._answer is None:
            raise NotPossibleError("nothing was agreed on")
        draft.add(SecurityAssociation((sa.proposal,)), self._answer, Nonce(handshake.nonce))
        fragmentation = sa.peer.fragmentation and any(one.ike.fragmentation for one in handshake.candidates)
        sa.peer.fragmentation = fragmentation
        self._add_extensions(draft, fragmentation, handshake.peer_hashes is not None)
        if handshake.exchanges.next:
            draft.notify(NotifyType.INTERMEDIATE_EXCHANGE_SUPPORTED)
        self._derive()
        return DONE

    # Both

    def _derive(self) -> None:
        sa = self.sa
        handshake = sa.negotiation
        secrets = handshake.exchanges.take_secrets()
        if sa.proposal is None or not secrets or handshake.nonces is None:
            raise NotPossibleError("nothing was agreed on")
        spis = sa.spi_i + sa.spi_r
        sa.keys = derive_ike_keys(sa.proposal, secrets, handshake.nonces, spis, sa.ports.rng)
        save_ike_keys(sa)

    def _add_extensions(self, draft: Draft, fragmentation: bool, signatures: bool) -> None:
        if fragmentation:
            draft.notify(NotifyType.IKEV2_FRAGMENTATION_SUPPORTED)
        if signatures and self.sa.ports.settings.signature_authentication:
            draft.notify(NotifyType.SIGNATURE_HASH_ALGORITHMS, _HASHES)

    def _read_extensions(self, message: Message) -> None:
        sa = self.sa
        for notify in message.notifies:
            if notify.type == NotifyType.INTERMEDIATE_EXCHANGE_SUPPORTED:
                sa.negotiation.intermediate = True
            elif notify.type == NotifyType.IKEV2_FRAGMENTATION_SUPPORTED:
                sa.peer.fragmentation = sa.config is None or sa.config.ike.fragmentation
            elif notify.type == NotifyType.SIGNATURE_HASH_ALGORITHMS:
                data = notify.data
                found = (int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data) - 1, 2))
                if sa.ports.settings.signature_authentication:
                    sa.negotiation.peer_hashes = frozenset(found)


def first_method(proposals: tuple[Proposal, ...]) -> int:
    """The key exchange method we like best."""
    found = methods(proposals)
    if not found:
        raise NotPossibleError("no key exchange method is configured")
    return found[0]


def methods(proposals: tuple[Proposal, ...]) -> tuple[int, ...]:
    """All key exchange methods of some proposals, in order, without NONE."""
    numbers = (one.number for proposal in proposals for one in proposal.of_type(TransformType.KE))
    return tuple(dict.fromkeys(number for number in numbers if number))


def without_additional(proposals: tuple[Proposal, ...]) -> tuple[Proposal, ...]:
    """Those that can be had without IKE_INTERMEDIATE; the others are skipped (RFC 9370, 2.2.1)."""
    return tuple([one for one in proposals if not one.has_additional])


def why(selection: Selection) -> str:
    """The first reason of a selection that found nothing, to append to a sentence."""
    return f": {selection.reasons[0]}" if selection.reasons else ""


def log_proposals(sa: Association, received: tuple[Proposal, ...], ours: tuple[Proposal, ...]) -> None:
    """What was to be matched, as charon words it."""
    sa.log(Group.CFG, f"received proposals: {', '.join(map(str, received[:8]))}")
    sa.log(Group.CFG, f"configured proposals: {', '.join(map(str, ours[:8]))}")


def with_method(
    chosen: Proposal,
    offered: tuple[Proposal, ...],
    ours: tuple[Proposal, ...],
    method: int,
    prefer_ours: bool,
) -> Proposal:
    """``chosen``, or what would have been had the peer offered only the key exchange method it used."""
    wanted = chosen.chosen(TransformType.KE)
    if not method or wanted is None or wanted.number == method:
        return chosen
    reduced = tuple(
        replace(
            one,
            transforms=tuple(t for t in one.transforms if t.type != TransformType.KE or t.number == method),
        )
        for one in offered
    )
    usable = tuple(one for one in reduced if one.of_type(TransformType.KE))
    return (select(usable, ours, prefer_ours=prefer_ours).proposal if usable else None) or chosen


def _essentials(message: Message) -> tuple[SecurityAssociation, KeyExchange, Nonce]:
    """SA, KE and nonce, which both messages must have."""
    offer, exchange, nonce = (
        message.first(SecurityAssociation),
        message.first(KeyExchange),
        message.first(Nonce),
    )
    if offer is None or exchange is None or nonce is None:
        raise InvalidSyntaxError("SA, KE or nonce is missing")
    return offer, exchange, nonce
