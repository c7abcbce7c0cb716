"""The transition tables as an auditor reads them: complete, without doubles, without dead ends."""

from itertools import combinations

from cygnet.pluto.encoding.exchanges import Exchange
from cygnet.pluto.sa.states import PHASE_1_DONE, State
from cygnet.pluto.sa.tables import TABLES
from cygnet.pluto.sa.transitions import Cover, Hash, Wait

FINAL = {
    *PHASE_1_DONE, State.QUICK_I2, State.QUICK_R2, State.INFO, State.INFO_PROTECTED, State.XAUTH_I1,
    State.XAUTH_I2, State.XAUTH_R3, State.MODE_CFG_I2, State.MODE_CFG_I3, State.MODE_CFG_R1,
    State.MODE_CFG_R4,
}  # fmt: skip
BEGINNINGS = {
    State.START, State.MAIN_R0, State.AGGR_R0, State.QUICK_R0, State.XAUTH_I0, State.MODE_CFG_R0,
    State.MODE_CFG_I0, State.INFO, State.INFO_PROTECTED,
}  # fmt: skip


def test_every_state_is_in_a_table():
    assert {row.state for row in TABLES} | {row.next for row in TABLES} == set(State)


def test_every_state_is_reached_or_begins_an_exchange():
    assert {row.state for row in TABLES} <= {row.next for row in TABLES} | BEGINNINGS


def test_every_state_that_waits_for_a_message_has_a_row_for_it():
    waiting = {row.next for row in TABLES if row.wait is not Wait.OVER}
    assert waiting <= {row.state for row in TABLES}
    assert {row.next for row in TABLES if row.wait is Wait.OVER} <= FINAL | {State.XAUTH_R1}


def test_no_two_rows_take_the_same_message():
    for one, other in combinations([row for row in TABLES if row.state is not State.START], 2):
        if (one.state, one.exchange) == (other.state, other.exchange):
            assert (one.proof, one.kind) != (other.proof, other.kind)


def test_everything_after_phase_1_is_encrypted_and_authentic():
    for row in TABLES:
        if row.exchange in (Exchange.QUICK_MODE, Exchange.TRANSACTION) and row.state is not State.START:
            assert row.cover is Cover.ENCRYPTED and row.checks is not Hash.NONE, row


def test_whoever_answers_says_how():
    for row in TABLES:
        assert (row.signs is Hash.NONE) or row.answers is Cover.ENCRYPTED


def test_first_messages_of_strangers_are_never_retransmitted_to():
    """Nobody can make us send more than one answer to an address that he only claims to have."""
    for row in TABLES:
        if row.cover is Cover.CLEAR and row.state in (State.MAIN_R0, State.MAIN_R1, State.AGGR_R0):
            assert row.wait is Wait.HALF_OPEN
