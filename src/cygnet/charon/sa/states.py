"""The states of IKE_SAs and CHILD_SAs, and which may follow which; what is absent is a bug."""

from enum import StrEnum


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


class ChildState(StrEnum):
    """States of a CHILD_SA, under strongSwan's names."""

    CREATED = "CREATED"
    INSTALLING = "INSTALLING"
    INSTALLED = "INSTALLED"
    REKEYING = "REKEYING"
    REKEYED = "REKEYED"
    DELETING = "DELETING"
    DELETED = "DELETED"
    DESTROYING = "DESTROYING"


class IllegalMoveError(RuntimeError):
    """A state was left in a way the table does not know; a bug of ours."""


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

_C = ChildState
CHILD_MOVES = frozenset(
    {
        (_C.CREATED, _C.INSTALLING),
        (_C.CREATED, _C.DESTROYING),
        (_C.INSTALLING, _C.INSTALLED),
        (_C.INSTALLING, _C.DESTROYING),
        (_C.INSTALLED, _C.REKEYING),  # by us, or by the peer with several key exchanges
        (_C.INSTALLED, _C.REKEYED),  # the peer rekeyed it
        (_C.INSTALLED, _C.DELETING),
        (_C.INSTALLED, _C.DESTROYING),
        (_C.REKEYING, _C.INSTALLED),  # the peer refused
        (_C.REKEYING, _C.REKEYED),
        (_C.REKEYING, _C.DELETING),
        (_C.REKEYING, _C.DESTROYING),
        (_C.REKEYED, _C.INSTALLED),  # the peer took its new one back
        (_C.REKEYED, _C.DELETING),
        (_C.REKEYED, _C.DESTROYING),
        (_C.DELETING, _C.DELETED),
        (_C.DELETING, _C.DESTROYING),
        (_C.DELETED, _C.DESTROYING),
    }
)


def check_ike_move(old: IkeState, new: IkeState) -> None:
    """Raise :class:`IllegalMoveError` unless ``new`` may follow ``old``."""
    if (old, new) not in IKE_MOVES:
        raise IllegalMoveError(f"IKE_SA from {old} to {new}")


def check_child_move(old: ChildState, new: ChildState) -> None:
    """Raise :class:`IllegalMoveError` unless ``new`` may follow ``old``."""
    if (old, new) not in CHILD_MOVES:
        raise IllegalMoveError(f"CHILD_SA from {old} to {new}")
