"""CHILD_SAs that follow each other, perhaps in another IKE_SA: what was there, and who sends meanwhile."""

from typing import TYPE_CHECKING

from cygnet.charon.sa.child_sa import ChildSa
from cygnet.charon.sa.events import Lost
from cygnet.charon.sa.timers import Promote

if TYPE_CHECKING:
    from cygnet.charon.sa.association import Association

STAND_BY_S = 2.0
"""For how long at most a new CHILD_SA of the peer's making leaves the sending to an older one."""


def stand_by(sa: "Association", child: ChildSa) -> None:
    """Send through an older CHILD_SA of the same reqid for a while: the peer may not be ready yet.

    Who asked for the new one has its keys only once it has our answer. The older one may belong to another
    IKE_SA, which the peer is about to delete (RFC 7296, 2.8.3).
    """
    child.behind = sa.ports.contacts.sender(child.reqid)
    watch(sa, child)


def watch(sa: "Association", child: ChildSa) -> None:
    """Make an end of standing by."""
    if child.behind:
        sa.schedule(STAND_BY_S, Promote(child.unique_id))


def outlived(sa: "Association") -> list[ChildSa]:
    """The CHILD_SAs whose traffic goes on in one of another IKE_SA once this one is gone."""
    own = {0, *(child.outbound.spi for child in sa.children.values())}
    carrying = (child for child in sa.children.values() if child.carries)
    return [child for child in carrying if sa.ports.contacts.sender(child.reqid) not in own]


def lost(child: ChildSa) -> Lost:
    """What it takes to make a CHILD_SA like this one."""
    agreed, config = child.agreed, child.config
    local, remote = (agreed.local_ts, agreed.remote_ts) if agreed else (config.local_ts, config.remote_ts)
    hosts = child.path.local.address, child.path.remote.address
    reqid = 0 if child.counted else child.reqid
    return Lost(config, child.unique_id, reqid, local, remote, hosts, child.marks)


def lost_children(sa: "Association") -> tuple[Lost, ...]:
    """Those that carry traffic and have no successor in the same IKE_SA."""
    return tuple(lost(child) for child in sa.children.values() if child.carries and not child.replaced_by)
