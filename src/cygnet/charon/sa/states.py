"""The states of IKE_SAs, and which may follow which; what is absent is a bug."""

from enum import StrEnum

from cygnet.keying.sa.child_states import IllegalMoveError


class IkeState(StrEnum):
    """States of an IKE_SA, under strongSwan's names."""

    CREATED = "CREATED"
    CONNECTING = "CONNECTING"
    ESTABLISHED = "ESTABLISHED"
    REKEYING = "REKEYING"
    REKEYED = "REKEYED"
    DELETING = "DELETING"
    DESTROYING = "DESTROYING"


LIVE = (IkeState.ESTABLISHED, IkeState.REKEYING)
"""In which an IKE_SA has its CHILD_SAs and is not about to end."""
ENDING = (IkeState.REKEYED, IkeState.DELETING)
"""In which it waits for its deletion, by the peer or by us."""


_I = IkeState
IKE_MOVES = frozenset(
    {
        (_I.CREATED, _I.CONNECTING),
        (_I.CREATED, _I.ESTABLISHED),  # an IKE_SA that another's rekeying made
        (_I.CREATED, _I.REKEYED),  # one that is redundant, since both sides rekeyed
        (_I.CREATED, _I.DESTROYING),
        (_I.CONNECTING, _I.ESTABLISHED),
        (_I.CONNECTING, _I.DELETING),
        (_I.CONNECTING, _I.DESTROYING),
        (_I.ESTABLISHED, _I.REKEYING),  # by us, or by the peer with several key exchanges
        (_I.ESTABLISHED, _I.REKEYED),  # the peer rekeyed it
        (_I.ESTABLISHED, _I.DELETING),
        (_I.ESTABLISHED, _I.DESTROYING),
        (_I.REKEYING, _I.ESTABLISHED),  # the peer refused
        (_I.REKEYING, _I.REKEYED),
        (_I.REKEYING, _I.DELETING),
        (_I.REKEYING, _I.DESTROYING),
        (_I.REKEYED, _I.DELETING),
        (_I.REKEYED, _I.DESTROYING),
        (_I.DELETING, _I.DESTROYING),
    }
)


def check_ike_move(old: IkeState, new: IkeState) -> None:
    """Raise :class:`IllegalMoveError` unless ``new`` may follow ``old``."""
    if (old, new) not in IKE_MOVES:
        raise IllegalMoveError(f"IKE_SA from {old} to {new}")
