"""What an ISAKMP SA begins by itself, in its order: XAUTH, mode config, then what orders wish for."""

from collections.abc import Iterator

from cygnet.pluto.sa.aggressive_mode import AGGRESSIVE_MODE
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.child_wishes import WantedChild
from cygnet.pluto.sa.main_mode import MAIN_MODE
from cygnet.pluto.sa.quick_mode import QUICK_MODE
from cygnet.pluto.sa.states import IkeState, State
from cygnet.pluto.sa.transaction import TRANSACTION
from cygnet.pluto.sa.transitions import Transition, opening
from cygnet.pluto.sa.wishes import Transaction, Wish

_EARLY_S = 0.001
QUICK = opening(QUICK_MODE, State.QUICK_I1)
_MAIN, _AGGRESSIVE = opening(MAIN_MODE, State.MAIN_I1), opening(AGGRESSIVE_MODE, State.AGGR_I1)
_ASK, _TELL = opening(TRANSACTION, State.XAUTH_R1), opening(TRANSACTION, State.XAUTH_R2)
_PULL, _PUSH = opening(TRANSACTION, State.MODE_CFG_I1), opening(TRANSACTION, State.MODE_CFG_R3)


def phase1_row(sa: Association) -> Transition:
    """The row that begins phase 1."""
    return _AGGRESSIVE if sa.peer_config.aggressive else _MAIN


def due(sa: Association) -> Iterator[Wish]:
    """Each once, as soon as it may begin."""
    if sa.authenticating and _is_server(sa):
        yield from _begin(sa, _ASK if sa.verdict is None else _TELL)
    if sa.life is not IkeState.ESTABLISHED or sa.heir or sa.now + _EARLY_S < sa.settled_at:
        return
    config = sa.peer_config
    if sa.configured:
        yield from _wanted(sa)
    elif config.virtual_ips and not config.push:
        yield from _begin(sa, _PULL)
    elif config.pools and config.push:
        yield from _begin(sa, _PUSH)


def _wanted(sa: Association) -> Iterator[Wish]:
    wanted, sa.wanted = sa.wanted, []
    for wish in wanted:
        if isinstance(wish.context, WantedChild):
            yield from (Wish(QUICK, quick) for quick in wish.context.expand())
        else:
            yield wish


def _begin(sa: Association, row: Transition) -> Iterator[Wish]:
    if row.next not in sa.begun:
        sa.begun |= {row.next}
        yield Wish(row, Transaction())


def _is_server(sa: Association) -> bool:
    """Whether the peer has to prove itself by XAUTH."""
    return sa.agreed_method.asks_user(not sa.initiator)
