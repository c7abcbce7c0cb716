"""``inactivity``: when a CHILD_SA last carried a packet, and when to look again."""

from typing import TYPE_CHECKING

from cygnet.base.errors import LocalError
from cygnet.charon.sa.timers import Inactive
from cygnet.keying.sa.child_sa import ChildSa

if TYPE_CHECKING:
    from cygnet.charon.sa.association import Association

LEAST_WATCH_S = 1.0


def begin(sa: "Association", child: ChildSa, old: ChildSa | None) -> None:
    """A CHILD_SA came to be; one that rekeyed ``old`` is as idle as that was."""
    child.active_at = sa.now if old is None else last_activity(sa, old)
    watch(sa, child)


def watch(sa: "Association", child: ChildSa) -> None:
    """Look at it once it may have been idle for too long."""
    if child.config.inactivity_s:
        left = child.config.inactivity_s - (sa.now - child.active_at)
        sa.schedule_child(child, max(left, LEAST_WATCH_S), Inactive(child.unique_id))


def last_activity(sa: "Association", child: ChildSa) -> float:
    """When a packet last went through, in either direction."""
    for name in (child.inbound, child.outbound):
        try:
            used = sa.ports.kernel.query_sa(name).last_used_s
        except LocalError:
            continue
        if used is not None:
            child.active_at = max(child.active_at, sa.now - used)
    return child.active_at
