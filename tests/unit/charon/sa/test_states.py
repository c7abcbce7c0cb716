"""Which state of an IKE_SA may follow which."""

import pytest

from cygnet.charon.sa.states import IKE_MOVES, IkeState, check_ike_move
from cygnet.keying.sa.child_states import IllegalMoveError


def test_moves_in_the_table_are_legal_and_all_others_are_not() -> None:
    for old in IkeState:
        for new in IkeState:
            if (old, new) in IKE_MOVES:
                check_ike_move(old, new)
            else:
                with pytest.raises(IllegalMoveError):
                    check_ike_move(old, new)


def test_every_state_can_be_destroyed_and_none_comes_back() -> None:
    ends = IkeState.DESTROYING
    assert all((state, ends) in IKE_MOVES for state in IkeState if state is not ends)
    assert not any(old is ends for old, _ in IKE_MOVES)
