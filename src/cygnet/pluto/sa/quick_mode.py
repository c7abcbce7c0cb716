"""Quick mode: the table, and what its rows do (RFC 2409, 5.5; RFC 2407, 4.6; RFC 3947, 5).

::

    I -> R  { HASH(1), SA, Ni [, KE] [, IDci, IDcr] [, NAT-OAi, NAT-OAr] }  QI1
    I <- R  { HASH(2), SA, Nr [, KE] [, IDci, IDcr] [, NAT-OAi, NAT-OAr] [, N(RESPONDER_LIFETIME)] }  QR1
    I -> R  { HASH(3) }                                                     QI2

The commit bit (RFC 2408, 3.1) is never set by us, and ignored: with it the initiator would wait for a
CONNECTED notification, which would only delay what QI2 tells anyway.
"""

from contextlib import suppress

from cygnet.base.groups import Group
from cygnet.crypto.errors import InvalidKeError
from cygnet.crypto.key_exchange import ke_method
from cygnet.crypto.proposals import select
from cygnet.crypto.tables import TransformType
from cygnet.kernel.port import IpProtocol
from cygnet.pluto.encoding import phase2_offers
from cygnet.pluto.encoding.errors import (
    BadProposalSyntaxError,
    InvalidIdInformationError,
    InvalidKeyInformationError,
    NoProposalChosenError,
)
from cygnet.pluto.encoding.exchanges import Exchange
from cygnet.pluto.encoding.message import Message
from cygnet.pluto.encoding.notify import NotifyType
from cygnet.pluto.encoding.payloads import (
    KeyExchange,
    Nonce,
    Notification,
    Payload,
    SecurityAssociation,
)
from cygnet.pluto.encoding.payloads.payload import PayloadType as T
from cygnet.pluto.encoding.phase2_offers import Life, Phase2Terms, Wish, life_of
from cygnet.pluto.sa import compression, lifetimes, quick_install, quick_modes, quick_selectors
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.errors import NotPossibleError
from cygnet.pluto.sa.phase1 import NONCE_SIZE, needed
from cygnet.pluto.sa.quick_context import QuickMode
from cygnet.pluto.sa.states import State
from cygnet.pluto.sa.transitions import Cover, Hash, Reply, Step, Table, Transition, Wait, payloads


def send_qi1(step: Step) -> Reply:
    """Offer; raises ``LocalError``."""
    sa, quick = step.sa, step.conversation.context
    check_path(sa, quick.config.protocol)
    quick.child = child = sa.new_child(quick.config)
    sa.making.setdefault(quick.pair, quick)
    quick.group = quick_group(quick)
    quick.life = lifetimes.offered(quick.config)
    wish = Wish(quick_modes.wire(sa, quick.config.mode), quick.life, quick.group)
    try:
        squeezed = compression.propose(sa, child)
        quick.offered = phase2_offers.offer(quick.proposals, wish, child.spi_octets, squeezed)
        quick.identities = quick_selectors.payloads_of(quick)
    except ValueError as error:
        raise NotPossibleError(str(error)) from None
    quick.own_nonce = sa.ports.rng(NONCE_SIZE)
    return (
        quick.offered, Nonce(quick.own_nonce), *_generate(sa, quick), *quick.identities,
        *quick_modes.originals(sa, quick),
    )  # fmt: skip


def answer_qi1(step: Step) -> Reply:
    """Choose, make the IPsec SA and listen; raises ``PeerError`` and ``LocalError``."""
    sa, message = step.sa, step.message
    terms, reasons = phase2_offers.read(needed(message, SecurityAssociation))
    found = quick_selectors.find(sa, message, terms)
    check_path(sa, found.config.protocol)
    if len(sa.children) >= sa.ports.settings.max_children:
        raise NoProposalChosenError(f"{len(sa.children)} CHILD_SAs are enough")
    quick = step.conversation.context = found
    chosen = _choose(sa, quick, terms, reasons)
    quick.peer_nonce, quick.own_nonce = needed(message, Nonce).data, sa.ports.rng(NONCE_SIZE)
    public = _answer_exchange(sa, quick, message)
    quick.child = child = sa.new_child(quick.config)
    if quick.compression is not None and not compression.allocate(sa, child):
        quick.compression, chosen = None, _choose_plain(sa, quick, terms, reasons)
    quick.life = lifetimes.lesser(lifetimes.offered(quick.config), chosen.life)
    quick.replaces = quick_install.predecessor(sa, quick)
    mode = quick_modes.mode_of(chosen.encapsulation)
    quick_install.install(sa, quick, chosen.proposal, mode)
    return (
        chosen.answer(child.spi_octets, compression.answer(child, chosen, quick.compression)),
        Nonce(quick.own_nonce), *public, *quick.identities,
        *quick_modes.originals(sa, quick), *_responder_lifetime(quick, chosen),
    )  # fmt: skip


