"""One ISAKMP SA takes another's place: IPsec SAs and addresses go over, nothing in the kernel is touched.

IKEv1 has no exchange for that: phase 1 is simply done anew, and IPsec SAs belong to the peer, not to the
ISAKMP SA that made them (RFC 2408, 2.1; RFC 2409, 4).
"""

from dataclasses import dataclass

from cygnet.base.groups import Group
from cygnet.pluto.sa.association import Association, Virtual
from cygnet.pluto.sa.children import ChildSa
from cygnet.pluto.sa.events import HandedOver
from cygnet.pluto.sa.states import IkeState
from cygnet.pluto.sa.timers import DropReplaced
from cygnet.pluto.sa.wishes import Wish


@dataclass(frozen=True, slots=True)
class Estate:
    """What is left to an heir: IPsec SAs, addresses of mode config, what was still to be done."""

    children: tuple[ChildSa, ...]
    virtual: Virtual
    wanted: tuple[Wish, ...]


def appoint(sa: Association, heir: int) -> None:
    """Another ISAKMP SA of the same peer shall have everything, as soon as no exchange is under way."""
    if sa.life is IkeState.ESTABLISHED and heir != sa.unique_id:
        sa.heir = heir


def hand_over(sa: Association) -> None:
    """Give everything to the heir, and end a little later."""
    heir = sa.heir
    if sa.life is not IkeState.ESTABLISHED or not heir:
        return
    moving = tuple(child for child in sa.children.values() if child.agreed is not None)
    for child in moving:
        del sa.children[child.unique_id]
    estate = Estate(moving, sa.virtual, tuple(sa.wanted))
    sa.virtual = Virtual()
    sa.wanted.clear()
    sa.move_to(IkeState.REKEYED)
    sa.announce(HandedOver(sa.unique_id, heir, estate))
    sa.schedule(sa.ports.settings.make_before_break_s, DropReplaced())


def take_over(sa: Association, estate: Estate) -> None:
    """Go on with what another ISAKMP SA had."""
    for child in estate.children:
        sa.children[child.unique_id] = child
        child.move(sa.ports.kernel, sa.path)
    if estate.children:
        sa.log(Group.IKE, f"{sa} takes over {len(estate.children)} CHILD_SAs")
    if estate.virtual.received is not None and sa.virtual.received is None:
        sa.virtual.received = estate.virtual.received
    sa.virtual.given = tuple(dict.fromkeys((*sa.virtual.given, *estate.virtual.given)))
    for wish in estate.wanted:
        wish.context.adopt(sa)
        sa.wanted.append(wish)
