"""Transaction exchanges: the table of XAUTH and mode config (draft-dukes-ike-mode-cfg-02, 3.1)."""

from cygnet.pluto.encoding.exchanges import Exchange
from cygnet.pluto.encoding.payloads import ConfigurationType as C
from cygnet.pluto.encoding.payloads.payload import PayloadType as T
from cygnet.pluto.sa import mode_config, xauth
from cygnet.pluto.sa.states import State
from cygnet.pluto.sa.transitions import Cover, Hash, Table, Transition, Wait, payloads

_T = Exchange.TRANSACTION
_ATTR = payloads(T.HASH, T.ATTR)
_SENT, _H = Cover.ENCRYPTED, Hash.HASH_1

TRANSACTION: Table = (
    # XAUTH, server
    Transition(
        state=State.START, exchange=_T, processor=xauth.ask, answers=_SENT, signs=_H,
        next=State.XAUTH_R1, wait=Wait.RETRANSMIT,
    ),
    Transition(
        state=State.XAUTH_R1, exchange=_T, required=_ATTR, cover=_SENT, kind=C.REPLY, checks=_H,
        processor=xauth.check, next=State.XAUTH_R1, wait=Wait.OVER,
    ),
    Transition(
        state=State.START, exchange=_T, processor=xauth.tell, answers=_SENT, signs=_H,
        next=State.XAUTH_R2, wait=Wait.RETRANSMIT,
    ),
    Transition(
        state=State.XAUTH_R2, exchange=_T, required=_ATTR, cover=_SENT, kind=C.ACK, checks=_H,
        processor=mode_config.acknowledged, next=State.XAUTH_R3, wait=Wait.OVER, after=xauth.told,
    ),
    # XAUTH, client
    Transition(
        state=State.XAUTH_I0, exchange=_T, required=_ATTR, cover=_SENT, kind=C.REQUEST, checks=_H,
        processor=xauth.answer, answers=_SENT, signs=_H, next=State.XAUTH_I1, wait=Wait.OVER,
    ),
    Transition(
        state=State.XAUTH_I0, exchange=_T, required=_ATTR, cover=_SENT, kind=C.SET, checks=_H,
        processor=xauth.hear, answers=_SENT, signs=_H, next=State.XAUTH_I2, wait=Wait.OVER,
        after=xauth.heard,
    ),
    # Mode config, client pulls
    Transition(
        state=State.START, exchange=_T, processor=mode_config.ask, answers=_SENT, signs=_H,
        next=State.MODE_CFG_I1, wait=Wait.RETRANSMIT,
    ),
    Transition(
        state=State.MODE_CFG_R0, exchange=_T, required=_ATTR, cover=_SENT, kind=C.REQUEST, checks=_H,
        processor=mode_config.answer, answers=_SENT, signs=_H, next=State.MODE_CFG_R1, wait=Wait.OVER,
    ),
    Transition(
        state=State.MODE_CFG_I1, exchange=_T, required=_ATTR, cover=_SENT, kind=C.REPLY, checks=_H,
        processor=mode_config.take, next=State.MODE_CFG_I2, wait=Wait.OVER, after=mode_config.ready,
    ),
    # Mode config, server pushes
    Transition(
        state=State.START, exchange=_T, processor=mode_config.push, answers=_SENT, signs=_H,
        next=State.MODE_CFG_R3, wait=Wait.RETRANSMIT,
    ),
    Transition(
        state=State.MODE_CFG_I0, exchange=_T, required=_ATTR, cover=_SENT, kind=C.SET, checks=_H,
        processor=mode_config.take_pushed, answers=_SENT, signs=_H, next=State.MODE_CFG_I3, wait=Wait.OVER,
        after=mode_config.ready,
    ),
    Transition(
        state=State.MODE_CFG_R3, exchange=_T, required=_ATTR, cover=_SENT, kind=C.ACK, checks=_H,
        processor=mode_config.acknowledged, next=State.MODE_CFG_R4, wait=Wait.OVER, after=mode_config.ready,
    ),
)  # fmt: skip
