"""Timers of an IKE_SA, gone off (``timers``). A late one finds nothing to do."""

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.charon.sa import inactivity, keep_alive, timers
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.beginning import begin_again
from cygnet.charon.sa.commands import rekey_ike
from cygnet.charon.sa.handover import OVERDUE_S
from cygnet.charon.sa.reauthentication import reauthenticate
from cygnet.charon.sa.states import LIVE, IkeState
from cygnet.charon.sa.switching import switch_outbound
from cygnet.charon.sa.task_manager import TaskManager
from cygnet.charon.sa.tasks.address_update import AddressUpdate
from cygnet.charon.sa.tasks.child_delete import ChildDelete
from cygnet.charon.sa.tasks.dpd import Dpd
from cygnet.charon.sa.tasks.ike_delete import IkeDelete
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.endings import Cause

_UNMADE = (IkeState.CREATED, IkeState.CONNECTING)


def handle(sa: Association, tasks: TaskManager, timer: timers.Timer) -> None:
    """Do what is due. A :class:`timers.Retry` needs nothing: whatever waited is ready now."""
    match timer:
        case timers.Retransmit():
            if not tasks.transport.retransmit(timer):
                _unanswered(sa, tasks)
        case timers.KeepAlive():
            if keep_alive.due(sa) and not tasks.transport.outstanding:
                tasks.queue(Dpd(sa))
        case timers.DeadPeer():
            _dead_peer(sa, tasks)
        case (
            timers.DropRekeyed() | timers.DeletionOverdue() | timers.SwitchOutbound() | timers.FollowUpDue()
        ):
            _of_rekeying(sa, tasks, timer)
        case _:
            _of_lifetime(sa, tasks, timer)


def _of_lifetime(sa: Association, tasks: TaskManager, timer: timers.Timer) -> None:
    match timer:
        case timers.HalfOpen():
            _half_open(sa, tasks)
        case timers.RekeyIkeDue():
            _rekey_due(sa, tasks)
        case timers.IkeLifetimeOver():
            _lifetime_over(sa, tasks)
        case timers.CloseChildless():
            _close_childless(sa, tasks)
        case timers.Inactive():
            _inactive(sa, tasks, timer.child_id)


def _of_rekeying(sa: Association, tasks: TaskManager, timer: timers.Timer) -> None:
    match timer:
        case timers.DropRekeyed() if sa.state is IkeState.REKEYED:
            if sa.redundant:
                tasks.abort("redundant after a collision of rekeyings")
            else:
                tasks.queue(IkeDelete(sa))
        case timers.DeletionOverdue() if sa.state is IkeState.REKEYED:
            _deletion_overdue(sa, tasks)
            sa.schedule(OVERDUE_S, timer)
        case timers.SwitchOutbound():
            switch_outbound(sa, timer)
        case timers.FollowUpDue():
            series = sa.series.pop(timer.link, None)
            if series is not None:
                sa.log(Group.IKE, f"{series.name}: the peer does not go on with its key exchanges, giving up")
                series.give_up("the peer did not go on with its key exchanges")


def _deletion_overdue(sa: Association, tasks: TaskManager) -> None:
    """The peer may be waiting still for our response to its rekeying: see that it knows where we are."""
    if tasks.transport.outstanding:
        return
    if sa.mobility.verified is not None:
        tasks.queue(AddressUpdate(sa, update=sa.mobility.leads, list_anyway=True))
    else:
        tasks.queue(Dpd(sa))


def _half_open(sa: Association, tasks: TaskManager) -> None:
    if sa.state in _UNMADE:
        sa.log(Group.JOB, f"deleting half open IKE_SA with {sa.remote} after timeout")
        tasks.abort("half open IKE_SA timed out")


