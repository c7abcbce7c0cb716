"""States, methods, errors, lifetimes: what exchange tests reach only by luck."""

import pytest

from cygnet.base.errors import LocalError, MalformedError
from cygnet.crypto.errors import InvalidKeError, SignatureError
from cygnet.keying.sa.child_states import IllegalMoveError
from cygnet.pluto.encoding.errors import ERRORS, NoProposalChosenError, UndecipherableError
from cygnet.pluto.encoding.exchanges import exchange_name
from cygnet.pluto.encoding.methods import METHODS
from cygnet.pluto.encoding.notify import NotifyType, is_error, notify_name
from cygnet.pluto.encoding.phase2_offers import Life
from cygnet.pluto.sa.association import fresh_cookie
from cygnet.pluto.sa.conversation import MAX_DIGESTS, Conversation
from cygnet.pluto.sa.errors import NoPrivateKeyError, notify_of
from cygnet.pluto.sa.lifetimes import lesser
from cygnet.pluto.sa.states import IkeState, State, check_ike_move


def test_states_have_names_numbers_and_stories_as_whack_prints_them():
    assert (State.MAIN_I4, State.MAIN_I4.label) == (8, "STATE_MAIN_I4")
    assert State.QUICK_I2.story == "sent QI2, IPsec SA established"
    assert len({int(state) for state in State}) == len(State) == 35


def test_move_that_the_table_lacks_is_a_bug():
    check_ike_move(IkeState.CREATED, IkeState.CONNECTING)
    with pytest.raises(IllegalMoveError):
        check_ike_move(IkeState.DESTROYING, IkeState.ESTABLISHED)


@pytest.mark.parametrize(
    ("error", "notify"),
    [
        (NoProposalChosenError("x"), 14),
        (MalformedError("x"), 16),  # IKEv2's number is 7
        (InvalidKeError("x"), None),  # and means something else here
        (SignatureError("x"), 24),
        (NoPrivateKeyError("x"), 24),
        (UndecipherableError("x"), None),
        (LocalError("x"), None),
    ],
)
def test_peer_is_told_numbers_of_ikev1(error, notify):
    assert notify_of(error) == notify


def test_every_error_that_is_told_is_an_error_notify():
    assert all(is_error(error.notify) and notify_name(error.notify)[0] != "(" for error in ERRORS)


def test_numbers_that_are_not_known_are_shown_as_numbers():
    assert notify_name(12345) == "(12345)" and exchange_name(99) == "(99)"
    assert len({int(row) for row in NotifyType}) == len(NotifyType)


def test_one_side_of_an_xauth_method_is_asked():
    for row in METHODS:
        assert not (row.asks_user(True) and row.asks_user(False))
        assert (row.asks_user(True) or row.asks_user(False)) is (row.xauth is not None)


def test_conversation_remembers_the_last_messages():
    conversation = Conversation(32, 1, True, State.QUICK_I1)
    messages = [bytes([number]) for number in range(MAX_DIGESTS + 1)]
    for one in messages:
        conversation.received(one)
    assert not conversation.knows(messages[0]) and conversation.knows(messages[1])
    assert conversation.is_last(messages[-1]) and not conversation.is_last(messages[1])


def test_lesser_lifetime():
    assert lesser(Life(100, 0), Life(200, 50)) == Life(100, 50)
    assert lesser(Life(100, 60), Life(90, 50)) == Life(90, 50)
    assert lesser(Life(1, 0), Life(2, 0)) == Life(1, 0)


def test_cookie_is_never_zero():
    octets = iter((bytes(8), b"a cookie"))
    assert fresh_cookie(lambda size: next(octets)) == b"a cookie"
