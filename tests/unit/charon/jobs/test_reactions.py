"""Each event goes to those whose business it is."""

from types import SimpleNamespace

from simulation.recording import CHILD, HERE, MOON, PEER, SUN, THERE, Shell, child_up, ike_sa

from cygnet.charon.jobs.reactions import Reactions
from cygnet.charon.sa.events import (
    ChildClosed,
    ChildStateChanged,
    Finished,
    IkeClosed,
    IkeEstablished,
    InboundLingers,
    OrderPassedOn,
    Reauthenticate,
)
from cygnet.charon.sa.orders import TerminateIke
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.endings import Cause, Lost
from cygnet.keying.sa.events import ChildDown


def around(**facts):
    shell, told = Shell(**facts), []
    names = ("child_closed", "ike_closed", "finished", "retired", "moved", "child_up", "stop")
    reconciler = SimpleNamespace(
        **{name: lambda *what, name=name: told.append((name, *what)) for name in names}
    )
    return shell, told, Reactions(shell.place, reconciler, shell.installed)


def test_ends_and_outcomes_are_the_reconcilers():
    _, told, react = around()
    lost = Lost(CHILD, 1, 0, (), ())
    events = [
        ChildClosed(1, PEER, lost, Cause.CLOSED),
        IkeClosed(1, PEER, (lost,), Cause.DEAD, True),
        Finished(5, True),
    ]
    for event in events:
        react(event)
    react.retired(1)
    react.stop()
    names = ["child_closed", "ike_closed", "finished", "retired", "stop"]
    assert [name for name, *_ in told] == names


def test_installed_follows_the_child_sas():
    shell, told, react = around()
    event = child_up(1, 50)
    react(event)
    assert shell.installed.named("net") and told == [("child_up", event, 0)]
    react(ChildStateChanged(50, 1, "net", ChildState.INSTALLED, ChildState.REKEYING))
    assert shell.installed.named("net")
    react(ChildStateChanged(50, 1, "net", ChildState.INSTALLED, ChildState.DELETING))
    assert not shell.installed.named("net") and shell.installed.of_ike(50)
    react(ChildDown(50, CHILD, event.child))
    assert not shell.installed.of_ike(50)


def test_child_sa_that_is_about_to_end_is_not_counted_on():
    shell, _, react = around()
    react(child_up(1, 50))
    react(ChildClosed(50, PEER, Lost(CHILD, 1, 0, (), ()), Cause.RESET))
    assert not shell.installed.named("net") and shell.installed.every("net")


def test_what_goes_on_elsewhere_is_not_told_to_others():
    shell = Shell()
    reconciler = SimpleNamespace(
        child_closed=None, ike_closed=None, finished=lambda event: event.leaving, stop=None
    )
    react = Reactions(shell.place, reconciler, shell.installed)
    assert react(Finished(5, False, leaving=True))
    assert not react(Finished(5, False)) and not react(object())


def test_order_to_an_ike_sa_that_was_rekeyed_goes_to_the_new_one():
    shell, _, react = around(sas={51: ike_sa(51)})
    react(OrderPassedOn(51, TerminateIke(7)))
    assert shell.ordered == [(51, TerminateIke(7))]
    react(OrderPassedOn(52, TerminateIke(8)))
    assert Finished(8, True, "the IKE_SA is gone") in shell.published


def test_rekeyed_ike_sa_takes_everything_over():
    shell, told, react = around(sas={51: ike_sa(51)})
    react(child_up(1, 50))
    react(IkeEstablished(51, PEER, HERE, THERE, MOON, SUN, True, replaces=50))
    assert shell.installed.of_ike(51)
    assert ("moved", 50, 51) in told


def test_new_ike_sa_is_judged_for_uniqueness():
    shell, _, react = around(sas={1: ike_sa(1), 2: ike_sa(2)})
    react(IkeEstablished(2, PEER, HERE, THERE, MOON, SUN, False, initial_contact=True))
    assert [number for number, order in shell.ordered if isinstance(order, TerminateIke)] == [1]


def test_reauthentication_makes_a_successor():
    shell, _, react = around(sas={1: ike_sa(1)})
    react(Reauthenticate(1, PEER, HERE, THERE, ()))
    assert len(shell.registered) == 1


def test_lingering_sa_is_deleted_later():
    shell, _, react = around()
    react(InboundLingers(child_up().child.inbound, 5.0))
    assert "delete_sa" not in shell.kernel.calls
    assert shell.later() == [5.0]
    assert "delete_sa" in shell.kernel.calls


def test_lingering_sa_that_cannot_be_deleted_is_told():
    shell, _, react = around()
    react(InboundLingers(child_up().child.inbound, 5.0))
    shell.kernel.fail_next("delete_sa", "no kernel")
    shell.later()
    assert shell.said("failed: no kernel")


def test_other_events_need_no_reaction():
    shell, told, react = around()
    react(object())
    assert not shell.ordered and not told
