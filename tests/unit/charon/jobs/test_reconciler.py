"""What connections should be, compared with what they are."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from simulation.recording import CHILD, LOCAL, PEER, REMOTE, Shell, child_up, ike_sa

from cygnet.base.selectors import TrafficSelector
from cygnet.charon.jobs.dialogues import Dialogue, Refusal, Settled
from cygnet.charon.jobs.initiation import Initiation
from cygnet.charon.jobs.reconciler import Reconciler
from cygnet.charon.sa.events import ChildClosed, Finished, IkeClosed
from cygnet.charon.sa.orders import Acquire, Initiate, TerminateChild
from cygnet.kernel.port import KernelError
from cygnet.keying.config.records import Action
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.endings import Cause, Lost

LOST = Lost(CHILD, 1, 0, LOCAL, REMOTE)


class Around:
    """A reconciler with its shell; IKE_SA 50 is established."""

    def __init__(self, **settings):
        self.shell = Shell(settings=DaemonSettings(**settings), sas={50: ike_sa(50)})
        self.routed = []
        self.refuse_traps = False
        self.asked, self.failed_acquires = {}, []
        traps = SimpleNamespace(
            installed=lambda: [SimpleNamespace(name=child.name) for child in self.routed],
            install=self._install,
            asked=lambda reqid, ticket: self.asked.update({ticket: reqid}),
            answered=lambda ticket: self.asked.pop(ticket, 0),
            acquire_failed=self.failed_acquires.append,
        )
        place = self.shell.place
        self.jobs = Reconciler(place, Initiation(place), traps, self.shell.installed)

    def _install(self, peer, child):
        if self.refuse_traps:
            raise KernelError("no room")
        self.routed.append(child)

    def load(self, child=CHILD, **changes):
        peer = replace(PEER, children=(child,), **changes)
        self.shell.loaded[child.name] = (peer, child)

    def established(self, event=None):
        event = event or child_up(1, 50)
        self.shell.installed.add(event)
        self.jobs.child_up(event)

    def finish(self, ok=False, reason="no", tries=0):
        order = self.initiates[-1]
        self.jobs.finished(Finished(order.ticket, ok, reason, tries))

    @property
    def initiates(self):
        return self.shell.orders(Initiate)


def test_up_is_followed_in_the_ike_sa_that_is_there():
    around = Around()
    assert isinstance(around.jobs.up(PEER, CHILD, 1), Dialogue)
    ((number, order),) = around.shell.ordered
    assert number == 50 and order.child is CHILD and order.ticket


def test_up_of_what_is_up_has_nothing_to_do():
    around = Around()
    around.established()
    answer = around.jobs.up(PEER, CHILD, 1)
    assert isinstance(answer, Settled) and not around.initiates
    words = "not establishing CHILD_SA net due to existing duplicate {1} with SPIs 00000101_i 00000201_o"
    assert answer.read(0) == words
    assert answer.read(0).ok


def test_up_joins_an_attempt_that_runs():
    around = Around()
    first, second = around.jobs.up(PEER, CHILD, 1), around.jobs.up(PEER, CHILD, 1)
    assert len(around.initiates) == 1
    around.shell.place.bus.publish(Finished(around.initiates[0].ticket, True))
    assert first.read(0).ok and second.read(0).ok


def test_up_without_an_ike_sa_to_be_had_says_why():
    around = Around()
    around.shell.sas.clear()
    around.shell.kernel.addresses = ()
    answer = around.jobs.up(PEER, CHILD, 1)
    assert isinstance(answer, Refusal) and "no route" in answer.read(0)
    assert not around.shell.events


def test_up_of_an_ike_sa_that_ends_at_that_moment_says_so():
    around = Around()
    around.shell.gone = True
    assert isinstance(around.jobs.up(PEER, CHILD, 1), Refusal)


def test_keep_tries_until_it_is_up_and_gives_up_after_keyingtries():
    around = Around()
    around.load(keying_tries=3)
    around.jobs.keep(CHILD)
    delays = []
    for _ in range(3):
        around.finish()
        delays += around.shell.later()
    assert len(around.initiates) == 3 and delays == [5, 10]
    assert around.shell.said("giving up (keyingtries)")


def test_keep_leaves_alone_what_is_up_or_comes_up_meanwhile():
    around = Around()
    around.established()
    around.jobs.keep(CHILD)
    assert not around.initiates
    other = Around()
    other.load(keying_tries=0)
    other.jobs.keep(CHILD)
    other.finish()
    other.established()
    other.shell.later()
    assert len(other.initiates) == 1


@pytest.mark.parametrize(
    ("changes", "cause", "ike_gone", "delays"),
    [
        ({}, Cause.CLOSED, True, []),
        ({"close_action": Action.START}, Cause.CLOSED, True, [0]),
        ({"close_action": Action.START}, Cause.CLOSED, False, [0]),
        ({"dpd_action": Action.START}, Cause.DEAD, True, [0]),
        ({}, Cause.RESET, False, [0]),
    ],
)
def test_closed_child_is_made_again_where_its_action_says_so(changes, cause, ike_gone, delays):
    around = Around()
    config = replace(CHILD, **changes)
    around.load(config)
    lost = replace(LOST, config=config, reqid=7)
    if ike_gone:
        around.jobs.ike_closed(IkeClosed(9, PEER, (lost,), cause, True))
    else:
        around.jobs.child_closed(ChildClosed(50, PEER, lost, cause))
    assert [order.reqid for order in around.initiates] == [7 for _ in delays]


def test_selectors_that_were_narrowed_come_back_as_they_were():
    around = Around()
    narrow = (TrafficSelector.of("10.1.7.0/24"),)
    lost = [replace(LOST, child_id=1, local_ts=narrow), replace(LOST, child_id=2)]
    around.jobs.ike_closed(IkeClosed(9, PEER, tuple(lost), Cause.REAUTH, True))
    assert [order.selectors for order in around.initiates] == [(narrow, REMOTE), None]


def test_closed_child_that_another_replaces_is_not_made_again():
    around = Around()
    config = replace(CHILD, close_action=Action.START)
    around.load(config)
    around.established(child_up(2, 50, config))
    around.jobs.ike_closed(IkeClosed(9, PEER, (replace(LOST, config=config),), Cause.CLOSED, True))
    assert not around.initiates


def test_kept_child_is_revived_some_seconds_after_its_ike_sa_was_closed():
    around = Around()
    around.jobs.keep(CHILD)
    around.finish(ok=True)
    around.jobs.ike_closed(IkeClosed(9, PEER, (LOST,), Cause.CLOSED, True))
    assert len(around.initiates) == 1
    assert around.shell.later() == [5]
    assert len(around.initiates) == 2


def test_trap_is_installed_once():
    around = Around()
    config = replace(CHILD, close_action=Action.TRAP)
    around.load(config)
    for _ in range(2):
        around.jobs.child_closed(ChildClosed(50, PEER, replace(LOST, config=config), Cause.CLOSED))
    assert around.routed == [config]


def test_trap_that_cannot_be_installed_is_told():
    around = Around()
    config = replace(CHILD, close_action=Action.TRAP)
    around.load(config)
    around.refuse_traps = True
    around.jobs.child_closed(ChildClosed(50, PEER, replace(LOST, config=config), Cause.CLOSED))
    assert around.shell.said("installing trap for 'net' failed: no room")


def test_what_is_configured_no_more_does_not_come_back():
    around = Around()
    around.shell.loaded.clear()
    around.jobs.ike_closed(IkeClosed(9, PEER, (LOST,), Cause.REAUTH, True))
    assert not around.initiates


def test_wish_whose_connection_goes_while_it_waits_ends():
    around = Around()
    around.load(keying_tries=0)
    around.jobs.keep(CHILD)
    around.finish()
    around.shell.loaded.clear()
    around.shell.later()
    assert len(around.initiates) == 1 and not around.shell.events


def test_stopping_daemon_establishes_and_routes_nothing():
    around = Around()
    around.load(keying_tries=0)
    around.jobs.keep(CHILD)
    around.finish()
    around.jobs.stop()
    around.shell.later()
    around.jobs.ike_closed(IkeClosed(9, PEER, (LOST,), Cause.REAUTH, True))
    around.jobs.acquire(PEER, Acquire(CHILD, 5, LOCAL[0], REMOTE[0]))
    assert len(around.initiates) == 1 and not around.shell.orders(Acquire)


def test_acquire_is_given_once_while_an_attempt_runs():
    around = Around()
    for _ in range(3):
        around.jobs.acquire(PEER, Acquire(CHILD, 5, LOCAL[0], REMOTE[0]))
    (order,) = around.shell.orders(Acquire)
    assert order.reqid == 5 and order.ticket
    around.jobs.finished(Finished(order.ticket, False, "no"))
    assert not around.shell.events
    around.jobs.acquire(PEER, Acquire(CHILD, 5, LOCAL[0], REMOTE[0]))
    assert len(around.shell.orders(Acquire)) == 2


def test_trap_hears_when_nothing_came_of_what_it_asked_for():
    around = Around()
    around.jobs.acquire(PEER, Acquire(CHILD, 5, LOCAL[0], REMOTE[0]))
    (order,) = around.shell.orders(Acquire)
    around.jobs.finished(Finished(order.ticket, False, "no"))
    around.jobs.finished(Finished(order.ticket, False, "no"))
    assert around.failed_acquires == [5]
    around.jobs.acquire(PEER, Acquire(CHILD, 5, LOCAL[0], REMOTE[0]))
    around.jobs.finished(Finished(around.shell.orders(Acquire)[-1].ticket, True))
    assert around.failed_acquires == [5] and not around.asked


def test_trap_waits_for_an_attempt_that_others_asked_for():
    around = Around()
    around.jobs.up(PEER, CHILD, 1)
    around.jobs.acquire(PEER, Acquire(CHILD, 5, LOCAL[0], REMOTE[0]))
    assert not around.shell.orders(Acquire)
    around.finish()
    assert around.failed_acquires == [5]


def test_trap_hears_when_there_is_no_way_to_the_peer():
    around = Around()
    around.shell.sas.clear()
    around.shell.kernel.addresses = ()
    around.jobs.acquire(PEER, Acquire(CHILD, 5, LOCAL[0], REMOTE[0]))
    assert around.failed_acquires == [5]


def test_trap_that_knows_no_peer_makes_one_of_each_destination():
    around = Around()
    for last in (2, 7, 7):
        hosts = tuple((TrafficSelector.of(f"192.0.2.{number}/32"),) for number in (1, last))
        order = Acquire(CHILD, 5, hosts[0][0], hosts[1][0], selectors=hosts)
        around.jobs.acquire(PEER, order, hosts[1][0].start)
    given = [(number, order.selectors) for number, order in around.shell.ordered]
    (made,) = around.shell.registered
    assert [number for number, _ in given] == [50, made.unique_id]
    assert str(made.snapshot(0.0).remote.address) == "192.0.2.7"
    assert given[1][1] == hosts


def test_attempt_whose_ike_sa_ended_before_it_began_has_failed():
    around = Around()
    dialogue = around.jobs.up(PEER, CHILD, 1)
    around.jobs.stop()
    around.jobs.retired(50)
    assert dialogue.read(0).reason == "the IKE_SA is gone"
    around.jobs.retired(50)
    assert dialogue.read(0) is None


def test_attempt_that_an_ike_sa_on_its_way_out_did_not_do_goes_on_in_another():
    around = Around()
    dialogue = around.jobs.up(PEER, CHILD, 1)
    (first,) = around.shell.orders(Initiate)
    again = Finished(first.ticket, False, "the IKE_SA is in state DELETING", leaving=True)
    assert around.jobs.finished(again) and around.jobs.finished(again)
    assert around.shell.orders(Initiate) == [first] * 3 and dialogue.read(0) is None
    assert not around.jobs.finished(again)


def test_attempt_that_was_taken_down_does_not_go_on_in_another():
    around = Around()
    around.jobs.up(PEER, CHILD, 1)
    (first,) = around.shell.orders(Initiate)
    around.jobs.cancel("net")
    assert not around.jobs.finished(Finished(first.ticket, False, "IKE_SA deleted", leaving=True))
    assert around.shell.orders(Initiate) == [first]


def test_what_comes_of_an_attempt_that_was_taken_down_is_closed():
    around = Around()
    around.jobs.up(PEER, CHILD, 1)
    (first,) = around.shell.orders(Initiate)
    around.jobs.cancel("net")
    around.established(child_up(1, 50, initiated=True))
    around.jobs.finished(Finished(first.ticket, True))
    assert around.shell.orders(TerminateChild) == [TerminateChild(1)]


def test_what_was_taken_down_asks_for_nothing_when_its_ike_sa_ends_later():
    around = Around()
    event = child_up(1, 50)
    around.established(event)
    around.jobs.cancel_child(1, "net")
    lost = Lost(CHILD, 1, 0, CHILD.local_ts, CHILD.remote_ts)
    around.jobs.ike_closed(IkeClosed(50, PEER, (lost,), Cause.REAUTHENTICATED, True))
    assert not around.shell.orders(Initiate)


def test_successor_closes_what_was_taken_down_in_the_ike_sa_before():
    around = Around()
    around.established(child_up(1, 50))
    around.jobs.cancel_child(1, "net")
    event = child_up(2, 51, initiated=True)
    around.shell.sas[51] = ike_sa(51)
    around.shell.installed.add(event)
    around.jobs.child_up(event, predecessor=50)
    assert around.shell.orders(TerminateChild) == [TerminateChild(2)]


def test_attempt_follows_a_rekeyed_ike_sa():
    around = Around()
    dialogue = around.jobs.up(PEER, CHILD, 1)
    around.jobs.moved(50, 51)
    around.jobs.retired(50)
    assert dialogue.read(0) is None
    around.jobs.stop()
    around.jobs.retired(51)
    assert not dialogue.read(0).ok


def test_cancelled_ike_sa_takes_its_children_and_attempts_along():
    around = Around()
    second = replace(CHILD, name="second")
    around.load(second)
    for child in (CHILD, second):
        around.jobs.keep(child)
    around.established()
    around.jobs.cancel_ike(50)
    for order in around.initiates:
        around.jobs.finished(Finished(order.ticket, False, "gone"))
    assert not around.shell.events
    assert not around.jobs.cancel("net") and not around.jobs.cancel("second")


def test_changed_actions_and_lifetimes_change_no_child():
    around = Around()
    around.established()
    changed = replace(CHILD, close_action=Action.START, margin_s=1.0, inactivity_s=9)
    around.load(changed)
    around.jobs.keep(changed)
    assert not around.initiates


def test_outdated_child_is_closed_once_the_new_configuration_is_up():
    around = Around()
    around.established()
    changed = replace(CHILD, local_ts=(TrafficSelector.of("10.1.7.0/24"),))
    around.load(changed)
    around.jobs.keep(changed)
    assert len(around.initiates) == 1
    around.established(child_up(2, 50, changed))
    around.finish(ok=True)
    assert around.shell.orders(TerminateChild) == [TerminateChild(1)]


def test_one_that_a_rekeying_made_was_there_before():
    around = Around()
    around.established(child_up(1, 50, initiated=True, replaces=9))
    around.established(child_up(2, 50, initiated=False))
    assert not around.shell.orders(TerminateChild)


@pytest.mark.parametrize(("first", "loser"), [((0x1, 0x9), 2), ((0x5, 0x9), 1)])
def test_of_two_that_both_sides_asked_for_the_one_with_the_higher_spi_goes(first, loser):
    around = Around()
    around.established(child_up(1, 50, spis=first, initiated=True))
    around.established(child_up(2, 50, spis=(0x7, 0x3), initiated=False))
    assert around.shell.orders(TerminateChild) == [TerminateChild(loser)]


def test_ours_that_took_long_crosses_the_peers_however_old_that_is():
    around = Around()
    around.established(child_up(1, 50, initiated=False))
    around.established(child_up(2, 50, initiated=True, installed_at=1060.0))
    assert around.shell.orders(TerminateChild) == [TerminateChild(2)]


@pytest.mark.parametrize(
    "second",
    [
        {"initiated": True},
        {"initiated": False, "replaces": 1},
        {"initiated": False, "installed_at": 1060.0},
        {"initiated": False, "ike_id": 51},
        {"initiated": False, "local_ts": (TrafficSelector.of("10.1.7.0/24"),)},
    ],
)
def test_others_of_one_configuration_are_not_doubles(second):
    around = Around()
    around.established(child_up(1, 50, initiated=True))
    around.established(child_up(2, **({"ike_id": 50} | second)))
    assert not around.shell.orders(TerminateChild)


def test_retry_initiate_interval_goes_on_with_what_an_operator_wanted():
    around = Around(retry_initiate_interval_s=30)
    around.shell.sas.clear()
    around.shell.kernel.addresses = ()
    assert isinstance(around.jobs.up(PEER, CHILD, 1), Refusal)
    assert around.shell.later() == [30]


def test_connection_taken_down_while_its_name_is_looked_up_stays_down():
    around = Around()
    names = around.shell.place.names
    around.shell.sas.clear()

    def slow(text):
        assert around.jobs.cancel("net")
        return names(text)

    object.__setattr__(around.shell.place, "names", slow)
    assert isinstance(around.jobs.up(PEER, CHILD, 1), Refusal)
    assert not around.initiates


def test_packet_at_a_trap_counts_even_where_an_operator_took_the_connection_down():
    around = Around()
    around.jobs.keep(CHILD)
    around.finish(ok=True)
    around.jobs.cancel("net")
    around.jobs.acquire(PEER, Acquire(CHILD, 5, LOCAL[0], REMOTE[0]))
    assert around.shell.orders(Acquire)


def lose_all(count, remote_of, cause):
    """How many function calls and steps of generators it takes that so many CHILD_SAs are lost at once."""
    around = Around()
    around.load(replace(CHILD, dpd_action=Action.START, close_action=Action.START))
    children = []
    for number in range(1, count + 1):
        event = child_up(number, 100 + number)
        event = replace(event, child=replace(event.child, remote_ts=remote_of(number)))
        around.shell.installed.add(event)
        children.append(Lost(CHILD, number, 0, LOCAL, remote_of(number)))
    calls = 0

    def count_calls(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    before, _ = sys.getprofile(), sys.setprofile(count_calls)
    try:
        for lost in children:
            around.shell.installed.mark_leaving(lost.child_id)
            around.jobs.child_closed(ChildClosed(100 + lost.child_id, PEER, lost, cause))
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("remote_of", [lambda number: (TrafficSelector.of(f"10.9.{number}.0/24"),),
                                       lambda number: REMOTE])  # fmt: skip
def test_cost_of_each_that_is_lost_does_not_grow_with_their_number(remote_of):
    few, many = (lose_all(count, remote_of, Cause.CLOSED) / count for count in (20, 200))
    assert many < few * 1.1
