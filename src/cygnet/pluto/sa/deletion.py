"""Deleting IPsec SAs and ISAKMP SAs, by us and by the peer (RFC 2408, 3.15; RFC 2409, 5.7)."""

from collections.abc import Iterable

from cygnet.base.groups import Group
from cygnet.crypto.proposals import Protocol
from cygnet.keying.config.records import Action
from cygnet.keying.sa.child_sa import ChildSa
from cygnet.keying.sa.child_states import ChildState
from cygnet.pluto.encoding.payloads import Delete
from cygnet.pluto.sa.association import Association, protocol_number
from cygnet.pluto.sa.events import ChildClosed, Reestablish
from cygnet.pluto.sa.quick_selectors import children_of
from cygnet.pluto.sa.states import IkeState


def delete_child(sa: Association, child: ChildSa, *, rekeyed: bool = False) -> None:
    """Tell the peer, and forget it: nobody confirms a delete."""
    if child.agreed is not None:
        text = f"sending DELETE for {child.protocol.name} CHILD_SA with SPI {child.inbound.spi:08x}"
        sa.log(Group.IKE, text)
        sa.inform(Delete(protocol_number(child), (child.spi_octets,)))
    sa.drop_child(child, rekeyed=rekeyed)


def delete_ike(sa: Association, *, children: bool = True) -> None:
    """Tell the peer of all IPsec SAs and then of the ISAKMP SA itself."""
    if sa.life in (IkeState.DELETING, IkeState.DESTROYING) or sa.keys is None:
        return
    if children:
        for child in tuple(sa.children.values()):
            delete_child(sa, child)
    if sa.usable:
        sa.log(Group.IKE, f"deleting IKE_SA {sa} between {sa.between}")
        sa.move_to(IkeState.DELETING)
    sa.log(Group.IKE, f"sending DELETE for IKE_SA {sa}")
    sa.inform(Delete(Protocol.IKE, (sa.cookies,)))


def read_delete(sa: Association, payload: Delete) -> str:
    """What the peer deleted; returns why the ISAKMP SA is over, empty while it is not."""
    if payload.protocol == Protocol.IKE:
        if sa.cookies not in payload.spis:
            return ""
        sa.log(Group.IKE, f"received DELETE for IKE_SA {sa}")
        return "the peer deleted the ISAKMP SA"
    found = [sa.child_by_spi(spi, payload.protocol, outbound=True) for spi in payload.spis if len(spi) == 4]
    close(sa, [child for child in found if child is not None])
    return ""


def close(sa: Association, children: Iterable[ChildSa]) -> None:
    """IPsec SAs that go without our asking; ``closeaction`` for those that were in use."""
    for child in children:
        text = f"received DELETE for {child.protocol.name} CHILD_SA with SPI {child.outbound.spi:08x}"
        sa.log(Group.IKE, text)
        in_use = child.state == ChildState.INSTALLED
        sa.drop_child(child, rekeyed=not in_use)
        action = Action(child.config.close_action.value)
        if in_use and action in (Action.START, Action.TRAP):
            sa.announce(ChildClosed(child.config, action, "closed by the peer", sa.config))


def over(sa: Association, *, dead: bool, reason: str) -> None:
    """The ISAKMP SA goes without our asking: ``dpdaction`` or ``closeaction`` of its IPsec SAs.

    Of all that ask for neither it is told too, for what is to be up for good: peers delete IPsec SAs first
    and then the ISAKMP SA, each with a message of its own, so that nothing may be left by now.
    """
    config = sa.config
    if config is not None and sa.life is IkeState.ESTABLISHED:
        start = sa.children_wanting(Action.START, dead=dead)
        for child in sa.children_wanting(Action.TRAP, dead=dead):
            sa.announce(ChildClosed(child, Action.TRAP, reason, config))
        for child in children_of(sa):
            if (child.dpd_action if dead else child.close_action) == Action.NONE:
                sa.announce(ChildClosed(child, Action.NONE, reason, config))
        if start:
            sa.announce(Reestablish(config, start, reason))
