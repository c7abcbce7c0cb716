"""What an IKE_SA does when addresses, links or routes of this host change (RFC 4555, 3.5, 3.6, 3.10)."""

from cygnet.base.addresses import Host
from cygnet.base.groups import Group
from cygnet.charon.encoding.payloads import Delete
from cygnet.charon.sa import beginning, paths
from cygnet.charon.sa.address_lists import is_news
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.states import LIVE, IkeState
from cygnet.charon.sa.task_manager import TaskManager
from cygnet.charon.sa.tasks.address_update import AddressUpdate
from cygnet.charon.sa.tasks.dpd import Dpd
from cygnet.charon.sa.tasks.path_probe import look_for_path
from cygnet.crypto.proposals import Protocol
from cygnet.keying.config.records import AddressSpec
from cygnet.keying.sa.endings import Cause


def roam(sa: Association, tasks: TaskManager) -> None:
    """Something has changed. A path that is still there stays in use."""
    if sa.state is IkeState.CONNECTING:
        _begin_elsewhere(sa, tasks)
    elif not sa.is_mobile:
        return
    elif sa.peer.mobike:
        _move_if_needed(sa, tasks)
    elif sa.state in LIVE:
        _without_mobike(sa, tasks)


def _move_if_needed(sa: Association, tasks: TaskManager) -> None:
    mobility, settings = sa.mobility, sa.ports.settings
    mobility.refused.clear()
    if mobility.probing:
        mobility.resend = True
    elif not paths.works(sa):
        sa.log(Group.IKE, "old path is not available anymore, try to find another")
        look_for_path(sa)
    elif sa.state not in LIVE:
        return
    elif settings.prefer_best_path and mobility.leads and not paths.is_best(sa):
        sa.log(Group.IKE, "old path is not preferred anymore")
        look_for_path(sa)
    else:
        if is_news(sa) and not any(isinstance(one, AddressUpdate) for one in tasks.queued):
            tasks.queue(AddressUpdate(sa))
        if settings.check_current_path and tasks.transport.outstanding is None:
            sa.log(Group.IKE, "checking if current path still works using DPD")
            tasks.queue(Dpd(sa))


def _without_mobike(sa: Association, tasks: TaskManager) -> None:
    """Authenticate anew from another address, unless this one is configured: it may come back."""
    config = sa.config
    if paths.works(sa) or config is None or _is_literal(config.ike.local, sa.local) or not sa.initiator:
        return
    source = sa.ports.addresses.source(sa.remote.address)
    if source is None:
        sa.log(Group.IKE, f"no route found to reach {sa.remote}, waiting for one")
        return
    sa.log(Group.IKE, "reauthenticating IKE_SA due to address change")
    sa.local, sa.cause = Host(source, sa.local.port), Cause.REAUTH
    tasks.say_farewell(Delete(Protocol.IKE))
    tasks.abort("the local address is gone")


def _begin_elsewhere(sa: Association, tasks: TaskManager) -> None:
    """The first message once more, from an address that is there."""
    if not sa.initiator or paths.works(sa):
        return
    source = sa.ports.addresses.source(sa.remote.address)
    if source is not None and source != sa.local.address:
        sa.log(Group.IKE, f"local address {sa.local} is gone, beginning again from {source}")
        beginning.begin_again(sa, tasks, elsewhere=True)


def _is_literal(spec: AddressSpec, host: Host) -> bool:
    return str(host.address) in spec.hosts
