"""Orders to an IKE_SA, carried out (``orders``)."""

from dataclasses import replace

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.charon.sa import moving, orders, reauthentication, roaming
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.events import OrderPassedOn
from cygnet.charon.sa.states import LIVE, IkeState
from cygnet.charon.sa.task_manager import TaskManager
from cygnet.charon.sa.tasks import BEGINNING
from cygnet.charon.sa.tasks.address_update import AddressUpdate
from cygnet.charon.sa.tasks.auth_lifetime import AuthLifetime
from cygnet.charon.sa.tasks.child_create import ChildCreate
from cygnet.charon.sa.tasks.child_delete import ChildDelete
from cygnet.charon.sa.tasks.child_rekey import ChildRekey
from cygnet.charon.sa.tasks.childless import Childless
from cygnet.charon.sa.tasks.ike_auth import IkeAuth
from cygnet.charon.sa.tasks.ike_config import IkeConfig
from cygnet.charon.sa.tasks.ike_delete import IkeDelete
from cygnet.charon.sa.tasks.ike_init import IkeInit
from cygnet.charon.sa.tasks.ike_rekey import IkeRekey
from cygnet.charon.sa.tasks.mobike import Mobike
from cygnet.keying.config.records import PeerConfig
from cygnet.keying.sa.child_sa import ChildSa
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.endings import Cause
from cygnet.keying.sa.marks import has_unique_marks, kept
from cygnet.keying.sa.matching import is_same_peer, narrow

_UNMADE = (IkeState.CREATED, IkeState.CONNECTING)


def carry_out(sa: Association, tasks: TaskManager, order: orders.Order) -> None:
    """Do what the order says, or queue the task that does."""
    match order:
        case orders.Initiate():
            if not _is_there(sa, order):
                task = ChildCreate(sa, order.child, order.reqid, None, order.ticket)
                task.selectors = order.selectors
                task.marks = kept(order.child, order.marks) if order.child else None
                _initiate(sa, tasks, task, order.child is None)
        case orders.Acquire():
            packet = (order.source, order.destination)
            if _carries(sa, tasks, order):
                sa.finish(order.ticket, True, "the CHILD_SA is there already")
                return
            task = ChildCreate(sa, order.child, order.reqid, packet, order.ticket)
            task.selectors = order.selectors
            _initiate(sa, tasks, task, False)
        case orders.TerminateIke():
            _terminate_ike(sa, tasks, order)
        case orders.TerminateChild():
            _terminate_children(sa, tasks, order)
        case orders.RekeyIke():
            rekey_ike(sa, tasks, order.ticket)
        case orders.ReauthFailed():
            reauthentication.failed(sa, order.reason, order.ticket)
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
        case orders.Roam():
            roaming.roam(sa, tasks)
        case orders.TellAddresses():
            _tell_addresses(sa, tasks, order)
        case orders.KernelReset():
            _kernel_reset(sa, tasks)
        case orders.UpdateConfig():
            _take_config(sa, order.config)


def _take_config(sa: Association, config: PeerConfig) -> None:
    if sa.config is not None and is_same_peer(sa.config, config):
        sa.config = replace(sa.config, children=config.children)


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
        auth = IkeAuth(sa, task.ticket if ike_only else 0)
        before = (kind(sa) for kind in BEGINNING)
        for one in (*before, auth, IkeConfig(sa), Mobike(sa), AuthLifetime(sa), Childless(sa)):
            tasks.queue(one)
    elif ike_only:
        _await_ike(sa, tasks, task.ticket)
    if not ike_only and not _joined(sa, tasks, task):
        tasks.queue(task)


