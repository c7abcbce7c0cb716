"""One ISAKMP SA takes another's place: IPsec SAs and addresses go over, nothing in the kernel is touched.

IKEv1 has no exchange for that: phase 1 is simply done anew, and IPsec SAs belong to the peer, not to the
ISAKMP SA that made them (RFC 2408, 2.1; RFC 2409, 4).
"""

from contextlib import suppress
from dataclasses import dataclass

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.keying.sa.child_sa import ChildSa
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.events import ChildDown
from cygnet.pluto.sa import virtual_ips
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.events import Event, HandedOver
from cygnet.pluto.sa.facts import Virtual
from cygnet.pluto.sa.ports import Ports
from cygnet.pluto.sa.states import IkeState
from cygnet.pluto.sa.timers import SWITCH_S, DropReplaced, SwitchOutbound
from cygnet.pluto.sa.wishes import Wish


@dataclass(frozen=True, slots=True)
class Estate:
    """What is left to an heir: IPsec SAs, addresses of mode config, what was still to be done.

    An heir takes it with the order ``TakeOver``; without one it ends with :func:`forfeit`.
    """

    ike_id: int
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
    estate = Estate(sa.unique_id, moving, sa.virtual, tuple(sa.wanted))
    sa.virtual = Virtual()
    sa.wanted.clear()
    sa.move_to(IkeState.REKEYED)
    sa.announce(HandedOver(sa.unique_id, heir, estate))
    sa.schedule(sa.ports.settings.make_before_break_s, DropReplaced())


def take_over(sa: Association, estate: Estate) -> None:
    """Go on with what another ISAKMP SA had."""
    for child in estate.children:
        sa.children[child.unique_id] = child
        sa.move_path(child)
        if child.behind:
            sa.schedule(SWITCH_S, SwitchOutbound(child.unique_id))
    if estate.children:
        sa.log(Group.IKE, f"{sa} takes over {len(estate.children)} CHILD_SAs")
    _take_addresses(sa, estate)
    for wish in estate.wanted:
        wish.context.adopt(sa)
        sa.wanted.append(wish)


def _take_addresses(sa: Association, estate: Estate) -> None:
    """Mode config was perhaps done anew: then what it gave stands, mostly the same again."""
    received, given = estate.virtual.received, estate.virtual.given
    if received is not None and sa.virtual.received is None:
        sa.virtual.received = received
    elif received is not None:
        sa.announce(virtual_ips.gone(sa.ports, received))
    if given:
        sa.ports.addresses.move(estate.ike_id, sa.unique_id)
    sa.virtual.given = tuple(dict.fromkeys((*sa.virtual.given, *given)))


def forfeit(ports: Ports, estate: Estate) -> list[Event]:
    """There is no heir any more: everything leaves the kernel, addresses are given back.

    Returns the events that tell of it. What the kernel refuses to remove is left to its lifetime.
    """
    events: list[Event] = []
    for child in estate.children:
        with suppress(LocalError):
            child.remove(ports.kernel)
        if child.counted:
            ports.numbers.release_reqid(child.reqid)
        child.move_to(ChildState.DESTROYING)
        events.append(ChildDown(estate.ike_id, child.config, child.snapshot()))
    if estate.virtual.given:
        ports.addresses.release(estate.ike_id)
    if estate.virtual.received is not None:
        events.append(virtual_ips.gone(ports, estate.virtual.received))
    for wish in estate.wanted:
        events += wish.context.abandoned("the IKE_SA is gone")
    return events
