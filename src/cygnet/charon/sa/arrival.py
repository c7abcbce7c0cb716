"""A message of the peer's has come: when, and where from (RFC 7296, 2.23; RFC 4555, 3.8)."""

from cygnet.charon.sa import moving
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.mobility import Pair
from cygnet.charon.sa.states import IkeState


def arrived(sa: Association, pair: Pair) -> None:
    """It is verified and new: remember when, follow it where it comes from."""
    sa.arrival, sa.times.received = pair, sa.now
    if sa.keys is None:
        sa.local = pair[0]
        sa.remote = sa.remote if sa.initiator else pair[1]  # anybody may send this one
    elif pair != (sa.local, sa.remote):
        _follow(sa, pair)


def _follow(sa: Association, pair: Pair) -> None:
    """Other ports or addresses of an authenticated peer.

    One that sits behind a NAT itself keeps its idea of the peer once the IKE_SA is established; with MOBIKE
    only the initiator's word counts, but where a path is being looked for this one is tried at once.
    """
    if sa.state is IkeState.CONNECTING or not (sa.nat.here or sa.peer.mobike):
        moving.follow(sa, *pair)
    elif sa.is_searching and sa.mobility.hint != pair:
        sa.mobility.hint, sa.mobility.resend = pair, True