def _is_there(sa: Association, order: orders.Initiate) -> bool:
    """Whether a CHILD_SA of the very same configuration came to be before the order did.

    Who orders looks before (``jobs.reconciler``), but meanwhile the peer may have made one. With strongSwan 6
    asking twice makes no second one either.
    """
    if order.child is None or order.selectors is not None or has_unique_marks(order.child):
        return False
    if sa.cause is Cause.ORDERED:
        return False  # it is to go, with all that is in it
    for child in sa.children.values():
        if child.state is ChildState.INSTALLED and child.config == order.child and not child.unwanted:
            sa.log(Group.IKE, child.snapshot().duplicate_text)
            sa.finish(order.ticket, True, "the CHILD_SA is there already")
            return True
    return False


def _carries(sa: Association, tasks: TaskManager, order: orders.Acquire) -> bool:
    """Whether a CHILD_SA came to be, by the peer's doing, while the kernel told of the packet.

    If the kernel asks because it lost the SA, another one takes its place.
    """
    packet = (order.source,), (order.destination,)
    for child in sa.children.values():
        agreed, there = child.agreed, child.state is ChildState.INSTALLED and child.config == order.child
        if agreed is None or not there or child.unwanted:
            continue
        if (narrow(agreed.local_ts, packet[0]), narrow(agreed.remote_ts, packet[1])) != packet:
            continue
        if _is_installed(sa, child):
            sa.log(Group.IKE, child.snapshot().duplicate_text)
            return True
        child.unwanted = True
        tasks.queue(ChildDelete(sa, child.spi_octets))
    return False


def _joined(sa: Association, tasks: TaskManager, task: ChildCreate) -> bool:
    """Whether the same CHILD_SA is being made already, and nobody waits: then who wants it waits for that."""
    same = next((one for one in (*tasks.active, *tasks.queued, *sa.wanted) if _is_alike(one, task)), None)
    if same is None or (same.ticket and task.ticket):
        return False
    same.ticket = same.ticket or task.ticket
    return True


def _is_alike(one: object, task: ChildCreate) -> bool:
    if type(one) is not ChildCreate or one.config is None or task.config is None:
        return False
    same = (one.config.name, one.selectors) == (task.config.name, task.selectors)
    return same and one.packet in (None, task.packet)  # what is for all is for the packet too


def _await_ike(sa: Association, tasks: TaskManager, ticket: int) -> None:
    """Somebody wants the IKE_SA alone, and it is there or on its way."""
    waiting = next((one for one in (*tasks.active, *tasks.queued) if isinstance(one, IkeAuth)), None)
    if waiting is None or waiting.ticket:
        sa.finish(ticket, True, "the IKE_SA is there already")
    else:
        waiting.ticket = ticket


def _terminate_ike(sa: Association, tasks: TaskManager, order: orders.TerminateIke) -> None:
    """One that was rekeyed goes anyway: meant is what took its place."""
    if sa.state is IkeState.REKEYED and not sa.redundant and not order.force:
        sa.announce(OrderPassedOn(sa.replaced_by, order))
        return
    if sa.state is not IkeState.DELETING:  # else it goes already, and why that is says what comes next
        sa.cause = _cause(order)
    if order.successor and sa.state is not IkeState.REKEYED:
        sa.replaced_by = order.successor
    if sa.state in _UNMADE:
        sa.log(Group.IKE, f"destroying IKE_SA in state {sa.state} without notification")
        sa.finish(order.ticket, True)
        tasks.abort(order.reason or "terminated")
        return
    task = IkeDelete(sa, order.ticket)
    task.ordered = True
    tasks.queue(task)
    if order.force:
        tasks.initiate()
        tasks.abort(order.reason or "terminated")


def _cause(order: orders.TerminateIke) -> Cause:
    if order.reauthenticated:
        return Cause.REAUTHENTICATED
    return Cause.REPLACED if order.successor else Cause.ORDERED


def _terminate_children(sa: Association, tasks: TaskManager, order: orders.TerminateChild) -> None:
    chosen = [child for child in _chosen(sa, order) if child.carries]
    if not chosen:
        sa.finish(order.ticket, False, f"no CHILD_SA {order.name or order.unique_id} in {sa}")
        return
    for place, child in enumerate(chosen):
        last, child.unwanted = place == len(chosen) - 1, True
        tasks.queue(ChildDelete(sa, child.spi_octets, order.ticket if last else 0))


