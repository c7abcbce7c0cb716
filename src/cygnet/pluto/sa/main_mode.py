"""Main mode: the table, and what its rows do (RFC 2409, 5; RFC 3947, 3.2 and 4).

::

    I -> R  SA, V                 MI1
    I <- R  SA, V                 MR1
    I -> R  KE, Ni, NAT-D [, CR]  MI2
    I <- R  KE, Nr, NAT-D [, CR]  MR2
    I -> R  { IDii, [CERT,] HASH_I | SIG_I [, N(INITIAL_CONTACT)] }  MI3
    I <- R  { IDir, [CERT,] HASH_R | SIG_R }                         MR3
"""

from cygnet.pluto.encoding.exchanges import Exchange
from cygnet.pluto.encoding.methods import Proof
from cygnet.pluto.encoding.payloads import VendorId
from cygnet.pluto.encoding.payloads.payload import PayloadType as T
from cygnet.pluto.sa import authentication, nat_traversal, phase1
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.establish import phase1_done
from cygnet.pluto.sa.states import State
from cygnet.pluto.sa.transitions import Cover, Reply, Step, Table, Transition, Wait, payloads


def send_mi1(step: Step) -> Reply:
    """Offer."""
    sa = step.sa
    return phase1.offer(sa), *phase1.vendors(sa)


def answer_mi1(step: Step) -> Reply:
    """Choose."""
    sa = step.sa
    phase1.read_vendors(sa, step.message)
    chosen = phase1.choose(sa, step.message, aggressive=False)
    return chosen, *phase1.vendors(sa)


_BUSTING = VendorId(bytes(3000))
"""Larger than a packet, and of no meaning to anybody."""


def _busting(sa: Association, impairment: str) -> tuple[VendorId, ...]:
    return (_BUSTING,) if impairment in sa.ports.impaired else ()


def answer_mr1(step: Step) -> Reply:
    """The algorithms are agreed on: exchange keys."""
    sa = step.sa
    phase1.read_vendors(sa, step.message)
    phase1.accept(sa, step.message)
    found = *phase1.exchange(sa), *phase1.requests(sa), *nat_traversal.payloads(sa)
    return *found, *_busting(sa, "bust-mi2")


def answer_mi2(step: Step) -> Reply:
    """Exchange keys; which ones follow from them with a pre-shared key shows with MI3 only."""
    sa = step.sa
    _read_exchange(step)
    ours = phase1.exchange(sa)
    phase1.share(sa)
    phase1.check_public(sa)
    _derive(sa)
    return *ours, *phase1.requests(sa), *nat_traversal.payloads(sa), *_busting(sa, "bust-mr2")


def answer_mr2(step: Step) -> Reply:
    """Keys are there, NATs are known: say who we are, from port 4500 if there is a NAT."""
    sa = step.sa
    _read_exchange(step)
    phase1.share(sa)
    phase1.check_public(sa)
    _derive(sa)
    nat_traversal.float_ports(sa)
    return phase1.identify(sa), *authentication.prove(sa), *phase1.initial_contact(sa)


def answer_mi3(step: Step) -> Reply:
    """The initiator is who it says: say who we are."""
    sa = step.sa
    identity = phase1.read_identity(sa, step.message)
    phase1.read_requests(sa, step.message)
    phase1.authenticate(sa, step.message, identity)
    phase1.read_initial_contact(sa, step.message)
    return phase1.identify(sa), *authentication.prove(sa)


def take_mr3(step: Step) -> Reply:
    """The responder is who it says."""
    sa = step.sa
    identity = phase1.read_identity(sa, step.message)
    phase1.authenticate(sa, step.message, identity)
    phase1.read_initial_contact(sa, step.message)
    return None


def _read_exchange(step: Step) -> None:
    sa, message = step.sa, step.message
    phase1.read_exchange(sa, message)
    phase1.read_requests(sa, message)
    nat_traversal.read(sa, message)


def _derive(sa: Association) -> None:
    """The keys, as far as they can be known; a responder with pre-shared keys tries all that may be meant."""
    shake = sa.negotiation
    if not sa.agreed_method.psk:
        phase1.use_keys(sa, phase1.keys_with(sa, None))
        return
    phase1.find_secrets(sa)
    if sa.initiator:
        phase1.use_keys(sa, phase1.keys_with(sa, shake.secrets[0]))


_EXTRA = payloads(T.VID, T.N)
_NAT = payloads(T.NAT_D, T.NAT_D_DRAFT)
_LAST = payloads(T.CERT, T.CR, T.N, T.VID)
_M = Exchange.ID_PROT

MAIN_MODE: Table = (
    Transition(
        state=State.START, exchange=_M, processor=send_mi1, answers=Cover.CLEAR,
        next=State.MAIN_I1, wait=Wait.RETRANSMIT,
    ),
    Transition(
        state=State.MAIN_R0, exchange=_M, required=payloads(T.SA), optional=_EXTRA,
        processor=answer_mi1, answers=Cover.CLEAR, next=State.MAIN_R1, wait=Wait.HALF_OPEN,
    ),
    Transition(
        state=State.MAIN_I1, exchange=_M, required=payloads(T.SA), optional=_EXTRA,
        processor=answer_mr1, answers=Cover.CLEAR, next=State.MAIN_I2, wait=Wait.RETRANSMIT,
    ),
    Transition(
        state=State.MAIN_R1, exchange=_M, required=payloads(T.KE, T.NONCE), optional=_EXTRA | _NAT | {T.CR},
        processor=answer_mi2, answers=Cover.CLEAR, next=State.MAIN_R2, wait=Wait.HALF_OPEN,
    ),
    Transition(
        state=State.MAIN_I2, exchange=_M, required=payloads(T.KE, T.NONCE), optional=_EXTRA | _NAT | {T.CR},
        processor=answer_mr2, answers=Cover.ENCRYPTED, next=State.MAIN_I3, wait=Wait.RETRANSMIT,
    ),
    *(
        row
        for proof, kind in ((Proof.HASH, T.HASH), (Proof.SIGNATURE, T.SIG))
        for row in (
            Transition(
                state=State.MAIN_R2, exchange=_M, required=payloads(T.ID, kind), optional=_LAST,
                cover=Cover.ENCRYPTED, proof=proof, processor=answer_mi3, answers=Cover.ENCRYPTED,
                next=State.MAIN_R3, wait=Wait.OVER, after=phase1_done,
            ),
            Transition(
                state=State.MAIN_I3, exchange=_M, required=payloads(T.ID, kind), optional=_LAST,
                cover=Cover.ENCRYPTED, proof=proof, processor=take_mr3,
                next=State.MAIN_I4, wait=Wait.OVER, after=phase1_done,
            ),
        )
    ),
)  # fmt: skip
