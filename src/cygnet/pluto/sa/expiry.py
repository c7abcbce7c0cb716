"""What is due when a timer comes back (``sa.timers``); a late one finds nothing to do."""

from collections.abc import Callable
from typing import Any

from cygnet.keying.sa.child_states import ChildState
from cygnet.pluto.sa import commands, deletion, liveness, nat_traversal, quick_install
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.events import Reestablish
from cygnet.pluto.sa.exchanges import Exchanges
from cygnet.pluto.sa.states import IkeState
from cygnet.pluto.sa.timers import (
    DeadPeer,
    DropReplaced,
    HalfOpen,
    IkeLifetimeOver,
    KeepAlive,
    RekeyIkeDue,
    Retransmit,
    Settled,
    SwitchOutbound,
    Timer,
    XauthDue,
)

RETRY_S = 180.0
"""After which another attempt is made to renew phase 1; longer than one takes to fail."""
_EARLY_S = 0.001


def handle(sa: Association, exchanges: Exchanges, timer: Timer) -> None:
    """One timer."""
    _HANDLERS[type(timer)](sa, exchanges, timer)


def _retransmit(sa: Association, exchanges: Exchanges, timer: Retransmit) -> None:
    exchanges.retransmit(timer.message_id, timer.serial)


def _half_open(sa: Association, exchanges: Exchanges, timer: HalfOpen) -> None:
    if not sa.phase1_over:
        exchanges.fail("half-open IKE_SA timed out")


def _xauth(sa: Association, exchanges: Exchanges, timer: XauthDue) -> None:
    if sa.authenticating:
        exchanges.fail("XAuth was not finished in time")
    elif sa.life is IkeState.ESTABLISHED and not sa.configured:
        exchanges.fail("the peer has not begun mode config in time (modeconfig=push)")


def _keep_alive(sa: Association, exchanges: Exchanges, timer: KeepAlive) -> None:
    nat_traversal.keep_alive(sa)


def _dead_peer(sa: Association, exchanges: Exchanges, timer: DeadPeer) -> None:
    if sa.life is not IkeState.ESTABLISHED or liveness.due(sa):
        return
    deletion.over(sa, dead=True, reason="peer not responding")
    exchanges.end("peer not responding")


def _rekey(sa: Association, exchanges: Exchanges, timer: RekeyIkeDue) -> None:
    due = sa.times.rekey
    if sa.life is not IkeState.ESTABLISHED or due is None or sa.now + _EARLY_S < due:
        return
    sa.times.rekey = sa.now + RETRY_S
    sa.schedule(RETRY_S, RekeyIkeDue())
    commands.renew(sa)


def _lifetime_over(sa: Association, exchanges: Exchanges, timer: IkeLifetimeOver) -> None:
    if sa.life is not IkeState.ESTABLISHED:
        return
    carrying = (one for one in sa.children.values() if one.state == ChildState.INSTALLED)
    in_use = {one.config.name: one.config for one in carrying}
    if in_use and sa.config is not None and sa.config.rekey and not sa.serves:
        sa.announce(Reestablish(sa.config, tuple(in_use.values()), "the ISAKMP SA could not be renewed"))
    deletion.delete_ike(sa)
    exchanges.inform()
    exchanges.end("maximum lifetime reached")


def _replaced(sa: Association, exchanges: Exchanges, timer: DropReplaced) -> None:
    if timer.child_id:
        child = sa.children.get(timer.child_id)
        if child is not None and child.state == ChildState.REKEYED:
            deletion.delete_child(sa, child, rekeyed=True)
    elif sa.life is IkeState.REKEYED:
        deletion.delete_ike(sa)
        exchanges.inform()
        exchanges.end("replaced by a newer IKE_SA")


def _switch(sa: Association, exchanges: Exchanges, timer: SwitchOutbound) -> None:
    quick_install.switch(sa, timer.child_id)


def _settled(sa: Association, exchanges: Exchanges, timer: Settled) -> None:
    """What was put off is begun after every timer."""


_HANDLERS: dict[type, Callable[[Association, Exchanges, Any], None]] = {
    Retransmit: _retransmit,
    HalfOpen: _half_open,
    XauthDue: _xauth,
    KeepAlive: _keep_alive,
    DeadPeer: _dead_peer,
    RekeyIkeDue: _rekey,
    IkeLifetimeOver: _lifetime_over,
    DropReplaced: _replaced,
    SwitchOutbound: _switch,
    Settled: _settled,
}