def _rekey_children(sa: Association, tasks: TaskManager, order: orders.RekeyChild) -> None:
    chosen = [child for child in _chosen(sa, order) if child.state is ChildState.INSTALLED]
    if not chosen and any(child.state is ChildState.REKEYING for child in _chosen(sa, order)):
        sa.finish(order.ticket, True, "under way already")
        return
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
    if sa.state is IkeState.REKEYING:
        sa.crossing.wanted = True  # should the peer's attempt come to nothing
        sa.finish(ticket, True, "under way already")
        return
    if sa.state is not IkeState.ESTABLISHED or sa.config is None:
        sa.finish(ticket, False, f"the IKE_SA is in state {sa.state}")
        return
    if any(isinstance(one, IkeRekey | IkeDelete) for one in (*tasks.active, *tasks.queued)):
        sa.finish(ticket, True, "under way already")
        return
    if sa.config.reauth:
        reauthentication.reauthenticate(sa, tasks, ticket)
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
        elif child.unique_id in sa.crossings:
            sa.crossings[child.unique_id].wanted = True  # should the peer's attempt come to nothing
        return
    sa.log(Group.KNL, f"creating delete job for CHILD_SA {_sa_text(order)}")
    tasks.queue(ChildDelete(sa, child.spi_octets, again=child.state is not ChildState.REKEYED))


def _sa_text(order: orders.KernelExpire) -> str:
    return f"{order.id.protocol.name}/0x{order.id.spi:08x}/{order.id.destination}"


def _mapping_changed(sa: Association, order: orders.MappingChange) -> None:
    """A NAT before the peer gave it another address or port (RFC 7296, 2.23).

    While a new address is being checked the old one is no news. Whoever does not know where the peer is knows
    it now, unless it is for him to decide.
    """
    known = any(order.id == child.inbound for child in sa.children.values())
    mobility = sa.mobility
    waiting = mobility.verified is not None or (mobility.probing and mobility.leads)
    if known and sa.nat.there and order.remote != sa.remote and sa.state not in _UNMADE and not waiting:
        mobility.end_probing()
        sa.log(
            Group.KNL,
            f"NAT mappings of CHILD_SA with SPI {order.id.spi:08x} changed from"
            f" {sa.remote.with_brackets()} to {order.remote.with_brackets()}",
        )
        moving.follow(sa, sa.local, order.remote)


def _tell_addresses(sa: Association, tasks: TaskManager, order: orders.TellAddresses) -> None:
    """Where a search goes on another update follows anyway."""
    if sa.replaced_by:
        sa.announce(OrderPassedOn(sa.replaced_by, order))
    elif sa.state in LIVE and sa.mobility.leads and not sa.mobility.probing:
        tasks.queue(AddressUpdate(sa, update=True))


def _kernel_reset(sa: Association, tasks: TaskManager) -> None:
    """The kernel holds nothing more. Same keys again would repeat IVs, so all CHILD_SAs are made anew.

    One that was installed since is there; those that were to go anyway, alone or with the IKE_SA, just go.
    """
    for child in tuple(sa.children.values()):
        if child.agreed is None or _is_installed(sa, child):
            continue
        child.forget_kernel()
        if not child.carries or child.unwanted or sa.state in (IkeState.REKEYED, IkeState.DELETING):
            continue
        rekeying = child.state is not ChildState.INSTALLED  # what comes of that is good
        tasks.queue(ChildDelete(sa, child.spi_octets, again=rekeying))
        if not rekeying:
            child.unwanted = True
            sa.close_child(child, Cause.RESET)


def _is_installed(sa: Association, child: ChildSa) -> bool:
    try:
        sa.ports.kernel.query_sa(child.inbound)
    except LocalError:
        return False
    return True
