"""Authenticating anew: a second IKE_SA with the same CHILD_SAs replaces the first (RFC 7296, 2.8.3).

Make-before-break: the IKE_SA asks the daemon for a successor and lives on until that has everything.
Break-before-make (``make_before_break = no``): it is deleted, and its end says that it is wanted again.
"""

from cygnet.base.groups import Group, Level
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.events import Reauthenticate, Reauthenticated
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.succession import lost
from cygnet.charon.sa.task_manager import TaskManager
from cygnet.charon.sa.tasks.child_create import ChildCreate
from cygnet.charon.sa.tasks.child_rekey import ChildRekey
from cygnet.charon.sa.tasks.ike_delete import IkeDelete
from cygnet.charon.sa.timers import RekeyIkeDue, Retry
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.endings import Cause

RETRY_S = 10.0
"""How long after a failure the next attempt comes; doubled with each, but early enough for another."""
LEAST_RETRY_S = 1.0
UNDER_WAY_S = 0.5
"""How long packets that were sent through the old CHILD_SAs may take to the peer."""


def reauthenticate(sa: Association, tasks: TaskManager, ticket: int = 0) -> None:
    """Begin. The original initiator does it first, where it knows that it should (RFC 4478)."""
    if sa.reauthenticating:
        sa.finish(ticket, True, "under way already")
        return
    if not sa.initiator:
        sa.log(Group.IKE, "initiator did not reauthenticate as requested")
    if sa.virtual.remote:
        sa.log(Group.IKE, "only the peer can reauthenticate, since it has its virtual address from us")
        sa.finish(ticket, False, "only the peer can reauthenticate, since it has its virtual address from us")
        return
    sa.log(Group.IKE, f"reauthenticating IKE_SA {sa}", Level.AUDIT)
    if not sa.ports.settings.make_before_break:
        sa.cause = Cause.REAUTH
        tasks.queue(IkeDelete(sa, ticket))
        return
    sa.reauthenticating = True
    children = tuple(
        lost(child)
        for child in sa.children.values()
        if child.state in (ChildState.INSTALLED, ChildState.REKEYING)
    )
    sa.announce(
        Reauthenticate(
            sa.unique_id, sa.peer_config, sa.local, sa.remote, children, ticket, sa.virtual.local
        )
    )


def failed(sa: Association, reason: str, ticket: int = 0) -> None:
    """There is no successor: try again while there is time."""
    sa.reauthenticating = False
    sa.reauth_failures += 1
    sa.finish(ticket, False, reason)
    if sa.state is not IkeState.ESTABLISHED:
        return
    delay = RETRY_S * 2.0 ** min(sa.reauth_failures - 1, 10)
    if sa.times.end is not None:
        delay = min(delay, (sa.times.end - sa.now) / 2)
    delay = max(delay, LEAST_RETRY_S)
    sa.log(Group.IKE, f"reauthenticating IKE_SA {sa} failed: {reason}; trying again in {int(delay)}s")
    sa.times.reauth = sa.now + delay
    sa.schedule(delay, RekeyIkeDue())


def conclude(sa: Association, tasks: TaskManager) -> None:
    """In a successor: the old one may go soon after nothing of what was to be taken over is being made.

    Not at once: what left through its CHILD_SAs may be under way still, and once the peer is told that they
    are gone it lets nothing of that in any more (RFC 7296, 1.4.1).
    """
    if not sa.succeeds or sa.state is not IkeState.ESTABLISHED:
        return
    if any(_makes_child(task) for task in (*tasks.queued, *tasks.active, *sa.wanted)):
        return
    if sa.times.complete is None:
        sa.times.complete = sa.now
        sa.schedule(UNDER_WAY_S, Retry())
    elif sa.now >= sa.times.complete + UNDER_WAY_S:
        sa.announce(Reauthenticated(sa.unique_id, sa.succeeds))
        sa.succeeds = 0


def _makes_child(task: object) -> bool:
    return isinstance(task, ChildCreate) and not isinstance(task, ChildRekey)
