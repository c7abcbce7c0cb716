"""Aggressive mode: the table, and what its rows do (RFC 2409, 5; RFC 3947, 3.2 and 4).

::

    I -> R  SA, KE, Ni, IDii [, CR], V                                AI1
    I <- R  SA, KE, Nr, IDir, [CERT,] HASH_R | SIG_R, V, NAT-D [, CR] AR1
    I -> R  { [CERT,] HASH_I | SIG_I, NAT-D [, N(INITIAL_CONTACT)] }  AI2

With a pre-shared key HASH_R goes out in the clear, to whoever asks: it can be used to guess the secret at
leisure. So that takes an explicit yes (``DaemonSettings.aggressive_psk``).
"""

from cygnet.base.groups import Group
from cygnet.pluto.config.records import PSK_METHODS
from cygnet.pluto.encoding.errors import NoProposalChosenError
from cygnet.pluto.encoding.exchanges import Exchange
from cygnet.pluto.encoding.methods import Proof
from cygnet.pluto.encoding.payloads.payload import PayloadType as T
from cygnet.pluto.sa import authentication, nat_traversal, phase1
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.errors import NotPossibleError
from cygnet.pluto.sa.establish import phase1_done
from cygnet.pluto.sa.states import State
from cygnet.pluto.sa.transitions import Cover, Reply, Step, Table, Transition, Wait, payloads

REFUSAL = (
    "Aggressive Mode PSK disabled for security reasons: whoever asks gets a hash of the secret, and can guess"
    " it at leisure (i_dont_care_about_security_and_use_aggressive_mode_psk allows it)"
)


def send_ai1(step: Step) -> Reply:
    """Offer, with key exchange and identity in the clear."""
    sa = step.sa
    if sa.peer_config.method in PSK_METHODS and not sa.ports.settings.aggressive_psk:
        raise NotPossibleError(REFUSAL)
    offered = phase1.offer(sa, one_group=True)
    return (
        offered, *phase1.exchange(sa), phase1.identify(sa), *phase1.requests(sa), *phase1.vendors(sa)
    )  # fmt: skip


def answer_ai1(step: Step) -> Reply:
    """Choose, and prove who we are."""
    sa, message = step.sa, step.message
    phase1.read_vendors(sa, message)
    chosen = phase1.choose(sa, message, aggressive=True)
    if sa.agreed_method.psk and not sa.ports.settings.aggressive_psk:
        raise NoProposalChosenError(REFUSAL)
    phase1.read_exchange(sa, message)
    phase1.read_requests(sa, message)
    phase1.read_identity(sa, message)
    ours = phase1.exchange(sa)
    _derive(sa)
    return (
        chosen, *ours, phase1.identify(sa), *authentication.prove(sa), *phase1.requests(sa),
        *phase1.vendors(sa), *nat_traversal.payloads(sa),
    )  # fmt: skip


def answer_ar1(step: Step) -> Reply:
    """The responder is who it says: prove who we are."""
    sa, message = step.sa, step.message
    phase1.read_vendors(sa, message)
    phase1.accept(sa, message)
    phase1.read_exchange(sa, message)
    phase1.read_requests(sa, message)
    identity = phase1.read_identity(sa, message)
    _derive(sa)
    nat_traversal.read(sa, message)
    phase1.authenticate(sa, message, identity)
    nat_traversal.float_ports(sa)
    return *authentication.prove(sa), *nat_traversal.payloads(sa), *phase1.initial_contact(sa)


def take_ai2(step: Step) -> Reply:
    """The initiator is who it says."""
    sa, message = step.sa, step.message
    identity = sa.negotiation.peer_identity
    if identity is None:
        raise RuntimeError("AI1 has an identity")
    nat_traversal.read(sa, message)
    phase1.authenticate(sa, message, identity)
    phase1.read_initial_contact(sa, message)
    return None


def _derive(sa: Association) -> None:
    phase1.share(sa)
    phase1.check_public(sa)
    if not sa.agreed_method.psk:
        phase1.use_keys(sa, phase1.keys_with(sa, None))
        return
    phase1.find_secrets(sa)
    sa.log(Group.IKE, "using a pre-shared key in aggressive mode, which lets others guess it")
    phase1.use_keys(sa, phase1.keys_with(sa, sa.negotiation.secrets[0]))


_FIRST = payloads(T.SA, T.KE, T.NONCE, T.ID)
_EXTRA = payloads(T.VID, T.N, T.CR)
_NAT = payloads(T.NAT_D, T.NAT_D_DRAFT)
_A = Exchange.AGGRESSIVE

AGGRESSIVE_MODE: Table = (
    Transition(
        state=State.START, exchange=_A, processor=send_ai1, answers=Cover.CLEAR,
        next=State.AGGR_I1, wait=Wait.RETRANSMIT,
    ),
    Transition(
        state=State.AGGR_R0, exchange=_A, required=_FIRST, optional=_EXTRA,
        processor=answer_ai1, answers=Cover.CLEAR, next=State.AGGR_R1, wait=Wait.HALF_OPEN,
    ),
    *(
        row
        for proof, kind in ((Proof.HASH, T.HASH), (Proof.SIGNATURE, T.SIG))
        for row in (
            Transition(
                state=State.AGGR_I1, exchange=_A, required=_FIRST | {kind}, optional=_EXTRA | _NAT | {T.CERT},
                proof=proof, processor=answer_ar1, answers=Cover.ENCRYPTED,
                next=State.AGGR_I2, wait=Wait.OVER, after=phase1_done,
            ),
            Transition(
                state=State.AGGR_R1, exchange=_A, required=payloads(kind), optional=_EXTRA | _NAT | {T.CERT},
                cover=Cover.EITHER, proof=proof, processor=take_ai2,
                next=State.AGGR_R2, wait=Wait.OVER, after=phase1_done,
            ),
        )
    ),
)  # fmt: skip
