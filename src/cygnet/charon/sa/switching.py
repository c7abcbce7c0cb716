"""From an older CHILD_SA to the one that the peer had us make in its place (RFC 7296, 2.8)."""

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.succession import promote
from cygnet.charon.sa.tasks.child_delete import ChildDelete
from cygnet.charon.sa.timers import SwitchOutbound
from cygnet.keying.sa.child_sa import ChildSa
from cygnet.keying.sa.child_states import ChildState

STAND_BY_S = 3.0
"""How long one that no rekeying made stands behind another: nobody has to delete that other one."""


def switch_outbound(sa: Association, timer: SwitchOutbound) -> None:
    """Send through the new one once something came in through it.

    As long as neither traffic nor the deletion of the old one shows that the peer can receive on the new
    one, look again after twice the time. When the peer must have given up waiting for our response, the
    new one is used and the old one deleted. One that our own rekeying made redundant is only waited for,
    until the peer deletes it.
    """
    child = sa.children.get(timer.child_id)
    if child is None or not child.carries or child.sends:
        return
    over = timer.waited_s >= (sa.ports.settings.answer_patience_s if child.renewal else STAND_BY_S)
    if child.replaced_by:
        if over:
            _delete(sa, child)
    elif over or _has_received(sa, child):
        promote(sa, child)
    if over:
        _delete_replaced(sa, child)
    elif not child.sends:
        again = SwitchOutbound(child.unique_id, 2 * timer.waited_s + 1)
        sa.schedule_child(child, again.waited_s - timer.waited_s, again)


def _has_received(sa: Association, child: ChildSa) -> bool:
    try:
        return sa.ports.kernel.query_sa(child.inbound).packets > 0
    except LocalError:
        return False


def _delete_replaced(sa: Association, child: ChildSa) -> None:
    for old in tuple(sa.children.values()):
        if old.replaced_by == child.unique_id and old.state is ChildState.REKEYED:
            _delete(sa, old)


def _delete(sa: Association, child: ChildSa) -> None:
    sa.log(Group.IKE, f"the peer does not delete CHILD_SA {child}, which was replaced, so we do")
    sa.wanted.append(ChildDelete(sa, child.spi_octets))