def take_qr1(step: Step) -> Reply:
    """The responder has chosen: install both directions, and say that we are there."""
    sa, message, quick = step.sa, step.message, step.conversation.context
    chosen = _accept(quick, needed(message, SecurityAssociation))
    if not quick_selectors.is_answered(sa, quick, message):
        raise InvalidIdInformationError("the responder changed the traffic selectors, which IKEv1 forbids")
    quick.peer_nonce = needed(message, Nonce).data
    quick.compression = compression.accepted(chosen, quick.offered)
    if quick.made.cpi_in and quick.compression is None:
        sa.log(Group.IKE, "peer didn't accept our proposed IPComp transforms, IPComp is disabled")
    _take_exchange(quick, message)
    quick.life = lifetimes.lesser(quick.life, _told_lifetime(message, chosen))
    mode = quick_modes.mode_of(chosen.encapsulation)
    quick_modes.read_originals(sa, quick, message)
    quick_install.install(sa, quick, chosen.proposal, mode)
    return ()


def take_qi2(step: Step) -> Reply:
    """The initiator is there."""
    return None


def installed(step: Step) -> None:
    """From now on traffic goes out through it."""
    quick_install.use(step.sa, step.conversation.context)


def quick_group(quick: QuickMode) -> int:
    """The group of perfect forward secrecy: one for all transforms (RFC 2409, 5.5), 0 without."""
    for proposal in quick.proposals:
        chosen = proposal.chosen(TransformType.KE)
        return chosen.number if chosen else 0
    return 0


def check_path(sa: Association, protocol: IpProtocol) -> None:
    """AH covers the addresses that a NAT changes (RFC 3715, 2.1)."""
    if protocol is IpProtocol.AH and sa.nat.any:
        raise NotPossibleError("AH cannot pass a NAT: use esp= instead of ah=")


def _generate(sa: Association, quick: QuickMode) -> tuple[Payload, ...]:
    if not quick.group:
        return ()
    quick.key_pair = ke_method(quick.group).generate(sa.ports.rng)
    return (KeyExchange(quick.key_pair.public),)


def _choose(
    sa: Association, quick: QuickMode, terms: tuple[Phase2Terms, ...], reasons: tuple[str, ...]
) -> Phase2Terms:
    """With IPComp if both sides want it, else without; raises ``PeerError``."""
    with_it = dict(compression.usable(sa, terms)) if quick.config.compress else {}
    if with_it:
        with suppress(NoProposalChosenError):
            chosen = _select(sa, quick, tuple(with_it), reasons)
            quick.compression = with_it[chosen]
            return chosen
    return _choose_plain(sa, quick, terms, reasons)


def _choose_plain(
    sa: Association, quick: QuickMode, terms: tuple[Phase2Terms, ...], reasons: tuple[str, ...]
) -> Phase2Terms:
    """Protocols of one number go together (RFC 2408, 4.2): who does not compress needs one without."""
    plain = tuple(one for one in terms if one.compression is None)
    if terms and not plain:
        reasons = (*reasons, "peer insists on IPComp")
    return _select(sa, quick, plain, reasons)


def _select(
    sa: Association, quick: QuickMode, terms: tuple[Phase2Terms, ...], reasons: tuple[str, ...]
) -> Phase2Terms:
    fitting = [one for one in terms if quick_modes.mode_of(one.encapsulation) is quick.config.mode]
    if not fitting:
        wanted = "; ".join(reasons) or f"peer does not offer {quick.config.mode.value.lower()} mode"
        raise NoProposalChosenError(f"{quick.config.name}: {wanted}")
    prefer = sa.ports.settings.prefer_configured_proposals
    selection = select([one.proposal for one in fitting], quick.proposals, prefer_ours=prefer)
    if selection.proposal is None:
        raise NoProposalChosenError(f"{quick.config.name}: " + "; ".join((*reasons, *selection.reasons)))
    return next(one for one in fitting if one.proposal.number == selection.proposal.number)


