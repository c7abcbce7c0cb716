"""Orders to an IKE_SA, carried out (``orders``)."""

from cygnet.base.groups import Group
from cygnet.charon.sa import orders
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.child_sa import ChildSa
from cygnet.charon.sa.states import ChildState, IkeState
from cygnet.charon.sa.task_manager import TaskManager
from cygnet.charon.sa.tasks.cert_pre import CertPre
from cygnet.charon.sa.tasks.child_create import ChildCreate
from cygnet.charon.sa.tasks.child_delete import ChildDelete, reopen
from cygnet.charon.sa.tasks.child_rekey import ChildRekey
from cygnet.charon.sa.tasks.ike_auth import IkeAuth
from cygnet.charon.sa.tasks.ike_delete import IkeDelete
from cygnet.charon.sa.tasks.ike_init import IkeInit
from cygnet.charon.sa.tasks.ike_rekey import IkeRekey
from cygnet.charon.sa.tasks.nat_detection import NatDetection

_UNMADE = (IkeState.CREATED, IkeState.CONNECTING)


def carry_out(sa: Association, tasks: TaskManager, order: orders.Order) -> None:
    """Do what the order says, or queue the task that does."""
    match order:
        case orders.Initiate():
            task = ChildCreate(sa, order.child, order.reqid, None, order.ticket)
            _initiate(sa, tasks, task, order.child is None)
        case orders.Acquire():
            packet = (order.source, order.destination)
            _initiate(sa, tasks, ChildCreate(sa, order.child, order.reqid, packet, order.ticket), False)
        case orders.TerminateIke():
            _terminate_ike(sa, tasks, order)
        case orders.TerminateChild():
            _terminate_children(sa, tasks, order)
        case orders.RekeyIke():
            rekey_ike(sa, tasks, order.ticket)
        case orders.RekeyChild():
            _rekey_children(sa, tasks, order)
        case _:
            _on_event(sa, tasks, order)


def _on_event(sa: Association, tasks: TaskManager, order: orders.Order) -> None:
    match order:
        case orders.KernelExpire():
            _expired(sa, tasks, order)
        case orders.MappingChange():
            _mapping_changed(sa, order)
        case orders.KernelReset():
            _kernel_reset(sa, tasks)
        case orders.UpdateConfig():
            sa.config = order.config


def _initiate(sa: Association, tasks: TaskManager, task: ChildCreate, ike_only: bool) -> None:
    if sa.state in (IkeState.REKEYED, IkeState.DELETING):
        task.failed(f"the IKE_SA is in state {sa.state}")
        return
    if sa.state is IkeState.CREATED and not any(isinstance(one, IkeInit) for one in tasks.queued):
        if sa.remote.is_any:
            sa.log(Group.IKE, "unable to initiate to %any")
            task.failed("unable to initiate to %any: the connection has no address of the peer")
            tasks.abort("unable to initiate to %any")
            return
        for one in (IkeInit(sa), NatDetection(sa), CertPre(sa), IkeAuth(sa, task.ticket if ike_only else 0)):
            tasks.queue(one)
    elif ike_only:
        _await_ike(sa, tasks, task.ticket)
    if not ike_only:
        tasks.queue(task)


def _await_ike(sa: Association, tasks: TaskManager, ticket: int) -> None:
    """Somebody wants the IKE_SA alone, and it is there or on its way."""
    waiting = next((one for one in (*tasks.active, *tasks.queued) if isinstance(one, IkeAuth)), None)
    if waiting is None or waiting.ticket:
        sa.finish(ticket, True, "the IKE_SA is there already")
    else:
        waiting.ticket = ticket


def _terminate_ike(sa: Association, tasks: TaskManager, order: orders.TerminateIke) -> None:
    if sa.state in _UNMADE:
        sa.log(Group.IKE, f"destroying IKE_SA in state {sa.state} without notification")
        sa.finish(order.ticket, True)
        tasks.abort(order.reason or "terminated")
        return
    tasks.queue(IkeDelete(sa, order.ticket))
    if order.force:
        tasks.initiate()
        tasks.abort(order.reason or "terminated")


