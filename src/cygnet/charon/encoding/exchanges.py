"""Which payloads an exchange's messages carry (RFC 7296, 1.2 to 1.4, 2.16, appendix C).

One row per exchange and direction. A row lists how often a payload may come, and the sets of payloads
of which one must be there in full. A known payload that a row does not list is not counted: nobody
looks for it, and the RFC forbids nobody to send it.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import TYPE_CHECKING

from cygnet.base.records import record
from cygnet.charon.encoding.errors import InvalidSyntaxError
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads.payload import PayloadType as T

if TYPE_CHECKING:
    from cygnet.charon.encoding.message import Message


class Exchange(IntEnum):
    """Exchange types (RFC 7296, 3.1; RFC 5723; RFC 9242; RFC 9370)."""

    IKE_SA_INIT = 34
    IKE_AUTH = 35
    CREATE_CHILD_SA = 36
    INFORMATIONAL = 37
    IKE_SESSION_RESUME = 38
    IKE_INTERMEDIATE = 43
    IKE_FOLLOWUP_KE = 44


@record
class Row:
    """The messages of one exchange in one direction.

    ``protected``: the payloads are inside SK. ``required``: alternatives, one of them all present; none
    means anything goes. ``most``: the most often each payload may come. ``instead``: notifications that
    stand in for what is required, besides every error in a response.
    """

    exchange: Exchange
    response: bool
    protected: bool
    required: tuple[frozenset[T], ...]
    most: Mapping[int, int]
    instead: frozenset[int] = frozenset()


_ANYWHERE: dict[int, int] = {T.NOTIFY: 40, T.VENDOR: 20}
_TELLING = _ANYWHERE | {T.NOTIFY: 300}
"""Messages with a list of a host's addresses (RFC 4555, 3.4), of which we keep some."""
_CHILD: dict[int, int] = {T.SA: 1, T.TSI: 1, T.TSR: 1, T.CP: 1}
_AUTH: dict[int, int] = {T.IDI: 1, T.IDR: 1, T.CERT: 20, T.CERTREQ: 20, T.AUTH: 1, T.EAP: 1}


def _sets(*alternatives: tuple[T, ...]) -> tuple[frozenset[T], ...]:
    return tuple(map(frozenset, alternatives))


EXCHANGES: tuple[Row, ...] = (
    Row(Exchange.IKE_SA_INIT, False, False, _sets((T.SA, T.KE, T.NONCE)),
        _ANYWHERE | {T.SA: 1, T.KE: 1, T.NONCE: 1}),
    Row(Exchange.IKE_SA_INIT, True, False, _sets((T.SA, T.KE, T.NONCE)),
        _ANYWHERE | {T.SA: 1, T.KE: 1, T.NONCE: 1, T.CERTREQ: 20},
        frozenset({NotifyType.COOKIE, NotifyType.REDIRECT})),
    Row(Exchange.IKE_AUTH, False, True, _sets((T.IDI,), (T.EAP,), (T.AUTH,)), _TELLING | _CHILD | _AUTH),
    Row(Exchange.IKE_AUTH, True, True, _sets((T.IDR,), (T.EAP,), (T.AUTH,)), _TELLING | _CHILD | _AUTH),
    Row(Exchange.CREATE_CHILD_SA, False, True, _sets((T.SA, T.NONCE)),
        _ANYWHERE | _CHILD | {T.NONCE: 1, T.KE: 1}),
    Row(Exchange.CREATE_CHILD_SA, True, True, _sets((T.SA, T.NONCE)),
        _ANYWHERE | _CHILD | {T.NONCE: 1, T.KE: 1}),
    Row(Exchange.INFORMATIONAL, False, True, (), _TELLING | {T.DELETE: 10, T.CP: 1}),
    Row(Exchange.INFORMATIONAL, True, True, (), _ANYWHERE | {T.DELETE: 10, T.CP: 1}),
    Row(Exchange.IKE_INTERMEDIATE, False, True, (), _ANYWHERE | {T.KE: 1}),
    Row(Exchange.IKE_INTERMEDIATE, True, True, (), _ANYWHERE | {T.KE: 1}),
    Row(Exchange.IKE_FOLLOWUP_KE, False, True, _sets((T.KE,)), _ANYWHERE | {T.KE: 1}),
    Row(Exchange.IKE_FOLLOWUP_KE, True, True, _sets((T.KE,)), _ANYWHERE | {T.KE: 1}),
)  # fmt: skip

_ROWS = {(int(row.exchange), row.response): row for row in EXCHANGES}
_NAMES = {int(exchange): exchange.name for exchange in Exchange}


def exchange_name(number: int) -> str:
    """The RFC's name, or ``(NUMBER)`` for an exchange that is not known."""
    return _NAMES.get(number, f"({number})")


def row_of(exchange: int, response: bool) -> Row | None:
    """The row of a message, or ``None`` for an exchange that is not implemented."""
    return _ROWS.get((exchange, response))


def check(message: "Message", protected: bool) -> None:
    """Raises :class:`InvalidSyntaxError` when the message does not fit its row.

    ``protected`` tells whether the payloads came inside an SK payload.
    """
    row = row_of(message.exchange, message.response)
    if row is None:
        raise InvalidSyntaxError(f"exchange {exchange_name(message.exchange)} is not implemented")
    if protected is not row.protected:
        raise InvalidSyntaxError(f"{message.describe()} is {'' if protected else 'not '}encrypted")
    counts: dict[int, int] = {}
    for payload in message.payloads:
        kind = payload.payload_type
        counts[kind] = counts.get(kind, 0) + 1
    for kind, times in counts.items():
        if times > row.most.get(kind, times):
            raise InvalidSyntaxError(f"{times} {T(kind).name} payloads in {message.describe()}")
    if not _is_complete(row, counts) and not _is_excused(row, message):
        raise InvalidSyntaxError(f"payloads are missing in {message.describe()}")


def _is_complete(row: Row, counts: Mapping[int, int]) -> bool:
    if counts.get(T.TSI) != counts.get(T.TSR):
        return False
    return not row.required or any(kinds <= counts.keys() for kinds in row.required)


def _is_excused(row: Row, message: "Message") -> bool:
    return any(
        (notify.is_error and row.response) or notify.type in row.instead for notify in message.notifies
    )
