"""Which state of a CHILD_SA may follow which."""

import pytest

from cygnet.keying.sa.child_states import CHILD_MOVES, ChildState, IllegalMoveError, check_child_move


def test_moves_in_the_table_are_legal_and_all_others_are_not() -> None:
    for old in ChildState:
        for new in ChildState:
            if (old, new) in CHILD_MOVES:
                check_child_move(old, new)
            else:
                with pytest.raises(IllegalMoveError):
                    check_child_move(old, new)

def test_every_state_can_be_destroyed_and_none_comes_back() -> None:
    ends = ChildState.DESTROYING
    assert all((state, ends) in CHILD_MOVES for state in ChildState if state is not ends)
    assert not any(old is ends for old, _ in CHILD_MOVES)