def _answer_exchange(sa: Association, quick: QuickMode, message: Message) -> tuple[Payload, ...]:
    if not quick.group:
        return ()
    try:
        public, quick.shared = ke_method(quick.group).answer(needed(message, KeyExchange).data, sa.ports.rng)
    except InvalidKeError as error:
        raise InvalidKeyInformationError(str(error)) from None
    return (KeyExchange(public),)


def _take_exchange(quick: QuickMode, message: Message) -> None:
    if quick.key_pair is None:
        return
    try:
        quick.shared = quick.key_pair.shared(needed(message, KeyExchange).data)
    except InvalidKeError as error:
        raise InvalidKeyInformationError(str(error)) from None


def _accept(quick: QuickMode, answer: SecurityAssociation) -> Phase2Terms:
    """The responder's choice must be one of our offers (RFC 2409, 5), perhaps with a shorter lifetime."""
    terms, reasons = phase2_offers.read(answer)
    if reasons or not _is_single(answer, terms):
        shown = ", ".join(f"{one.number}:{one.protocol}*{len(one.transforms)}" for one in answer.proposals)
        raise BadProposalSyntaxError(f"not exactly one transform chosen ({'; '.join(reasons) or shown})")
    chosen = terms[0].transform
    offered = quick.offered.proposals[0].transforms if quick.offered else ()
    wanted = (chosen.id, phase2_offers.algorithms_of(chosen))
    if not any((one.id, phase2_offers.algorithms_of(one)) == wanted for one in offered):
        raise BadProposalSyntaxError("the peer chose what we did not offer")
    return terms[0]


def _is_single(answer: SecurityAssociation, terms: tuple[Phase2Terms, ...]) -> bool:
    """Whether one transform of each protocol was chosen.

    strongSwan says the one of ESP a second time without IPComp, in a proposal behind: it means the first.
    """
    if not terms or any(len(one.transforms) != 1 for one in answer.proposals):
        return False
    first, *others = terms
    same = (first.transform.id, phase2_offers.algorithms_of(first.transform), first.source.spi)
    return all(
        first.compression is not None
        and one.compression is None
        and (one.transform.id, phase2_offers.algorithms_of(one.transform), one.source.spi) == same
        for one in others
    )


def _responder_lifetime(quick: QuickMode, chosen: Phase2Terms) -> tuple[Payload, ...]:
    """Tell that ours is shorter than what was offered (RFC 2407, 4.6.3.1)."""
    if quick.life == chosen.life:
        return ()
    data = phase2_offers.build_lifetime(quick.life)
    spi = quick.made.spi_octets
    return (Notification(NotifyType.RESPONDER_LIFETIME, data, int(chosen.source.protocol), spi),)


def _told_lifetime(message: Message, chosen: Phase2Terms) -> Life:
    told = message.notify(NotifyType.RESPONDER_LIFETIME)
    return chosen.life if told is None else life_of(phase2_offers.read_lifetime(told.data), chosen.life)


_SELECTORS = payloads(T.KE, T.ID, T.N, T.NAT_OA, T.NAT_OA_DRAFT, T.VID)
_Q = Exchange.QUICK_MODE

QUICK_MODE: Table = (
    Transition(
        state=State.START, exchange=_Q, processor=send_qi1, answers=Cover.ENCRYPTED, signs=Hash.HASH_1,
        next=State.QUICK_I1, wait=Wait.RETRANSMIT,
    ),
    Transition(
        state=State.QUICK_R0, exchange=_Q, required=payloads(T.HASH, T.SA, T.NONCE), optional=_SELECTORS,
        cover=Cover.ENCRYPTED, checks=Hash.HASH_1, processor=answer_qi1,
        answers=Cover.ENCRYPTED, signs=Hash.HASH_2, next=State.QUICK_R1, wait=Wait.RETRANSMIT,
    ),
    Transition(
        state=State.QUICK_I1, exchange=_Q, required=payloads(T.HASH, T.SA, T.NONCE), optional=_SELECTORS,
        cover=Cover.ENCRYPTED, checks=Hash.HASH_2, processor=take_qr1,
        answers=Cover.ENCRYPTED, signs=Hash.HASH_3, next=State.QUICK_I2, wait=Wait.OVER, after=installed,
    ),
    Transition(
        state=State.QUICK_R1, exchange=_Q, required=payloads(T.HASH), optional=payloads(T.N, T.VID),
        cover=Cover.ENCRYPTED, checks=Hash.HASH_3, processor=take_qi2,
        next=State.QUICK_R2, wait=Wait.OVER, after=installed,
    ),
)  # fmt: skip
