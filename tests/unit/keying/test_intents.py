"""What is wanted of each connection, and what the end of a CHILD_SA asks for."""

from dataclasses import replace

import pytest

from cygnet.base.selectors import TrafficSelector
from cygnet.keying.config.records import Action, ChildConfig
from cygnet.keying.intents import (
    AS_CONFIGURED,
    LONGEST_PAUSE_S,
    End,
    Intents,
    Patience,
    Phase,
    Response,
    pause,
    response,
    shape_of,
)
from cygnet.keying.sa.endings import Cause, Lost

NET, OTHER = (TrafficSelector.of("10.1.0.0/16"),), (TrafficSelector.of("10.2.0.0/16"),)
CHILD = ChildConfig("net", NET, OTHER)
THREE = Patience(3)


@pytest.mark.parametrize("cause", [Cause.CLOSED, Cause.DEAD])
@pytest.mark.parametrize("ike_gone", [True, False])
@pytest.mark.parametrize("lasting", [True, False])
@pytest.mark.parametrize(
    ("action", "wanted"),
    [(Action.START, Response.NOW), (Action.TRAP, Response.TRAP), (Action.CLEAR, Response.NOTHING)],
)
def test_configured_action_decides_whatever_else_is_wanted(cause, ike_gone, lasting, action, wanted):
    actions = {"close_action": action} if cause is Cause.CLOSED else {"dpd_action": action}
    assert response(End(cause, ike_gone), replace(CHILD, **actions), lasting=lasting) is wanted


@pytest.mark.parametrize("action", list(Action))
def test_actions_are_for_their_own_causes(action):
    config = replace(CHILD, dpd_action=action)
    assert response(End(Cause.CLOSED, True), config, lasting=False) is Response.NOTHING
    config = replace(CHILD, close_action=action)
    assert response(End(Cause.DEAD, True), config, lasting=False) is Response.NOTHING


@pytest.mark.parametrize("cause", [Cause.CLOSED, Cause.DEAD, Cause.FAILED, Cause.REPLACED])
def test_lasting_wish_revives_what_went_with_its_ike_sa(cause):
    assert response(End(cause, True), CHILD, lasting=True) is Response.LATER
    assert response(End(cause, True), CHILD, lasting=False) is Response.NOTHING
    assert response(End(cause, False), CHILD, lasting=True) is Response.NOTHING


@pytest.mark.parametrize("cause", [Cause.ORDERED, Cause.INACTIVE])
@pytest.mark.parametrize("lasting", [True, False])
def test_what_was_ended_on_purpose_stays_ended(cause, lasting):
    config = replace(CHILD, close_action=Action.START, dpd_action=Action.START)
    assert response(End(cause, True), config, lasting=lasting) is Response.NOTHING


@pytest.mark.parametrize("cause", [Cause.LOST, Cause.RESET, Cause.REAUTH, Cause.REAUTHENTICATED])
def test_accidents_are_repaired_at_once(cause):
    assert response(End(cause, False), CHILD, lasting=False) is Response.NOW


@pytest.mark.parametrize(
    ("ike_gone", "ours", "lasting", "wanted"),
    [
        (False, False, False, Response.NOW),
        (True, True, False, Response.NOW),
        (True, False, False, Response.NOTHING),
        (True, False, True, Response.LATER),
    ],
)
def test_expired_is_renewed_by_whose_part_it_is(ike_gone, ours, lasting, wanted):
    assert response(End(Cause.EXPIRED, ike_gone, ours), CHILD, lasting=lasting) is wanted


def test_selectors_that_are_those_of_the_configuration_need_no_mention():
    assert shape_of(Lost(CHILD, 1, 0, NET, OTHER)) == AS_CONFIGURED
    assert shape_of(Lost(CHILD, 1, 0, OTHER, NET)) == (OTHER, NET)


def test_hosts_that_dynamic_selectors_stood_for_are_as_configured():
    config = ChildConfig("net", (TrafficSelector.of("%dynamic"),), (TrafficSelector.of("%dynamic"),))
    ours, theirs = (TrafficSelector.of(f"192.0.2.{last}/32") for last in (1, 2))
    lost = Lost(config, 1, 0, (ours,), (theirs,), ((ours.start,), (theirs.start,)))
    assert shape_of(lost) == AS_CONFIGURED
    assert shape_of(replace(lost, hosts=((ours.start,), (ours.start,)))) == ((ours,), (theirs,))


def test_pauses_grow_to_a_limit():
    assert [pause(tries, 0) for tries in range(7)] == [5, 5, 10, 20, 40, 80, 160]
    assert pause(1000, 0.999) < LONGEST_PAUSE_S * 1.25


# Attempts


def tried(intents, ticket=7, child="net"):
    intent = intents.begin(child, AS_CONFIGURED, ticket)
    intents.located(ticket, 40)
    return intent