def _terminate_children(sa: Association, tasks: TaskManager, order: orders.TerminateChild) -> None:
    chosen = [child for child in _chosen(sa, order) if child.carries]
    if not chosen:
        sa.finish(order.ticket, False, f"no CHILD_SA {order.name or order.unique_id} in {sa}")
        return
    for place, child in enumerate(chosen):
        last = place == len(chosen) - 1
        tasks.queue(ChildDelete(sa, child.spi_octets, order.ticket if last else 0))


def _rekey_children(sa: Association, tasks: TaskManager, order: orders.RekeyChild) -> None:
    chosen = [child for child in _chosen(sa, order) if child.state is ChildState.INSTALLED]
    if not chosen:
        sa.finish(order.ticket, False, f"no CHILD_SA {order.name or order.unique_id} in {sa}")
        return
    for place, child in enumerate(chosen):
        tasks.queue(ChildRekey(sa, child, order.ticket if place == len(chosen) - 1 else 0))


def _chosen(sa: Association, order: orders.TerminateChild | orders.RekeyChild) -> list[ChildSa]:
    return [
        child
        for child in sa.children.values()
        if child.unique_id == order.unique_id or (order.name and child.config.name == order.name)
    ]


def rekey_ike(sa: Association, tasks: TaskManager, ticket: int = 0) -> None:
    """Rekey, or, where the connection says so, delete and make anew (RFC 7296, 2.8.3)."""
    if sa.state is not IkeState.ESTABLISHED or sa.config is None:
        sa.finish(ticket, False, f"the IKE_SA is in state {sa.state}")
        return
    if any(isinstance(one, IkeRekey | IkeDelete) for one in (*tasks.active, *tasks.queued)):
        sa.finish(ticket, True, "under way already")
        return
    if sa.config.reauth:
        sa.log(Group.IKE, f"reauthenticating IKE_SA {sa}")
        sa.reauthenticates = True
        tasks.queue(IkeDelete(sa, ticket))
    else:
        tasks.queue(IkeRekey(sa, ticket))


def _expired(sa: Association, tasks: TaskManager, order: orders.KernelExpire) -> None:
    """Soft: rekey. Hard: delete, and begin anew unless it had been rekeyed."""
    child = next((one for one in sa.children.values() if order.id in (one.inbound, one.outbound)), None)
    if child is None or not child.carries:
        return
    if not order.hard:
        queued = any(
            isinstance(one, ChildRekey) and one.old is child for one in (*tasks.active, *tasks.queued)
        )
        if child.state is ChildState.INSTALLED and not queued:
            sa.log(Group.KNL, f"creating rekey job for CHILD_SA {_sa_text(order)}")
            tasks.queue(ChildRekey(sa, child))
        return
    sa.log(Group.KNL, f"creating delete job for CHILD_SA {_sa_text(order)}")
    tasks.queue(ChildDelete(sa, child.spi_octets, again=child.state is not ChildState.REKEYED))


def _sa_text(order: orders.KernelExpire) -> str:
    return f"{order.id.protocol.name}/0x{order.id.spi:08x}/{order.id.destination}"


def _mapping_changed(sa: Association, order: orders.MappingChange) -> None:
    """A NAT before the peer gave it another address or port (RFC 7296, 2.23)."""
    known = any(order.id == child.inbound for child in sa.children.values())
    if known and sa.nat.there and order.remote != sa.remote and sa.state not in _UNMADE:
        sa.log(
            Group.KNL,
            f"NAT mappings of CHILD_SA with SPI {order.id.spi:08x} changed from"
            f" {sa.remote.with_brackets()} to {order.remote.with_brackets()}",
        )
        sa.follow(sa.local, order.remote)


def _kernel_reset(sa: Association, tasks: TaskManager) -> None:
    """The kernel holds nothing more. Same keys again would repeat IVs, so all CHILD_SAs are made anew."""
    for child in tuple(sa.children.values()):
        if not child.carries:
            continue
        tasks.queue(ChildDelete(sa, child.spi_octets))
        if child.state is ChildState.INSTALLED:
            reopen(sa, child, "the data plane was restarted")
