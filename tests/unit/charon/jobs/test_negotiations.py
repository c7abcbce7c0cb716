"""What operators ask of IKE_SAs."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from simulation.recording import CHILD, PEER, Shell, child_up, ike_sa

from cygnet.charon.jobs.dialogues import Dialogue, Refusal
from cygnet.charon.jobs.negotiations import Negotiations
from cygnet.charon.sa.events import Finished
from cygnet.charon.sa.orders import Initiate, TerminateChild, TerminateIke


@pytest.fixture
def around():
    shell, asked = Shell(sas={50: replace(ike_sa(50), children=(child_up(3, 50).child,))}), []
    reconciler = SimpleNamespace(
        up=lambda *what: asked.append(("up", *what)) or "dialogue",
        keep=lambda child: asked.append(("keep", child)),
        cancel=lambda name: asked.append(("cancel", name)) or True,
        cancel_child=lambda number, name: asked.append(("cancel_child", number, name)),
        cancel_ike=lambda number: asked.append(("cancel_ike", number)),
    )
    return SimpleNamespace(shell=shell, asked=asked, jobs=Negotiations(shell.place, reconciler))


def test_child_is_the_reconcilers_business(around):
    assert around.jobs.initiate(PEER, CHILD, 2) == "dialogue"
    around.jobs.keep(CHILD)
    assert around.jobs.cancel("net")
    assert around.asked == [("up", PEER, CHILD, 2), ("keep", CHILD), ("cancel", "net")]


def test_ike_sa_alone_is_ordered_and_followed(around):
    dialogue = around.jobs.initiate(PEER, None, 1)
    (order,) = around.shell.orders(Initiate)
    assert order.child is None
    around.shell.place.bus.publish(Finished(order.ticket, True))
    assert dialogue.read(0).ok


def test_ike_sa_alone_without_a_way_there_is_refused(around):
    around.shell.sas.clear()
    around.shell.kernel.addresses = ()
    assert isinstance(around.jobs.initiate(PEER, None, 1), Refusal)


def test_what_is_taken_down_is_wanted_no_longer(around):
    assert isinstance(around.jobs.terminate_ike(50, 1), Dialogue)
    assert isinstance(around.jobs.terminate_child(50, 3, 1), Dialogue)
    assert around.asked == [("cancel_ike", 50), ("cancel_child", 3, "net")]
    assert [type(order) for _, order in around.shell.ordered] == [TerminateIke, TerminateChild]


def test_what_is_gone_cannot_be_taken_down(around):
    assert around.jobs.terminate_ike(99, 1).read(0) == "IKE_SA [99] is gone"
    assert around.jobs.terminate_child(99, 3, 1).read(0) == "IKE_SA [99] is gone"
