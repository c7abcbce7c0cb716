"""Timers of an IKE_SA, gone off (``timers``). A late one finds nothing to do."""

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.charon.sa import keep_alive, timers
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.beginning import begin_again
from cygnet.charon.sa.commands import rekey_ike
from cygnet.charon.sa.events import Reestablish
from cygnet.charon.sa.states import ChildState, IkeState
from cygnet.charon.sa.task_manager import TaskManager
from cygnet.charon.sa.tasks.child_delete import ChildDelete
from cygnet.charon.sa.tasks.dpd import Dpd
from cygnet.charon.sa.tasks.ike_delete import IkeDelete, close_actions, reestablish_if_wanted

_UNMADE = (IkeState.CREATED, IkeState.CONNECTING)


def handle(sa: Association, tasks: TaskManager, timer: timers.Timer) -> None:
    """Do what is due. A :class:`timers.Retry` needs nothing: whatever waited is ready now."""
    match timer:
        case timers.Retransmit():
            if not tasks.transport.retransmit(timer):
                _unanswered(sa, tasks)
        case timers.HalfOpen():
            _half_open(sa, tasks)
        case timers.KeepAlive():
            if keep_alive.due(sa) and not tasks.transport.outstanding:
                tasks.queue(Dpd(sa))
        case timers.DeadPeer():
            _dead_peer(sa, tasks)
        case timers.RekeyIkeDue():
            _rekey_due(sa, tasks)
        case timers.IkeLifetimeOver():
            _lifetime_over(sa, tasks)
        case timers.DropRekeyed():
            _drop_rekeyed(sa, tasks, timer.child_id)


def _half_open(sa: Association, tasks: TaskManager) -> None:
    if sa.state in _UNMADE:
        sa.log(Group.JOB, f"deleting half open IKE_SA with {sa.remote} after timeout")
        tasks.abort("half open IKE_SA timed out")


def _unanswered(sa: Association, tasks: TaskManager) -> None:
    """The peer did not answer a request, however often it was sent."""
    if sa.state is IkeState.CONNECTING and sa.config is not None:
        limit = sa.config.keying_tries
        sa.tries += 1
        if not limit or sa.tries < limit:
            sa.log(Group.IKE, f"peer not responding, trying again ({sa.tries + 1}/{limit or '%forever'})")
            begin_again(sa, tasks)
            return
        sa.log(Group.IKE, "establishing IKE_SA failed, peer not responding")
        _retry_later(sa, tasks)
    elif sa.state in (IkeState.ESTABLISHED, IkeState.REKEYING):
        close_actions(sa, dead=True, reason="peer not responding")
    else:
        reestablish_if_wanted(sa)
    tasks.abort("peer not responding")


def _retry_later(sa: Association, tasks: TaskManager) -> None:
    """``retry_initiate_interval``: an operator's wish for going on after ``keyingtries``."""
    delay = sa.ports.settings.retry_initiate_interval_s
    wanted = tuple(
        config
        for task in (*tasks.active, *tasks.queued)
        if (config := getattr(task, "config", None)) is not None
    )
    if delay and sa.config is not None:
        sa.announce(Reestablish(sa.config, wanted, "peer not responding", delay, sa.tries))


def _dead_peer(sa: Association, tasks: TaskManager) -> None:
    """Ask the peer whether it lives, unless something of it came in lately (RFC 7296, 2.4)."""
    delay = sa.config.dpd_delay_s if sa.config else 0
    if not delay or sa.state not in (IkeState.ESTABLISHED, IkeState.REKEYING):
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
    due = sa.times.reauth if sa.times.reauth is not None else sa.times.rekey
    if due is not None and sa.now + 0.001 >= due:
        rekey_ike(sa, tasks)


def _lifetime_over(sa: Association, tasks: TaskManager) -> None:
    if sa.state in _UNMADE or sa.times.end is None or sa.now + 0.001 < sa.times.end:
        return
    if sa.is_searching:
        sa.log(Group.JOB, f"IKE_SA {sa} ends with its maximum lifetime, no path to {sa.remote} was found")
        close_actions(sa, dead=True, reason="peer not reachable")
        tasks.abort("peer not reachable")
        return
    if sa.state is not IkeState.DELETING:
        sa.log(Group.JOB, f"deleting IKE_SA {sa} after its maximum lifetime")
        sa.reauthenticates = sa.state is IkeState.ESTABLISHED and bool(sa.children)
        tasks.queue(IkeDelete(sa))


def _drop_rekeyed(sa: Association, tasks: TaskManager, child_id: int) -> None:
    """The peer rekeyed and should have deleted the old one by now."""
    if not child_id:
        if sa.state is IkeState.REKEYED:
            tasks.queue(IkeDelete(sa))
        return
    child = sa.children.get(child_id)
    if child is None or not child.carries:
        return
    child.install_outbound(sa.ports.kernel)
    for old in tuple(sa.children.values()):
        if old.replaced_by == child_id and old.state is ChildState.REKEYED:
            tasks.queue(ChildDelete(sa, old.spi_octets))
