"""Carrying out orders of operators, jobs and the kernel (``sa.orders``)."""

from cygnet.base.effects import Adopt
from cygnet.base.groups import Group
from cygnet.base.selectors import TrafficSelector
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.child_sa import Agreed, ChildSa
from cygnet.keying.sa.child_states import ChildState
from cygnet.pluto.sa import agenda, deletion, succession, unity
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.child_wishes import WantedChild
from cygnet.pluto.sa.exchanges import Exchanges
from cygnet.pluto.sa.orders import (
    Acquire,
    HandOver,
    Initiate,
    KernelExpire,
    KernelReset,
    MappingChange,
    Order,
    RekeyChild,
    RekeyIke,
    TakeOver,
    TerminateChild,
    TerminateIke,
    UpdateConfig,
)
from cygnet.pluto.sa.quick_context import Outcome, QuickMode
from cygnet.pluto.sa.states import IkeState
from cygnet.pluto.sa.wishes import Wish


def carry_out(sa: Association, exchanges: Exchanges, order: Order) -> None:  # noqa: C901 - a table
    """One order, one function."""
    match order:
        case Initiate():
            _initiate(sa, exchanges, order)
        case Acquire():
            _acquire(sa, exchanges, order)
        case TerminateIke():
            _terminate(sa, exchanges, order)
        case TerminateChild():
            _terminate_child(sa, order)
        case RekeyIke():
            reason = renew(sa)
            sa.finish(order.ticket, not reason, reason)
        case RekeyChild():
            _rekey(sa, _named(sa, order.unique_id, order.name), order.ticket)
        case KernelExpire():
            _expire(sa, order)
        case MappingChange():
            if sa.nat.there:
                sa.follow(sa.local, order.remote)
        case KernelReset():
            _reset(sa)
        case UpdateConfig():
            sa.config = order.config
        case HandOver():
            succession.appoint(sa, order.heir)
        case TakeOver():
            succession.take_over(sa, order.estate)


def start(sa: Association, exchanges: Exchanges) -> None:
    """Begin phase 1 unless it has begun."""
    if sa.life is not IkeState.CREATED:
        return
    sa.move_to(IkeState.CONNECTING)
    mode = "Aggressive Mode" if sa.peer_config.aggressive else "Main Mode"
    sa.log(Group.IKE, f"initiating {mode} IKE_SA {sa} to {sa.remote.address}")
    exchanges.begin(agenda.phase1_row(sa))


def renew(sa: Association) -> str:
    """Phase 1 anew: another ISAKMP SA with the same peer, to which this one hands over once it is there.

    Returns why not, or nothing.
    """
    if sa.life is not IkeState.ESTABLISHED or sa.config is None or sa.heir or sa.make_successor is None:
        return "it is not established, or replaced already"
    if sa.serves:
        sa.log(Group.IKE, f"IKE_SA {sa} is its client's to renew, who has a password to give or an address")
        return "it is its client's to renew, who has a password to give or an address"
    sa.log(Group.IKE, f"reauthenticating IKE_SA {sa}")
    sa.effects.append(Adopt(sa.make_successor()))
    return ""


def rekey_child(sa: Association, child: ChildSa, outcome: Outcome | None = None) -> None:
    """Negotiate an IPsec SA anew."""
    agreed = child.agreed
    if agreed is None or child.state != ChildState.INSTALLED:
        return
    sa.move_child(child, ChildState.REKEYING)
    quick = _again(sa, child.config, agreed)
    quick.reqid = 0 if child.counted else child.reqid
    quick.replaces = child.unique_id
    quick.outcomes += [outcome] if outcome else []
    sa.wanted.append(Wish(agenda.QUICK, quick))


def _again(sa: Association, config: ChildConfig, agreed: Agreed) -> QuickMode:
    """A quick mode for what an IPsec SA carries."""
    selectors = agreed.local_ts, agreed.remote_ts
    quick = QuickMode(sa, True, config, *unity.proposed(sa, selectors))
    quick.local_ts, quick.remote_ts = selectors
    return quick


