"""Informational exchanges: the table, and what its rows do (RFC 2409, 5.7; RFC 3706).

::

    { HASH(1), N | D }   authentic
    N | D                in the clear, from anybody: of use as a hint only
"""

from cygnet.base.errors import PeerError
from cygnet.base.groups import Group
from cygnet.crypto.proposals import Protocol
from cygnet.pluto.encoding.exchanges import Exchange
from cygnet.pluto.encoding.notify import NotifyType, notify_name
from cygnet.pluto.encoding.payloads import Delete, Notification
from cygnet.pluto.encoding.payloads.payload import PayloadType as T
from cygnet.pluto.sa import deletion, liveness
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.authentication import WRONG_SECRET
from cygnet.pluto.sa.states import State
from cygnet.pluto.sa.transitions import Cover, Hash, Reply, Step, Table, Transition, Wait, payloads

_UNREADABLE = frozenset(
    {NotifyType.PAYLOAD_MALFORMED, NotifyType.INVALID_HASH_INFORMATION, NotifyType.INVALID_PAYLOAD_TYPE}
)


class RefusedError(PeerError):
    """The peer said so; ``type`` and ``spi`` tell of what."""

    def __init__(self, text: str, type: int, spi: bytes) -> None:
        super().__init__(text)
        self.type, self.spi = type, spi


class GoneError(PeerError):
    """The ISAKMP SA is over."""


def take_protected(step: Step) -> Reply:
    """What the peer really says; raises :class:`RefusedError` and :class:`GoneError`."""
    sa, message = step.sa, step.message
    for notification in message.all(Notification):
        _take(sa, notification)
    reasons = [deletion.read_delete(sa, payload) for payload in message.all(Delete)]
    reason = next((one for one in reasons if one), "")
    if reason:
        raise GoneError(reason)
    return None


def take_clear(step: Step) -> Reply:
    """What somebody says who may be the peer: a hint while phase 1 goes on, nothing otherwise.

    A refusal of our very first message is believed, since no answer could be authentic, and the sender at
    least saw our cookie.
    """
    sa, shake = step.sa, step.sa.handshake
    for notification in step.message.all(Notification):
        name = notify_name(notification.type)
        if shake is None or not notification.is_error or not sa.initiator:
            continue
        sa.log(Group.IKE, f"received {name} error notify")
        if sa.state in (State.MAIN_I1, State.AGGR_I1):
            raise RefusedError(f"received {name} error notify", notification.type, b"")
        shake.hint = f"received {name} error notify"
        if notification.type in _UNREADABLE and sa.agreed_method.psk and sa.state is State.MAIN_I3:
            shake.hint = f"{WRONG_SECRET}: the peer cannot read what is encrypted with ours ({name})"
            sa.log(Group.IKE, shake.hint)
    return None


def _take(sa: Association, notification: Notification) -> None:
    name = notify_name(notification.type)
    if notification.type == NotifyType.R_U_THERE:
        liveness.answer(sa, notification)
    elif notification.type == NotifyType.R_U_THERE_ACK:
        liveness.answered(sa, notification)
    elif notification.is_error:
        sa.log(Group.IKE, f"received {name} error notify")
        raise RefusedError(f"received {name} error notify", notification.type, notification.spi)
    elif notification.type == NotifyType.INITIAL_CONTACT and notification.protocol == Protocol.IKE:
        sa.log(Group.IKE, "received INITIAL_CONTACT, which belongs into phase 1")
    else:
        sa.log(Group.IKE, f"received {name} notify")


_I = Exchange.INFORMATIONAL_V1

INFORMATIONAL: Table = (
    Transition(
        state=State.INFO_PROTECTED, exchange=_I, required=payloads(T.HASH),
        optional=payloads(T.N, T.D, T.VID), cover=Cover.ENCRYPTED, checks=Hash.HASH_1,
        processor=take_protected, next=State.INFO_PROTECTED, wait=Wait.OVER,
    ),
    Transition(
        state=State.INFO, exchange=_I, optional=payloads(T.N, T.D, T.VID),
        processor=take_clear, next=State.INFO, wait=Wait.OVER,
    ),
)  # fmt: skip
