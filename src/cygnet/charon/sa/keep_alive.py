"""Keeping the mapping of a NAT in front of us alive (RFC 3948, 4; RFC 7296, 2.23)."""

from cygnet.base.effects import Send
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.timers import KeepAlive

KEEP_ALIVE = b"\xff"
_UNMADE = (IkeState.CREATED, IkeState.CONNECTING)
_EARLY_S = 0.001


def start(sa: Association) -> None:
    """Begin, unless it has begun."""
    interval = sa.ports.settings.keep_alive_s
    if interval and sa.times.keep_alive <= sa.now:
        _schedule(sa, interval)


def due(sa: Association) -> bool:
    """Send one if nothing of ours went out for so long, and set the next timer.

    True where the pause was so long (this host slept, say) that the mapping may be gone: the peer should be
    asked instead (``keep_alive_dpd_margin``).
    """
    interval = sa.ports.settings.keep_alive_s
    if not interval or not sa.nat.here or sa.now + _EARLY_S < sa.times.keep_alive:
        return False
    if sa.state in _UNMADE or sa.mobility.probing:
        _schedule(sa, interval)
        return False
    idle = _idle(sa)
    if idle + _EARLY_S < interval:
        _schedule(sa, interval - idle)
        return False
    _schedule(sa, interval)
    margin = sa.ports.settings.keep_alive_dpd_margin_s
    if margin and idle > interval + margin:
        sa.log(Group.IKE, f"sending DPD instead of keep alive {int(idle)}s after last outbound message")
        return True
    sa.log(Group.IKE, f"sending keep alive to {sa.remote.with_brackets()}")
    sa.times.sent = sa.now
    sa.effects.append(Send(sa.local, sa.remote, KEEP_ALIVE))
    return False


def _schedule(sa: Association, delay_s: float) -> None:
    sa.times.keep_alive = sa.now + delay_s
    sa.schedule(delay_s, KeepAlive())


def _idle(sa: Association) -> float:
    """Seconds since anything went out, ESP in UDP included: it keeps the same mapping alive."""
    idle = sa.now - sa.times.sent
    for child in sa.children.values():
        if not child.carries or not child.path.udp:
            continue
        try:
            used = sa.ports.kernel.query_sa(child.outbound).last_used_s
        except LocalError:
            continue
        if used is not None:
            idle = min(idle, used)
    return idle
