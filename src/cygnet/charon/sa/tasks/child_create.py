"""CHILD_SAs within IKE_AUTH and by CREATE_CHILD_SA (RFC 7296, 1.2, 1.3.1, 2.9, 2.17; RFC 9370, 2.2.4)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding import notify as notifies
from cygnet.charon.encoding.errors import (
    InvalidKePayloadError,
    InvalidSyntaxError,
    NoAdditionalSasError,
    NoProposalChosenError,
    TemporaryFailureError,
    TsUnacceptableError,
)
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import (
    KeyExchange,
    Nonce,
    Notify,
    SecurityAssociation,
    TrafficSelectorsInitiator,
    TrafficSelectorsResponder,
)
from cygnet.charon.sa import virtual_ips
from cygnet.charon.sa.address_limits import permitted
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.child_setup import complete
from cygnet.charon.sa.child_terms import Terms
from cygnet.charon.sa.errors import NotPossibleError, RefusedError
from cygnet.charon.sa.keymat import Nonces
from cygnet.charon.sa.selector_offers import Packet, offered, pair_text, single_pair, unacceptable
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.succession import stand_by
from cygnet.charon.sa.tasks.child_delete import ChildDelete
from cygnet.charon.sa.tasks.child_in_auth import ChildInAuth
from cygnet.charon.sa.tasks.childless import defers
from cygnet.charon.sa.tasks.ike_init import NONCE_SIZE, log_proposals, methods, why, with_method
from cygnet.charon.sa.tasks.refusals import proposals_refused
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step
from cygnet.crypto.proposals import Proposal, Protocol, Selection, select
from cygnet.crypto.tables import TransformType
from cygnet.crypto.transforms import KE_TYPES
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.child_sa import Agreed, ChildSa
from cygnet.keying.sa.endings import Cause
from cygnet.keying.sa.marks import Marks
from cygnet.keying.sa.matching import Selectors, covers, narrow


class ChildCreate(ChildInAuth):
    """Negotiates one CHILD_SA.

    As initiator it is given a configuration, the reqid of a trap (0: none) and the ``packet`` that met it,
    from our end to theirs. As responder it finds them.
    """

    name = "CHILD_CREATE"
    rides: ClassVar[frozenset[Exchange]] = frozenset({Exchange.IKE_AUTH})
    sends_at_once: ClassVar[bool] = True
    """Whether traffic goes out through it as soon as it is there; :meth:`_up` decides otherwise."""

    def __init__(
        self,
        sa: Association,
        config: ChildConfig | None = None,
        reqid: int = 0,
        packet: Packet | None = None,
        ticket: int = 0,
    ) -> None:
        super().__init__(sa, ticket)
        self.config = config
        self.reqid = reqid
        self.packet = packet
        self.selectors: tuple[Selectors, Selectors] | None = None  # those that an earlier one had
        self.child: ChildSa | None = None
        self.marks: Marks | None = None  # those of the CHILD_SA that this one replaces
        self._terms = Terms(sa)
        self._others = False  # the peer could have asked for something else too
        self._single = False  # the peer wants one pair of addresses only
        self._method = 0
        self._agreed: Agreed | None = None
        self._offer: tuple[Selectors, Selectors] = (), ()

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        return (
            message.exchange == Exchange.CREATE_CHILD_SA
            and message.notify(NotifyType.REKEY_SA) is None
            and not is_ike_offer(message)
        )

    def takes_part(self, exchange: int) -> bool:
        deferred = self.config is not None and defers(self.sa, exchange)
        return not deferred and super().takes_part(exchange)

    # As initiator

    def ask(self, draft: Draft) -> Step:
        sa, config = self.sa, self.config
        if config is None:
            return DONE
        if self.following:
            return self.ask_further(draft)
        self.initiating = True
        sa.early_deletes.clear()
        self.child = child = sa.new_child(config, 0, self.marks)
        self._announce_start(child)
        in_auth = draft.exchange == Exchange.IKE_AUTH
        self._offer = local, remote = self._own_selectors(config)
        self._terms = Terms(sa)
        self._terms.request(draft, child, local, remote)
        proposals = without_ke(config.proposals) if in_auth else config.proposals
        draft.add(SecurityAssociation(tuple(one.with_spi(child.spi_octets) for one in proposals)))
        if not in_auth:
            self._add_exchange(draft, config)
        draft.add(
            TrafficSelectorsInitiator(offered(local, self.packet and self.packet[0])),
            TrafficSelectorsResponder(offered(remote, self.packet and self.packet[1])),
        )
        return MORE

    def _announce_start(self, child: ChildSa) -> None:
        reqid = f" reqid {self.reqid}" if self.reqid else ""
        self.sa.log(Group.IKE, f"establishing CHILD_SA {child}{reqid}")

    def _add_exchange(self, draft: Draft, config: ChildConfig) -> None:
        """Nonce, and KE where the proposals have a method."""
        self.nonce = self.sa.ports.rng(NONCE_SIZE)
        draft.add(Nonce(self.nonce))
        known = methods(config.proposals)
        if known:
            draft.add(self.exchanges.request(self.sa.ports.rng, self._method or known[0]))

    def _own_selectors(self, config: ChildConfig) -> tuple[Selectors, Selectors]:
        local, remote = self.selectors or virtual_ips.selectors(self.sa, config)
        return single_pair(local, remote, self.packet) if self._single and self.packet else (local, remote)

    def take_answer(self, message: Message) -> Step:
        refusal = None if self.following else self._refusal(message)
        if refusal is not None:
            return self.refused(refusal)
        try:
            return self.take_further(message) if self.following else self._accept(message)
        except Exception:
            self._withdraw()
            raise

    def _refusal(self, message: Message) -> Notify | None:
        errors = [one for one in message.notifies if one.is_error]
        return errors[0] if errors and message.first(SecurityAssociation) is None else None

    def offered_methods(self) -> tuple[int, ...]:
        return methods(self.config.proposals) if self.config else ()

    def use_method(self, number: int) -> None:
        self._method = number

    def refused(self, notify: Notify) -> Step:
        """One that wants a single pair of addresses gets the packet's, once (RFC 7296, 2.9)."""
        if notify.type != NotifyType.SINGLE_PAIR_REQUIRED or not self.packet or self._single:
            return super().refused(notify)
        text = f"received {notifies.name(notify.type)} notify, asking for the packet's pair of addresses"
        self.sa.log(Group.IKE, text)
        self._single = True
        return self.again(0)

    def refused_for_good(self, notify: Notify) -> Step:
        sa, config = self.sa, self.config
        if notify.type == NotifyType.NO_ADDITIONAL_SAS:
            sa.peer.no_additional_sas = True
        reason = f"received {notifies.name(notify.type)} notify, no CHILD_SA built"
        if config is not None:
            reason += unacceptable(notify.type, *self._own_selectors(config))
            proposals_refused(sa, config.proposals, notify.type)
        sa.log(Group.IKE, reason)
        self.failed(reason)
        return DONE

    def _accept(self, message: Message) -> Step:
        """What the responder chose must be within what we offered (RFC 7296, 2.7, 2.9)."""
        config = self.config
        if config is None or self.child is None:
            raise NotPossibleError("no CHILD_SA was asked for")
        offer = message.first(SecurityAssociation)
        ts_i, ts_r = message.first(TrafficSelectorsInitiator), message.first(TrafficSelectorsResponder)
        if offer is None or ts_i is None or ts_r is None:
            raise RefusedError("the response has no CHILD_SA")
        in_auth = message.exchange == Exchange.IKE_AUTH
        proposal = self._chosen(offer.proposals, config, in_auth)
        local, remote = self._own_selectors(config)
        chosen_i, chosen_r = self._terms.response(message, ts_i.selectors, ts_r.selectors)
        mine, theirs = narrow(local, chosen_i), narrow(remote, chosen_r)
        if not mine or not theirs or not (covers(self._offer[0], chosen_i) and covers(theirs, chosen_r)):
            text = pair_text(ts_i.selectors, ts_r.selectors)
            raise TsUnacceptableError(f"the peer chose traffic selectors that were not offered: {text}")
        self._agreed = self._terms.agreed(proposal, mine, permitted(self.sa, theirs))
        if not in_auth:
            self.exchanges.agree(proposal.key_exchanges)
            self._take_nonce(message)
            if self.exchanges.next:
                self.finish_exchange(message.first(KeyExchange))
        return self.follow(message)

    def _chosen(self, chosen: tuple[Proposal, ...], config: ChildConfig, in_auth: bool) -> Proposal:
        single = len(chosen) == 1 and chosen[0].is_choice and len(chosen[0].spi) == 4
        selection = select(chosen, config.proposals, ignore_ke=in_auth) if single else Selection(None)
        if selection.proposal is None:
            log_proposals(self.sa, chosen, config.proposals)
            raise NoProposalChosenError(f"the peer chose a proposal that was not offered{why(selection)}")
        self.sa.log(Group.CFG, f"selected proposal: {selection.proposal}")
        return selection.proposal

    def _withdraw(self) -> None:
        """The peer has a CHILD_SA that we cannot use: it is deleted."""
        child = self.child
        if child is not None and child.unique_id in self.sa.children:
            self.sa.wanted.append(ChildDelete(self.sa, child.spi_octets))

    # As responder

    def consider(self, message: Message) -> Step:
        sa = self.sa
        offer = message.first(SecurityAssociation)
        if offer is None:
            return DONE
        ts_i, ts_r = message.first(TrafficSelectorsInitiator), message.first(TrafficSelectorsResponder)
        if ts_i is None or ts_r is None:
            raise InvalidSyntaxError("traffic selectors are missing")
        in_auth = message.exchange == Exchange.IKE_AUTH
        if not in_auth and sa.state is not IkeState.ESTABLISHED:
            raise TemporaryFailureError(f"IKE_SA is in state {sa.state}")
        self._check_limits()
        remote = permitted(sa, ts_i.selectors)
        found = self._terms.find(self._configs(message), message, ts_r.selectors, remote)
        match = found.match
        if match is None:
            text = pair_text(ts_r.selectors, ts_i.selectors)
            sa.log(Group.IKE, f"traffic selectors {text} unacceptable")
            for reason in found.reasons[:16]:
                sa.log(Group.CFG, reason)
            raise virtual_ips.refusal(sa) or TsUnacceptableError(f"traffic selectors {text} unacceptable")
        self.config = match.config
        proposal = self._choose(offer.proposals, match.config, message)
        self._agreed = self._terms.agreed(proposal, match.local, match.remote)
        self._others = match.others
        if not in_auth:
            self._answer_exchange(message, proposal)
        return MORE

    def _check_limits(self) -> None:
        sa = self.sa
        if len(sa.children) >= sa.ports.settings.max_children:
            raise NoAdditionalSasError(f"{len(sa.children)} CHILD_SAs are the most that is allowed")
        self.check_room()

    def _configs(self, message: Message) -> tuple[ChildConfig, ...]:
        return self.sa.peer_config.children

    def _choose(self, proposals: tuple[Proposal, ...], config: ChildConfig, message: Message) -> Proposal:
        sa, in_auth = self.sa, message.exchange == Exchange.IKE_AUTH
        usable = tuple(one for one in proposals if one.protocol != Protocol.IKE and len(one.spi) == 4)
        prefer_ours = sa.ports.settings.prefer_configured_proposals
        selection = select(usable, config.proposals, prefer_ours=prefer_ours, ignore_ke=in_auth)
        if selection.proposal is None:
            for reason in selection.reasons:
                sa.log(Group.CFG, f"{config.name}: {reason}")
            log_proposals(sa, proposals, config.proposals)
            sa.log(Group.IKE, "no acceptable proposal found")
            raise NoProposalChosenError("; ".join(selection.reasons[:4]))
        exchange = message.first(KeyExchange)
        method = exchange.method if exchange and not in_auth else 0
        proposal = with_method(selection.proposal, usable, config.proposals, method, prefer_ours)
        sa.log(Group.CFG, f"selected proposal: {proposal}")
        return proposal

    def answer_with(self, draft: Draft) -> Step:
        sa, config, agreed = self.sa, self.config, self._agreed
        if config is None or agreed is None:
            return DONE
        self.child = child = sa.new_child(config, 0, self.marks)
        if draft.exchange != Exchange.IKE_AUTH:
            self.nonce = sa.ports.rng(NONCE_SIZE)
        terms = Draft(draft.exchange, draft.message_id, True)
        self._terms.answer(terms, child)
        self._agreed = self._terms.agreed(agreed.proposal, agreed.local_ts, agreed.remote_ts)
        if not self.exchanges.next:
            self.conclude()
        if self._others:
            terms.notify(NotifyType.ADDITIONAL_TS_POSSIBLE)
        draft.add(*terms.payloads)
        draft.add(SecurityAssociation((agreed.proposal.with_spi(child.spi_octets),)))
        if self.nonce:
            draft.add(Nonce(self.nonce))
        if self.answer is not None:
            draft.add(self.answer)
        draft.add(TrafficSelectorsInitiator(agreed.remote_ts), TrafficSelectorsResponder(agreed.local_ts))
        if self.exchanges.next:
            self.suspend(draft)
        return DONE

    def _answer_exchange(self, message: Message, proposal: Proposal) -> None:
        """Our part in the key exchange, where the chosen proposal has one."""
        exchange, chosen = message.first(KeyExchange), proposal.chosen(TransformType.KE)
        self._take_nonce(message)
        self.exchanges.agree(proposal.key_exchanges)
        if chosen is None or chosen.is_none:
            return
        if exchange is None or exchange.method != chosen.number:
            raise InvalidKePayloadError(f"key exchange method {chosen} is required", chosen.number)
        self.answer = self.exchanges.answer(exchange, self.sa.ports.rng)

    # Both

    def _take_nonce(self, message: Message) -> None:
        nonce = message.first(Nonce)
        if nonce is None:
            raise InvalidSyntaxError("nonce is missing")
        self.peer_nonce = nonce.data

    def conclude(self) -> None:
        """Derive keys and install (RFC 7296, 2.17)."""
        sa, child, agreed, initiator = self.sa, self.child, self._agreed, self.initiating
        if child is None or agreed is None:
            raise NotPossibleError("nothing was agreed on")
        if initiator and agreed.proposal.spi in sa.early_deletes:
            self._deleted_early(child)
        secrets = self.exchanges.take_secrets()
        child.initiated = initiator
        nonces = self._nonces(initiator)
        complete(sa, child, agreed, (nonces, secrets), self.reqid, at_once=self.sends_at_once)
        self.complete = True
        self._up(child)
        sa.finish(self.ticket, True)
        self.ticket = 0

    def _deleted_early(self, child: ChildSa) -> None:
        """The peer's deletion overtook the response that made the CHILD_SA."""
        self.sa.close_child(child, Cause.CLOSED)
        raise RefusedError("the peer has deleted the CHILD_SA again")

    def _up(self, child: ChildSa) -> None:
        """Traffic may flow in both directions; who answered leaves it to an older one for a while."""
        sa = self.sa
        if self.initiating:
            child.install_outbound(sa.ports.kernel)
        else:
            stand_by(sa, child, sa.ports.contacts.sender(child.reqid))
        sa.child_up(child)

    def _nonces(self, initiator: bool) -> Nonces:
        if self.peer_nonce:
            pair = (self.nonce, self.peer_nonce) if initiator else (self.peer_nonce, self.nonce)
            return Nonces(*pair)
        nonces = self.sa.negotiation.nonces
        if nonces is None:
            raise NotPossibleError("no nonces")
        return nonces

    def restart(self) -> None:
        super().restart()
        child, self.child = self.child, None
        if child is not None:
            self.sa.drop_child(child)

    def failed(self, reason: str) -> None:
        if self.child is not None and self.child.unique_id in self.sa.children:
            self.sa.drop_child(self.child)
            if self.sa.state is IkeState.ESTABLISHED:
                self.sa.log(Group.IKE, "failed to establish CHILD_SA, keeping IKE_SA")
        super().failed(reason)
        self.ticket = 0


def is_ike_offer(message: Message) -> bool:
    """Whether a CREATE_CHILD_SA request is for the IKE_SA itself."""
    offer = message.first(SecurityAssociation)
    return offer is not None and bool(offer.proposals) and offer.proposals[0].protocol == Protocol.IKE


def without_ke(proposals: tuple[Proposal, ...]) -> tuple[Proposal, ...]:
    """The proposals without key exchanges, each once: within IKE_AUTH there is none (RFC 7296, 1.2)."""
    stripped = dict.fromkeys(
        (one.protocol, tuple(t for t in one.transforms if t.type not in KE_TYPES)) for one in proposals
    )
    return tuple(
        Proposal(protocol, transforms, number=number)
        for number, (protocol, transforms) in enumerate(stripped, 1)
    )
