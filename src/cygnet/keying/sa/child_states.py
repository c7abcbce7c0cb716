"""The states of CHILD_SAs, and which may follow which; what is absent is a bug."""

from enum import StrEnum


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


def check_child_move(old: ChildState, new: ChildState) -> None:
    """Raise :class:`IllegalMoveError` unless ``new`` may follow ``old``."""
    if (old, new) not in CHILD_MOVES:
        raise IllegalMoveError(f"CHILD_SA from {old} to {new}")