def _unanswered(sa: Association, tasks: TaskManager) -> None:
    """The peer did not answer a request, however often it was sent."""
    if sa.state is IkeState.CONNECTING and sa.config is not None:
        limit = 1 if sa.succeeds else sa.config.keying_tries
        sa.tries += 1
        if not limit or sa.tries < limit:
            sa.log(Group.IKE, f"peer not responding, trying again ({sa.tries + 1}/{limit or '%forever'})")
            begin_again(sa, tasks)
            return
        sa.log(Group.IKE, "establishing IKE_SA failed, peer not responding")
    elif sa.state is IkeState.DELETING:
        sa.log(Group.IKE, "proper IKE_SA delete failed, peer not responding")
    elif sa.state is IkeState.REKEYING:
        sa.log(Group.IKE, "rekeying IKE_SA failed, peer not responding")
    if sa.cause is Cause.FAILED:
        sa.cause = Cause.DEAD
    tasks.abort("peer not responding")


def _close_childless(sa: Association, tasks: TaskManager) -> None:
    """Only what IKE_AUTH should have made counts: another CHILD_SA may be there by now."""
    if sa.state is IkeState.ESTABLISHED and not sa.children:
        tasks.queue(IkeDelete(sa))


def _inactive(sa: Association, tasks: TaskManager, child_id: int) -> None:
    """``inactivity``: a CHILD_SA without traffic is closed.

    With ``inactivity_close_ike`` the last one is closed together with its IKE_SA.
    """
    child = sa.children.get(child_id)
    if child is None or not child.carries or child.state is ChildState.REKEYED:
        return
    limit = child.config.inactivity_s
    if not limit:
        return
    idle = sa.now - inactivity.last_activity(sa, child)
    if idle + 0.001 < limit:
        inactivity.watch(sa, child)
        return
    alone = all(one is child or not one.carries or one.replaced_by for one in sa.children.values())
    if sa.ports.settings.inactivity_close_ike and alone:
        sa.log(Group.JOB, f"deleting IKE_SA after {int(idle)} seconds of CHILD_SA inactivity")
        sa.cause = Cause.INACTIVE
        tasks.queue(IkeDelete(sa))
        return
    sa.log(Group.JOB, f"deleting CHILD_SA after {int(idle)} seconds of inactivity")
    sa.close_child(child, Cause.INACTIVE)
    tasks.queue(ChildDelete(sa, child.spi_octets))


def _dead_peer(sa: Association, tasks: TaskManager) -> None:
    """Ask the peer whether it lives, unless something of it came in lately (RFC 7296, 2.4)."""
    delay = sa.config.dpd_delay_s if sa.config else 0
    if not delay or sa.state not in LIVE:
        return
    silent = min(sa.now - sa.times.received, _silence_of_children(sa))
    if silent + 0.001 < delay:
        sa.schedule(delay - silent, timers.DeadPeer())
        return
    if not tasks.transport.outstanding:
        tasks.queue(Dpd(sa))
    sa.schedule(delay, timers.DeadPeer())


def _silence_of_children(sa: Association) -> float:
    """Seconds since the peer's last ESP packet."""
    silence = float("inf")
    for child in sa.children.values():
        if not child.carries:
            continue
        try:
            used = sa.ports.kernel.query_sa(child.inbound).last_used_s
        except LocalError:
            continue
        if used is not None:
            silence = min(silence, used)
    return silence


def _rekey_due(sa: Association, tasks: TaskManager) -> None:
    """Authenticating anew goes before rekeying, which it makes needless."""
    times, now = sa.times, sa.now + 0.001
    if sa.state is not IkeState.ESTABLISHED:
        return
    if times.reauth is not None and now >= times.reauth:
        reauthenticate(sa, tasks)
    elif times.rekey is not None and now >= times.rekey:
        rekey_ike(sa, tasks)


def _lifetime_over(sa: Association, tasks: TaskManager) -> None:
    if sa.state in _UNMADE or sa.times.end is None or sa.now + 0.001 < sa.times.end:
        return
    if sa.is_searching:
        sa.log(Group.JOB, f"IKE_SA {sa} ends with its maximum lifetime, no path to {sa.remote} was found")
        sa.cause = Cause.DEAD
        tasks.abort("peer not reachable")
        return
    if sa.state is not IkeState.DELETING:
        sa.log(Group.JOB, f"deleting IKE_SA {sa} after its maximum lifetime")
        sa.cause = Cause.EXPIRED
        tasks.queue(IkeDelete(sa))