def _initiate(sa: Association, exchanges: Exchanges, order: Initiate) -> None:
    if len(sa.wanted) >= sa.ports.settings.max_queued:
        sa.finish(order.ticket, False, f"{len(sa.wanted)} orders are waiting already")
    elif order.child is None:
        if sa.established and sa.configured:
            sa.finish(order.ticket, True)
        elif order.ticket:
            sa.tickets.append(order.ticket)
    else:
        wanted = WantedChild(sa, order.child, Outcome(sa, order.ticket), order.reqid)
        sa.wanted.append(Wish(agenda.QUICK, wanted))
    start(sa, exchanges)


def _acquire(sa: Association, exchanges: Exchanges, order: Acquire) -> None:
    if len(sa.wanted) >= sa.ports.settings.max_queued:
        sa.finish(order.ticket, False, f"{len(sa.wanted)} orders are waiting already")
        return
    packet = (order.source, order.destination)
    wanted = WantedChild(sa, order.child, Outcome(sa, order.ticket), order.reqid, packet)
    sa.wanted.append(Wish(agenda.QUICK, wanted))
    start(sa, exchanges)


def _terminate(sa: Association, exchanges: Exchanges, order: TerminateIke) -> None:
    deletion.delete_ike(sa)
    exchanges.inform()
    exchanges.end(order.reason or "closed by us")
    sa.finish(order.ticket, True)


def _terminate_child(sa: Association, order: TerminateChild) -> None:
    found = _named(sa, order.unique_id, order.name)
    for child in found:
        sa.log(Group.IKE, f"closing CHILD_SA {child} with SPIs {child.spis_text}")
        deletion.delete_child(sa, child)
    sa.finish(order.ticket, bool(found), "" if found else "no such CHILD_SA")


def _rekey(sa: Association, children: list[ChildSa], ticket: int) -> None:
    fitting = [child for child in children if child.state == ChildState.INSTALLED]
    if not fitting:
        sa.finish(ticket, False, "no such CHILD_SA")
    outcome = Outcome(sa, ticket)
    for child in fitting:
        outcome.begin()
        rekey_child(sa, child, outcome)


def _expire(sa: Association, order: KernelExpire) -> None:
    child = next((one for one in sa.children.values() if order.id in (one.inbound, one.outbound)), None)
    if child is None or child.agreed is None:
        return
    if not order.hard:
        if _is_redundant(sa, child):
            sa.move_child(child, ChildState.REKEYED)
        else:
            rekey_child(sa, child)
        return
    rekeyed = child.state == ChildState.REKEYED
    if not rekeyed:
        sa.log(Group.IKE, f"CHILD_SA {child} expired")
    deletion.delete_child(sa, child, rekeyed=rekeyed)


def _is_redundant(sa: Association, child: ChildSa) -> bool:
    """Whether there is a newer one for the same traffic: both sides rekeyed at once."""
    newer = (one for one in sa.children.values() if one.unique_id > child.unique_id)
    return child.state == ChildState.INSTALLED and any(
        one.state == ChildState.INSTALLED and _traffic(one) == _traffic(child) for one in newer
    )


def _traffic(child: ChildSa) -> tuple[tuple[TrafficSelector, ...], ...]:
    agreed = child.agreed
    return (agreed.local_ts, agreed.remote_ts) if agreed is not None else ()


def _reset(sa: Association) -> None:
    """Everything is gone: the same IPsec SAs again."""
    for child in tuple(sa.children.values()):
        agreed = child.agreed
        sa.drop_child(child)
        if agreed is not None and child.state != ChildState.REKEYED:
            sa.wanted.append(Wish(agenda.QUICK, _again(sa, child.config, agreed)))


def _named(sa: Association, unique_id: int, name: str) -> list[ChildSa]:
    return [
        child
        for child in sa.children.values()
        if child.unique_id == unique_id or (not unique_id and child.config.name == name)
    ]

