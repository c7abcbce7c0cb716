"""CHILD_SAs within IKE_AUTH and by CREATE_CHILD_SA (RFC 7296, 1.2, 1.3.1, 2.9, 2.17)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.config.matching import covers, narrow, resolve
from cygnet.charon.config.records import ChildConfig
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
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.child_sa import Agreed, ChildSa
from cygnet.charon.sa.child_setup import complete
from cygnet.charon.sa.child_terms import Terms
from cygnet.charon.sa.errors import NotPossibleError, RefusedError
from cygnet.charon.sa.keymat import Nonces
from cygnet.charon.sa.marks import Marks
from cygnet.charon.sa.selector_offers import Packet, offered, single_pair, unacceptable
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.tasks.child_delete import ChildDelete
from cygnet.charon.sa.tasks.ike_init import NONCE_SIZE, log_proposals, method_name, methods, with_method
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.charon.sa.timers import Retry
from cygnet.crypto.interfaces import KeyPair
from cygnet.crypto.key_exchange import ke_method
from cygnet.crypto.proposals import Proposal, Protocol, select
from cygnet.crypto.tables import TransformType

RETRY_S, MAX_RETRIES = 10.0, 5


class ChildCreate(Task):
    """Negotiates one CHILD_SA.

    As initiator it is given a configuration, the reqid of a trap (0: none) and the ``packet`` that met it,
    from our end to theirs. As responder it finds them.
    """

    name = "CHILD_CREATE"
    opens: ClassVar[Exchange | None] = Exchange.CREATE_CHILD_SA
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
        self.child: ChildSa | None = None
        self.initiating = False
        self.marks: Marks | None = None  # those of the CHILD_SA that this one replaces
        self._terms = Terms(sa)
        self._others = False  # the peer could have asked for something else too
        self._single = False  # the peer wants one pair of addresses only
        self._retries = 0
        self._method = 0
        self._pair: KeyPair | None = None
        self._nonce = b""
        self._agreed: Agreed | None = None
        self._peer_nonce = b""
        self._peer_public: bytes | None = None

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        return (
            message.exchange == Exchange.CREATE_CHILD_SA
            and message.notify(NotifyType.REKEY_SA) is None
            and not is_ike_offer(message)
        )

    # As initiator

    def build_request(self, draft: Draft) -> Step:
        sa, config = self.sa, self.config
        if config is None:
            return DONE
        self.initiating = True
        self.child = child = sa.new_child(config, 0, self.marks)
        self._announce_start(child)
        in_auth = draft.exchange == Exchange.IKE_AUTH
        local, remote = self._own_selectors(config)
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
        self._nonce = self.sa.ports.rng(NONCE_SIZE)
        draft.add(Nonce(self._nonce))
        known = methods(config.proposals)
        if not known:
            return
        self._method = self._method or known[0]
        self._pair = ke_method(self._method).generate(self.sa.ports.rng)
        draft.add(KeyExchange(self._method, self._pair.public))

    def _own_selectors(
        self, config: ChildConfig
    ) -> tuple[tuple[TrafficSelector, ...], tuple[TrafficSelector, ...]]:
        sa = self.sa
        local = resolve(config.local_ts, sa.local.address)
        remote = resolve(config.remote_ts, sa.remote.address)
        return single_pair(local, remote, self.packet) if self._single and self.packet else (local, remote)

    def process_response(self, message: Message) -> Step:
        refusal = self._refusal(message)
        if refusal is not None:
            return self._refused(refusal)
        try:
            self._accept(message)
        except Exception:
            self._withdraw()
            raise
        return DONE

    def _refusal(self, message: Message) -> Notify | None:
        errors = [one for one in message.notifies if one.is_error]
        return errors[0] if errors and message.first(SecurityAssociation) is None else None

    def _refused(self, notify: Notify) -> Step:
        sa, name = self.sa, notifies.name(notify.type)
        if self._retries < MAX_RETRIES:
            if notify.type == NotifyType.TEMPORARY_FAILURE:
                sa.log(Group.IKE, f"received {name} notify, will retry later")
                return self._again(RETRY_S * (0.5 + sa.chance()))
            wanted = int.from_bytes(notify.data, "big") if len(notify.data) == 2 else 0
            usable = self.config is not None and wanted in methods(self.config.proposals)
            if notify.type == NotifyType.INVALID_KE_PAYLOAD and usable and wanted != self._method:
                old, self._method = method_name(self._method), wanted
                text = f"peer didn't accept key exchange method {old}, it requested {method_name(wanted)}"
                sa.log(Group.IKE, text)
                return self._again(0)
        if notify.type == NotifyType.SINGLE_PAIR_REQUIRED and self.packet and not self._single:
            sa.log(Group.IKE, f"received {name} notify, asking for the packet's pair of addresses")
            self._single = True
            return self._again(0)
        if notify.type == NotifyType.NO_ADDITIONAL_SAS:
            sa.peer.no_additional_sas = True
        reason = f"received {name} notify, no CHILD_SA built"
        if self.config is not None:
            reason += unacceptable(notify.type, *self._own_selectors(self.config))
        sa.log(Group.IKE, reason)
        self.failed(reason)
        return DONE

    def _again(self, delay_s: float) -> Step:
        """The same in a new exchange, later."""
        self._retries += 1
        self.restart()
        self.not_before = self.sa.now + delay_s
        self.sa.wanted.append(self)
        if delay_s:
            self.sa.schedule(delay_s, Retry())
        return DONE

    def _accept(self, message: Message) -> None:
        """What the responder chose must be within what we offered (RFC 7296, 2.7, 2.9)."""
        sa, config, child = self.sa, self.config, self.child
        if config is None or child is None:
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
        if not mine or not theirs or not (covers(mine, chosen_i) and covers(theirs, chosen_r)):
            text = _pair_text(ts_i.selectors, ts_r.selectors)
            raise TsUnacceptableError(f"the peer chose traffic selectors that were not offered: {text}")
        self._agreed = self._terms.agreed(proposal, mine, theirs)
        if not in_auth:
            self._take_exchange(message, proposal)
        self._complete(child, initiator=True)
        sa.finish(self.ticket, True)
        self.ticket = 0

    def _chosen(self, chosen: tuple[Proposal, ...], config: ChildConfig, in_auth: bool) -> Proposal:
        single = len(chosen) == 1 and chosen[0].is_choice and len(chosen[0].spi) == 4
        proposal = select(chosen, config.proposals, ignore_ke=in_auth).proposal if single else None
        if proposal is None:
            log_proposals(self.sa, chosen, config.proposals)
            raise NoProposalChosenError("the peer chose a proposal that was not offered")
        self.sa.log(Group.CFG, f"selected proposal: {proposal}")
        return proposal

    def _withdraw(self) -> None:
        """The peer has a CHILD_SA that we cannot use: it is deleted."""
        child = self.child
        if child is not None and child.unique_id in self.sa.children:
            self.sa.wanted.append(ChildDelete(self.sa, child.spi_octets))

    # As responder

    def process_request(self, message: Message) -> Step:
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
        if len(sa.children) >= sa.ports.settings.max_children:
            raise NoAdditionalSasError(f"{len(sa.children)} CHILD_SAs are the most that is allowed")
        found = self._terms.find(self._configs(message), message, ts_r.selectors, ts_i.selectors)
        match = found.match
        if match is None:
            text = _pair_text(ts_r.selectors, ts_i.selectors)
            sa.log(Group.IKE, f"traffic selectors {text} unacceptable")
            for reason in found.reasons[:16]:
                sa.log(Group.CFG, reason)
            raise TsUnacceptableError(f"traffic selectors {text} unacceptable")
        self.config = match.config
        proposal = self._choose(offer.proposals, match.config, message)
        self._agreed = self._terms.agreed(proposal, match.local, match.remote)
        self._others = match.others
        if not in_auth:
            self._take_exchange(message, proposal)
        return MORE

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

    def build_response(self, draft: Draft) -> Step:
        sa, config, agreed = self.sa, self.config, self._agreed
        if config is None or agreed is None:
            return DONE
        self.child = child = sa.new_child(config, 0, self.marks)
        if draft.exchange != Exchange.IKE_AUTH:
            self._nonce = sa.ports.rng(NONCE_SIZE)
        if self._peer_public is not None:
            self._pair = ke_method(self._method).generate(sa.ports.rng)
        terms = Draft(draft.exchange, draft.message_id, True)
        self._terms.answer(terms, child)
        self._agreed = self._terms.agreed(agreed.proposal, agreed.local_ts, agreed.remote_ts)
        self._complete(child, initiator=False)
        if self._others:
            terms.notify(NotifyType.ADDITIONAL_TS_POSSIBLE)
        draft.add(*terms.payloads)
        draft.add(SecurityAssociation((agreed.proposal.with_spi(child.spi_octets),)))
        if self._nonce:
            draft.add(Nonce(self._nonce))
        if self._pair is not None:
            draft.add(KeyExchange(self._method, self._pair.public))
        draft.add(TrafficSelectorsInitiator(agreed.remote_ts), TrafficSelectorsResponder(agreed.local_ts))
        return DONE

    # Both

    def _take_exchange(self, message: Message, proposal: Proposal) -> None:
        """The peer's nonce, and its KE where the chosen proposal has a method."""
        nonce, exchange = message.first(Nonce), message.first(KeyExchange)
        if nonce is None:
            raise InvalidSyntaxError("nonce is missing")
        self._peer_nonce = nonce.data
        chosen = proposal.chosen(TransformType.KE)
        if chosen is None or chosen.is_none:
            self._pair = None
            return
        if exchange is None or exchange.method != chosen.number or self._method not in (0, chosen.number):
            raise InvalidKePayloadError(f"key exchange method {chosen} is required", chosen.number)
        self._method, self._peer_public = chosen.number, exchange.data

    def _complete(self, child: ChildSa, *, initiator: bool) -> None:
        """Derive keys and install (RFC 7296, 2.17)."""
        if self._agreed is None:
            raise NotPossibleError("nothing was agreed on")
        nonces = self._nonces(initiator)
        shared = None
        if self._pair is not None and self._peer_public is not None:
            shared = self._pair.shared(self._peer_public)
        child.at_once = self.sends_at_once
        complete(self.sa, child, self._agreed, (nonces, shared), self.reqid, initiator=initiator)
        self._up(child)

    def _up(self, child: ChildSa) -> None:
        """Traffic may flow in both directions."""
        child.install_outbound(self.sa.ports.kernel)
        self.sa.child_up(child)

    def _nonces(self, initiator: bool) -> Nonces:
        if self._peer_nonce:
            pair = (self._nonce, self._peer_nonce) if initiator else (self._peer_nonce, self._nonce)
            return Nonces(*pair)
        nonces = self.sa.negotiation.nonces
        if nonces is None:
            raise NotPossibleError("no nonces")
        return nonces

    def restart(self) -> None:
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
        (one.protocol, tuple(t for t in one.transforms if t.type not in _KE_TYPES)) for one in proposals
    )
    return tuple(
        Proposal(protocol, transforms, number=number)
        for number, (protocol, transforms) in enumerate(stripped, 1)
    )


_KE_TYPES = frozenset({TransformType.KE, *range(TransformType.ADDKE1, TransformType.ADDKE7 + 1)})


def _pair_text(local: tuple[TrafficSelector, ...], remote: tuple[TrafficSelector, ...]) -> str:
    return f"{' '.join(map(str, local))} === {' '.join(map(str, remote))}"
