"""CHILD_SAs that follow each other, perhaps in another IKE_SA: what was there, and who sends meanwhile."""

from typing import TYPE_CHECKING

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.charon.sa.timers import SwitchOutbound
from cygnet.keying.sa.child_sa import ChildSa
from cygnet.keying.sa.endings import Lost

if TYPE_CHECKING:
    from cygnet.charon.sa.association import Association

FIRST_LOOK_S = 1.0


def stand_by(sa: "Association", child: ChildSa, older: int) -> None:
    """Install the outbound half of a CHILD_SA that the peer asked for, and look later whether to use it.

    The peer has its keys only once it has our answer (RFC 7296, 2.8), so that traffic leaves through the
    ``older`` one with that outbound SPI (0 for none), which may belong to another IKE_SA (2.8.3). When the
    older one goes, the kernel takes the new one by itself: there is no moment with neither.
    """
    child.install_outbound(sa.ports.kernel, older)
    if older:
        sa.schedule_child(child, FIRST_LOOK_S, SwitchOutbound(child.unique_id, FIRST_LOOK_S))


def promote(sa: "Association", child: ChildSa) -> None:
    """Send through a CHILD_SA from now on; later ones that the peer may not know yet stand behind it."""
    kernel = sa.ports.kernel
    try:
        child.install_outbound(kernel)
        child.stand_behind(kernel, 0)
        for other in sa.children.values():
            if other.behind and other.reqid == child.reqid and other.unique_id > child.unique_id:
                other.stand_behind(kernel, child.outbound.spi)
    except LocalError as error:
        sa.log(Group.KNL, f"sending through CHILD_SA {child} failed: {error}")


def sender(child: ChildSa) -> int:
    """The outbound SPI of what traffic leaves through that is for this CHILD_SA."""
    return child.behind or child.outbound.spi


def outlived(sa: "Association") -> list[ChildSa]:
    """The CHILD_SAs whose traffic goes on in one of another IKE_SA once this one is gone."""
    own = {0, *(child.outbound.spi for child in sa.children.values())}
    carrying = (child for child in sa.children.values() if child.carries)
    return [child for child in carrying if sa.ports.contacts.sender(child.reqid) not in own]


def lost(child: ChildSa) -> Lost:
    """What it takes to make a CHILD_SA like this one."""
    agreed, config = child.agreed, child.config
    local, remote = (agreed.local_ts, agreed.remote_ts) if agreed else (config.local_ts, config.remote_ts)
    reqid = 0 if child.counted else child.reqid
    return Lost(config, child.unique_id, reqid, local, remote, child.hosts, child.marks)


def lost_children(sa: "Association") -> tuple[Lost, ...]:
    """Those that carry traffic and have no successor in the same IKE_SA."""
    return tuple(lost(child) for child in sa.children.values() if child.carries and not child.replaced_by)