def test_wish_for_once_is_forgotten_when_it_succeeds_or_fails():
    for end in (
        lambda intents: intents.succeeded(7),
        lambda intents: intents.failed(7, 0, THREE, 0),
    ):
        intents = Intents()
        tried(intents)
        end(intents)
        assert not list(intents.all())


def test_insistent_wish_waits_after_a_failure_and_gives_up_after_keyingtries():
    intents = Intents()
    intents.wait("net", AS_CONFIGURED, "dpdaction")
    delays = []
    for ticket in range(1, 4):
        tried(intents, ticket)
        verdict = intents.failed(ticket, 0, THREE, 0)
        delays.append(verdict.delay_s)
    assert delays == [5, 10, None] and verdict.given_up
    assert not list(intents.all())


def test_unanswered_attempts_that_the_ike_sa_made_itself_count():
    intents = Intents()
    intents.keep("net")
    tried(intents)
    verdict = intents.failed(7, 3, THREE, 0)
    assert verdict.given_up and intents.is_lasting("net")


def test_unanswered_attempts_do_not_lengthen_the_pause_after_a_refusal():
    intents = Intents()
    intents.keep("net")
    tried(intents)
    assert intents.failed(7, 40, Patience(0), 0).delay_s == 5


def test_for_ever_is_for_ever():
    intents = Intents()
    intents.keep("net")
    for ticket in range(1, 100):
        tried(intents, ticket)
        assert intents.failed(ticket, 5, Patience(0), 0).delay_s is not None


def test_retry_interval_goes_on_after_keyingtries():
    intents = Intents()
    intents.keep("net")
    for ticket in range(1, 10):
        tried(intents, ticket)
        assert intents.failed(ticket, 0, Patience(1, 60), 0).delay_s == 60


def test_what_waits_or_is_tried_is_not_begun_again():
    intents = Intents()
    assert intents.wait("net", AS_CONFIGURED, "one")
    assert intents.wait("net", AS_CONFIGURED, "two") is None
    tried(intents)
    assert intents.wait("net", AS_CONFIGURED, "three") is None
    assert intents.wait("net", (NET, OTHER), "other selectors")


def test_wish_that_comes_while_an_attempt_for_once_runs_makes_it_insistent():
    intents = Intents()
    tried(intents)
    intents.wait("net", AS_CONFIGURED, "closeaction")
    assert intents.failed(7, 0, THREE, 0).delay_s == 5


def test_wake_up_that_is_too_late_finds_nothing():
    intents = Intents()
    first = intents.wait("net", AS_CONFIGURED, "why").serial
    intents.satisfied("net")
    second = intents.wait("net", AS_CONFIGURED, "why").serial
    assert intents.waiting("net", AS_CONFIGURED, first) is None
    assert intents.waiting("net", AS_CONFIGURED, second)
    tried(intents)
    assert intents.waiting("net", AS_CONFIGURED, second) is None


def test_what_came_up_by_itself_is_waited_for_no_longer():
    intents = Intents()
    intents.keep("net")
    intents.wait("net", AS_CONFIGURED, "why")
    intents.satisfied("net")
    assert intents.get("net").phase is Phase.REST and intents.is_lasting("net")


def test_operator_holds_it_down_until_taking_it_up_again():
    intents = Intents()
    intents.keep("net")
    intents.wait("net", AS_CONFIGURED, "why")
    assert intents.cancel("net")
    assert not intents.is_lasting("net") and intents.get("net").phase is Phase.REST
    assert not intents.cancel("net")
    intents.release("net")
    assert intents.is_lasting("net")


def test_attempt_that_runs_while_it_is_held_down_is_the_last():
    intents = Intents()
    intents.keep("net")
    tried(intents)
    intents.cancel("net")
    assert intents.failed(7, 0, THREE, 0).delay_s is None


def test_forgotten_connection_leaves_nothing():
    intents = Intents()
    intents.keep("net")
    intents.wait("net", AS_CONFIGURED, "why")
    intents.forget("net")
    assert not list(intents.all())


def test_tickets_are_found_by_ike_sa_and_follow_its_rekeying():
    intents = Intents()
    tried(intents, 7)
    tried(intents, 8, "other")
    assert intents.tickets_of(40) == (7, 8)
    intents.moved(40, 41)
    assert (intents.tickets_of(40), intents.tickets_of(41)) == ((), (7, 8))
    assert intents.child_of(8) == "other"
    intents.succeeded(7)
    intents.failed(8, 0, THREE, 0)
    assert intents.tickets_of(41) == () and intents.child_of(8) == ""


def test_tickets_of_others_mean_nothing():
    intents = Intents()
    assert intents.failed(99, 0, THREE, 0) is None and intents.succeeded(99) is False
