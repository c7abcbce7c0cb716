"""Which exchange a message belongs to: one that is known, or one that the peer begins with it."""

from collections.abc import Mapping
from typing import NamedTuple

from cygnet.base.addresses import Host
from cygnet.base.errors import PeerError
from cygnet.pluto.encoding.exchanges import PHASE_1, Exchange, exchange_name
from cygnet.pluto.encoding.message import Parsed
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.conversation import Conversation
from cygnet.pluto.sa.states import State

_FIRST = {Exchange.ID_PROT: State.MAIN_R0, Exchange.AGGRESSIVE: State.AGGR_R0}


class Route(NamedTuple):
    """Where a datagram came from and where it arrived."""

    source: Host
    destination: Host


class DroppedError(PeerError):
    """A message that is of no use; ``counter`` counts such."""

    def __init__(self, counter: str, text: str) -> None:
        super().__init__(text)
        self.counter = counter


class TooEarlyError(DroppedError):
    """A message that may be of use later (RFC 2409, 5: quick mode can overtake the end of phase 1)."""


def find(
    sa: Association, known: Mapping[int, Conversation], parsed: Parsed, route: Route
) -> Conversation:
    """The exchange; raises :class:`DroppedError`."""
    header = parsed.header
    if not parsed.encrypted and route != (sa.remote, sa.local):
        raise DroppedError("other_source", f"clear message from {route.source}")
    there = known.get(header.message_id)
    if header.exchange in PHASE_1:
        return _phase1(sa, parsed, there)
    if there is not None and header.message_id:
        if there.exchange != header.exchange:
            raise DroppedError("unexpected", f"{exchange_name(header.exchange)} in another exchange")
        return there
    if header.exchange == Exchange.INFORMATIONAL_V1:
        state = State.INFO_PROTECTED if parsed.encrypted else State.INFO
        return Conversation(header.exchange, header.message_id, False, state)
    return _phase2(sa, known, parsed)


def _phase1(sa: Association, parsed: Parsed, there: Conversation | None) -> Conversation:
    exchange = Exchange(parsed.header.exchange)
    if parsed.header.message_id or (there is not None and there.exchange != exchange):
        raise DroppedError("unexpected", f"{exchange.name} message")
    if there is None and sa.initiator:
        raise DroppedError("unexpected", "phase 1 has not begun")
    return there or Conversation(exchange, 0, False, _FIRST[exchange])


def _phase2(sa: Association, known: Mapping[int, Conversation], parsed: Parsed) -> Conversation:
    """Quick mode or a transaction that the peer begins."""
    header, name = parsed.header, exchange_name(parsed.header.exchange)
    state = _first_states(sa).get(header.exchange)
    if state is None:
        raise DroppedError("unknown_exchange", name)
    if not header.message_id or not parsed.encrypted:
        raise DroppedError("unexpected", f"{name} message in the clear, or without message ID")
    if not (sa.phase1_over if header.exchange == Exchange.TRANSACTION else sa.usable):
        raise TooEarlyError("early", f"{name} message came early")
    under_way = sum(not one.initiator and not one.over for one in known.values())
    if under_way >= sa.ports.settings.max_exchanges:
        raise DroppedError("too_many_exchanges", f"{under_way} exchanges of the peer are under way")
    return Conversation(header.exchange, header.message_id, False, state)


def _first_states(sa: Association) -> dict[int, State]:
    """What a transaction can be about depends on what is waited for."""
    transaction = State.MODE_CFG_R0
    if sa.authenticating:
        transaction = State.XAUTH_I0
    elif sa.config is not None and sa.config.virtual_ips:
        transaction = State.MODE_CFG_I0
    return {Exchange.QUICK_MODE: State.QUICK_R0, Exchange.TRANSACTION: transaction}
