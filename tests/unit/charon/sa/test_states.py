"""Which state may follow which."""

import pytest

from cygnet.charon.sa.states import (
    CHILD_MOVES,
    IKE_MOVES,
    ChildState,
    IkeState,
    IllegalMoveError,
    check_child_move,
    check_ike_move,
)


def test_moves_in_the_tables_are_legal_and_all_others_are_not() -> None:
    for old in IkeState:
        for new in IkeState:
            if (old, new) in IKE_MOVES:
                check_ike_move(old, new)
            else:
                with pytest.raises(IllegalMoveError):
                    check_ike_move(old, new)
    for one in ChildState:
        for other in ChildState:
            if (one, other) in CHILD_MOVES:
                check_child_move(one, other)
            else:
                with pytest.raises(IllegalMoveError):
                    check_child_move(one, other)


def test_every_state_can_be_destroyed_and_none_comes_back() -> None:
    ends, child_ends = IkeState.DESTROYING, ChildState.DESTROYING
    assert all((state, ends) in IKE_MOVES for state in IkeState if state is not ends)
    assert all((state, child_ends) in CHILD_MOVES for state in ChildState if state is not child_ends)
    assert not any(old is ends for old, _ in IKE_MOVES)
    assert not any(old is child_ends for old, _ in CHILD_MOVES)
