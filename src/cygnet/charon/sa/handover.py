"""From an IKE_SA to the one that its rekeying made (RFC 7296, 2.8, 2.8.2, 2.18)."""

from dataclasses import replace

from cygnet.base.groups import Group
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.establish import establish
from cygnet.charon.sa.rekeying import Crossing
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.timers import DeletionOverdue, DropRekeyed
from cygnet.charon.sa.virtual_ips import pass_on
from cygnet.crypto.proposals import Proposal

_JUST_NOW_S = 1.0
"""A timer due this long ago may still be on its way to the old IKE_SA; one that comes twice does nothing."""

_REDUNDANT_S = 30.0
OVERDUE_S = 10.0
"""So long after a rekeying of the peer's the deletion of the old IKE_SA may still be on its way."""


def successor(sa: Association, initiator: bool, spis: tuple[bytes, bytes], agreed: Proposal) -> Association:
    """A new IKE_SA without keys; who requested the rekeying is its initiator (RFC 7296, 2.18)."""
    new = Association(sa.ports, sa.ports.numbers.ike(), initiator, *spis, sa.local, sa.remote)
    new.proposal, new.config, new.handshake, new.now = agreed, sa.config, None, sa.now
    new.local_id, new.remote_id, new.auth_name = sa.local_id, sa.remote_id, sa.auth_name
    new.remote_eap_id, new.ppk = sa.remote_eap_id, sa.ppk
    new.nat, new.peer, new.peer_chains = replace(sa.nat), replace(sa.peer), sa.peer_chains
    new.times.created = new.times.received = new.times.sent = sa.now
    new.times.reauth, new.times.auth_end = sa.times.reauth, sa.times.auth_end
    return new


def hand_over(sa: Association, new: Association) -> None:
    """``new`` takes over: CHILD_SAs with their timers, and what was wanted of the old one."""
    if sa.state is not IkeState.REKEYED:
        sa.move_to(IkeState.REKEYED)
    for waiting in tuple(sa.series.values()):
        waiting.give_up("the IKE_SA was rekeyed meanwhile")
    sa.replaced_by = new.unique_id
    new.local, new.remote, new.now = sa.local, sa.remote, sa.now
    new.nat = replace(sa.nat)
    sa.peer = replace(sa.peer, mobility=sa.mobility.of_rekeyed())
    pass_on(sa, new)
    new.children, sa.children = sa.children, {}
    new.crossings, sa.crossings = sa.crossings, {}
    new.succeeds, sa.succeeds = sa.succeeds, 0
    new.reauthenticating, new.reauth_failures = sa.reauthenticating, sa.reauth_failures
    sa.crossing = Crossing()
    establish(new, replaces=sa.unique_id)
    for child in new.children.values():
        for timer, due in tuple(child.timers.items()):
            if due > new.now - _JUST_NOW_S:
                new.schedule_child(child, max(due - new.now, 0), timer)
    sa.log(Group.IKE, f"IKE_SA {new} rekeyed between {new.between}")
    if sa.hooks is not None:
        sa.hooks.adopt(new)


def await_deletion(sa: Association) -> None:
    """The peer is to delete this rekeyed IKE_SA.

    Not before it must have given up waiting for our response do we: until then it may not know that it is
    rekeyed, and our deletion would take its CHILD_SAs. Where it cannot be asked in the new IKE_SA yet, it is
    told in the old one of a move that is under way, and asked there whether the path is still good.
    """
    sa.schedule(sa.ports.settings.answer_patience_s, DropRekeyed())
    if sa.peer.mobike:
        moving = sa.mobility.verified is not None
        sa.schedule(0.0 if moving else OVERDUE_S, DeletionOverdue())


def keep_redundant(sa: Association, new: Association) -> None:
    """An IKE_SA that lost against another's rekeying lives on until who made it has deleted it.

    If the peer made it, but ended its attempt before it had our response, it does not know it: after a
    while it goes without a word.
    """
    new.local, new.remote, new.now = sa.local, sa.remote, sa.now
    new.replaced_by, new.redundant = sa.replaced_by or sa.unique_id, True
    new.peer = replace(new.peer, mobility=sa.mobility.of_rekeyed())
    new.move_to(IkeState.REKEYED)
    new.schedule(sa.ports.settings.half_open_timeout_s or _REDUNDANT_S, DropRekeyed())
    if sa.hooks is not None:
        sa.hooks.adopt(new)


def settle_for_theirs(sa: Association) -> bool:
    """If the peer made a new IKE_SA while we were about to, take that, and forget our attempt (2.8.2)."""
    ours, theirs = sa.crossing.ours, sa.crossing.theirs
    if theirs is None or theirs.new is None:
        return False
    if ours is not None:
        sa.finish(ours.ticket, True)
        ours.ticket = 0
    sa.log(Group.IKE, f"IKE_SA {sa} was rekeyed by the peer, ending our own rekeying")
    hand_over(sa, theirs.new)
    return True
