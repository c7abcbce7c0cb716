"""Deleting CHILD_SAs and IKE_SAs, from either side and both at once (RFC 7296, 1.4.1)."""

import gc
import weakref
from dataclasses import replace

import pytest
from simulation.pair import BOB, Pair

from cygnet.charon.sa.orders import Initiate, TerminateChild, TerminateIke
from cygnet.keying.config.records import Action
from cygnet.keying.sa.events import ChildDown


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_ike_sa_deleted_by_either_side_is_gone_on_both(whose: str) -> None:
    pair = Pair()
    pair.connect()
    peer = getattr(pair, whose)
    # whose -> other  INFORMATIONAL { D }
    # other -> whose  INFORMATIONAL { }
    peer.order(peer.sa, TerminateIke(ticket=5))
    pair.network.run()
    assert pair.is_clean()
    assert peer.finished(5).ok


def test_keys_go_with_the_ike_sa_and_not_when_python_collects_garbage() -> None:
    pair = Pair()
    pair.connect()
    seen = [weakref.ref(peer.sa) for peer in (pair.alice, pair.bob)]
    gc.disable()
    try:
        pair.alice.order(pair.alice.sa, TerminateIke())
        pair.network.run(20_000)  # until no timer refers to them
        assert [one() for one in seen] == [None, None]
    finally:
        gc.enable()


def test_both_delete_the_ike_sa_at_once() -> None:
    pair = Pair()
    pair.connect()
    for peer in (pair.alice, pair.bob):
        peer.order(peer.sa, TerminateIke(ticket=5))
    pair.network.run()
    assert pair.is_clean()
    assert pair.alice.finished(5).ok and pair.bob.finished(5).ok


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_child_sa_deleted_by_either_side_leaves_the_ike_sa(whose: str) -> None:
    pair = Pair()
    pair.connect()
    peer = getattr(pair, whose)
    # whose -> other  INFORMATIONAL { D (ESP, spi) }
    # other -> whose  INFORMATIONAL { D (ESP, spi) }
    peer.order(peer.sa, TerminateChild(name="net-net", ticket=5))
    pair.network.run()
    assert pair.is_up(children=0)
    assert pair.alice.kernel.is_empty() and pair.bob.kernel.is_empty()
    assert peer.finished(5).ok
    assert len(pair.alice.of(ChildDown)) == len(pair.bob.of(ChildDown)) == 1


def test_both_delete_the_child_sa_at_once() -> None:
    pair = Pair()
    pair.connect()
    for peer in (pair.alice, pair.bob):
        peer.order(peer.sa, TerminateChild(name="net-net", ticket=5))
    pair.network.run()
    assert pair.is_up(children=0)
    assert pair.alice.finished(5).ok and pair.bob.finished(5).ok


def test_child_sa_that_is_not_there_cannot_be_deleted() -> None:
    pair = Pair()
    sa = pair.connect()
    pair.alice.order(sa, TerminateChild(name="other", ticket=5))
    assert pair.alice.finished(5).reason == "no CHILD_SA other in net-net[1]"


def test_ike_sa_that_is_being_made_is_dropped_without_a_word() -> None:
    pair = Pair()
    pair.network.weather.loss = 1.0
    sa = pair.connect()
    pair.alice.order(sa, TerminateIke(ticket=5))
    assert not pair.alice.sas
    assert pair.alice.finished(5).ok
    assert not pair.alice.finished(1).ok


def test_closeaction_start_makes_the_child_sa_again() -> None:
    pair = Pair()
    pair.change_child("alice", close_action=Action.START)
    pair.connect()
    pair.bob.order(pair.bob.sa, TerminateChild(name="net-net"))
    pair.network.run()
    assert pair.is_up()
    assert pair.children(pair.alice)[0].unique_id == 2


def test_closeaction_start_makes_everything_again_when_the_ike_sa_goes() -> None:
    pair = Pair()
    pair.change_child("alice", close_action=Action.START)
    old = pair.connect()
    pair.bob.order(pair.bob.sa, TerminateIke())
    pair.network.run()
    assert pair.is_up()
    assert pair.alice.sa is not old


@pytest.mark.parametrize("what", [TerminateChild(name="net-net"), TerminateIke()])
def test_closeaction_trap_installs_the_trap(what: TerminateChild | TerminateIke) -> None:
    pair = Pair()
    pair.change_child("alice", close_action=Action.TRAP)
    pair.connect()
    pair.bob.order(pair.bob.sa, what)
    pair.network.run()
    (routed,) = pair.alice.traps.installed()
    assert routed.name == "net-net"


def test_shutdown_does_not_wait_for_the_answer() -> None:
    pair = Pair()
    sa = pair.connect()
    pair.alice.order(sa, TerminateIke(force=True, ticket=5))
    assert not pair.alice.sas and pair.alice.kernel.is_empty()
    assert pair.alice.finished(5).ok
    pair.network.run()
    assert pair.is_clean()


def test_further_child_sa_by_create_child_sa() -> None:
    pair = Pair()
    sa = pair.connect()
    # I -> R  CREATE_CHILD_SA { SA, Ni, TSi, TSr }
    # R -> I  CREATE_CHILD_SA { SA, Nr, TSi, TSr }
    pair.alice.order(sa, Initiate(replace(pair.alice_config.children[0], name="second"), ticket=7))
    pair.network.run()
    assert pair.is_up(children=2)
    assert pair.alice.finished(7).ok


def test_asking_again_for_a_child_sa_makes_no_second_one() -> None:
    pair = Pair()
    sa = pair.connect()
    before = len(pair.bob.log)
    pair.alice.order(sa, Initiate(pair.alice_config.children[0], ticket=7))
    pair.network.run()
    assert pair.is_up(children=1)
    assert pair.alice.finished(7).ok
    assert len(pair.bob.log) == before  # Bob heard nothing


def test_asking_again_while_the_child_sa_is_on_its_way_waits_for_that_one() -> None:
    pair = Pair()
    pair.load()
    sa = pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], BOB, 0)
    pair.alice.order(sa, Initiate(pair.alice_config.children[0], ticket=7))
    pair.network.run()
    assert pair.is_up(children=1)
    assert pair.alice.finished(7).ok
