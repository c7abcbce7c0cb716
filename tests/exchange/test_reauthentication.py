"""Authenticating anew, make-before-break and break-before-make (RFC 7296, 2.8.3)."""

from collections.abc import Callable

import pytest
from simulation.pair import Pair, selector
from simulation.peer import Peer
from simulation.post import Post

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.sa.events import Finished
from cygnet.charon.sa.orders import Initiate, RekeyIke, TerminateIke
from cygnet.charon.sa.reauthentication import UNDER_WAY_S
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.tasks.ike_delete import LAST_PACKETS_S
from cygnet.kernel.backends.memory import differences
from cygnet.keying.config.records import Unique
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.events import ChildDown, ChildUp


def renewing(settings: DaemonSettings | None = None, **changes: object) -> Pair:
    """Alice is to authenticate anew between 3000 and 3300 seconds after the beginning."""
    pair = Pair(settings=settings)
    pair.change("alice", ike_lifetime_s=3600, margin_s=300, reauth=True, **changes)
    return pair


def states(peer: Peer) -> list[IkeState]:
    return [sa.state for sa in peer.sas.values()]


def shapes(peer: Peer) -> list[tuple[object, ...]]:
    """What must be the same afterwards."""
    now = peer.network.now
    children = [child for sa in peer.sas.values() for child in sa.snapshot(now).children]
    return sorted((one.name, one.reqid, one.mode, one.local_ts, one.remote_ts) for one in children)


def moment(pair: Pair, comes: Callable[[], bool]) -> float:
    """When it is so, to the millisecond."""
    for _ in range(5000):
        if comes():
            return pair.network.now
        pair.network.run(0.001)
    raise AssertionError("not within five seconds")


@pytest.mark.parametrize("unique", [Unique.REPLACE, Unique.KEEP, Unique.NO, Unique.NEVER])
def test_new_ike_sa_with_all_child_sas_then_the_old_one_is_deleted(unique: Unique) -> None:
    pair = renewing()
    pair.add_child("second", "10.3.0.0/16", "10.4.0.0/16")
    for whose in ("alice", "bob"):
        pair.change(whose, unique=unique)
    old = pair.connect()
    pair.alice.order(old, Initiate(pair.alice_config.children[1]))
    pair.network.run()
    before = shapes(pair.alice), shapes(pair.bob)
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni }
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr }
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, SAi2, TSi, TSr }          no N(INITIAL_CONTACT)
    # R -> I  IKE_AUTH { IDr, AUTH, SAr2, TSi, TSr }
    # I -> R  CREATE_CHILD_SA { SA, Ni, TSi, TSr }
    # R -> I  CREATE_CHILD_SA { SA, Nr, TSi, TSr }
    # I -> R  INFORMATIONAL { D }                                  on the old IKE_SA
    # R -> I  INFORMATIONAL { }
    pair.network.run(3350)
    assert pair.is_up(children=2)
    assert pair.alice.sa is not old and old.state is IkeState.DESTROYING
    assert (shapes(pair.alice), shapes(pair.bob)) == before
    assert sum("INIT_CONTACT" in line for line in pair.bob.log) == (unique in (Unique.REPLACE, Unique.KEEP))
    assert pair.alice.numbers.users == pair.bob.numbers.users == {1: 1, 2: 1}


def test_old_child_sas_go_only_once_the_new_ones_are_there() -> None:
    pair = renewing()
    pair.connect(3350)
    for peer in (pair.alice, pair.bob):
        kinds = [type(one) for one in peer.events if isinstance(one, ChildUp | ChildDown)]
        assert kinds == [ChildUp, ChildUp, ChildDown]
    assert pair.alice.of(ChildDown)[0].rekeyed


def test_narrowed_selectors_stay_as_they_were() -> None:
    pair = renewing()
    narrow = selector("10.2.7.0/24")
    pair.change_child("bob", local_ts=(narrow,))
    pair.connect()
    pair.change_child("bob", local_ts=(selector("10.2.0.0/16"),))
    pair.load()
    pair.network.run(3350)
    assert pair.is_up()
    assert pair.children(pair.alice)[0].remote_ts == (narrow,)


def test_ordered_reauthentication_is_told_when_it_is_done() -> None:
    pair = renewing()
    old = pair.connect()
    pair.alice.order(old, RekeyIke(ticket=5))
    assert pair.alice.finished(5) is None
    pair.network.run(8)
    assert pair.is_up() and pair.alice.finished(5).ok
    assert pair.alice.sa is not old


def test_old_ike_sa_is_deleted_only_when_nothing_sent_through_it_is_under_way() -> None:
    """The peer must not let in any more what comes through CHILD_SAs that it was told are gone."""
    pair = renewing()
    old = pair.connect()
    (before,) = pair.children(pair.bob)
    pair.alice.order(old, RekeyIke())
    pair.network.run(0.9 * UNDER_WAY_S)
    assert len(pair.children(pair.alice)) == len(pair.children(pair.bob)) == 2
    assert old.state is IkeState.ESTABLISHED and before.inbound in pair.bob.kernel.sas
    pair.network.run(UNDER_WAY_S)
    assert pair.is_up() and old.state is IkeState.DESTROYING


def test_responder_answers_the_deletion_only_when_what_it_sent_has_arrived() -> None:
    """It sent through the old CHILD_SA up to then; the initiator lets nothing in once it has the answer."""
    pair = renewing()
    old = pair.connect()
    (before,) = pair.children(pair.bob)
    pair.alice.order(old, RekeyIke())
    deleted = moment(pair, lambda: before.outbound not in pair.bob.kernel.sas)
    answered = moment(pair, lambda: old.state is IkeState.DESTROYING)
    assert answered - deleted >= LAST_PACKETS_S and pair.is_up()


def test_deletion_of_what_has_no_successor_is_answered_at_once() -> None:
    pair = Pair()
    old = pair.connect()
    pair.alice.order(old, TerminateIke())
    deleted = moment(pair, lambda: not pair.bob.sas)
    assert moment(pair, lambda: not pair.alice.sas) - deleted < LAST_PACKETS_S


def test_successor_that_ends_before_the_old_one_is_deleted_leaves_that_alone() -> None:
    pair = renewing()
    old = pair.connect()
    pair.alice.order(old, RekeyIke(ticket=5))
    pair.network.run(0.9 * UNDER_WAY_S)
    pair.bob.order(max(pair.bob.sas.values(), key=lambda sa: sa.unique_id), TerminateIke())
    pair.network.run(0.5)
    assert old.state is IkeState.ESTABLISHED and not pair.alice.finished(5).ok


def test_responder_sends_through_the_old_child_sa_until_the_initiator_deletes_it() -> None:
    pair = renewing()
    old = pair.connect()
    (before,) = pair.children(pair.bob)
    pair.alice.order(old, RekeyIke())
    way_out = pair.bob.kernel.policies_for(*_out(pair))
    for _ in range(100):
        pair.network.run(0.001)
        if len(pair.children(pair.bob)) == 2:
            break
    newest = pair.bob.kernel.policies_for(*_out(pair))[-1]
    assert newest not in way_out and newest.next_spi == before.outbound.spi
    pair.network.run(3)
    assert [policy.next_spi for policy in pair.bob.kernel.policies_for(*_out(pair))] == [0]


def _out(pair: Pair) -> tuple[object, object]:
    child = pair.bob_config.children[0]
    return child.local_ts[0], child.remote_ts[0]


def test_failure_keeps_the_old_ike_sa_and_tries_again_before_its_end() -> None:
    pair = renewing()
    pair.change("alice", margin_s=1000)
    old = pair.connect()
    due = old.snapshot(pair.network.now).reauth_at
    pair.network.filters.append(
        lambda datagram: None if datagram.data[18] == Exchange.IKE_SA_INIT else datagram
    )
    pair.network.run(due + 500 - pair.network.now)
    assert old.state is IkeState.ESTABLISHED
    assert len(pair.children(pair.alice)) == 1
    pair.network.filters.clear()
    pair.network.run(200)
    assert pair.is_up()
    assert pair.alice.sa is not old


def test_refused_reauthentication_is_tried_again_too() -> None:
    pair = renewing()
    pair.connect()
    pair.bob.store.secrets.clear()
    pair.network.run(3310)
    assert pair.alice.said("failed: received AUTHENTICATION_FAILED notify error; trying again in")
    assert any(sa.state is IkeState.ESTABLISHED for sa in pair.alice.sas.values())
    pair.bob.store.secrets = pair.alice.store.secrets
    pair.network.run(200)
    assert pair.is_up()


def test_after_the_end_of_its_lifetime_it_is_wanted_anew() -> None:
    pair = renewing(keying_tries=0)
    old = pair.connect()
    secrets, pair.bob.store.secrets = pair.bob.store.secrets, []
    pair.network.run(3700)
    assert old.state is IkeState.DESTROYING
    pair.bob.store.secrets = secrets
    pair.network.run(200)
    assert pair.is_up()


def test_peer_that_deletes_the_old_one_meanwhile_ends_up_with_one() -> None:
    pair = renewing()
    old = pair.connect()
    responder = pair.bob.sa
    pair.alice.order(old, RekeyIke(ticket=5))
    pair.network.run(0.015)
    pair.bob.order(responder, TerminateIke())
    pair.network.run(60)
    assert pair.is_up()
    assert len(pair.alice.of(Finished)) == 2


def test_both_authenticate_anew_at_once() -> None:
    for seed in range(20):
        pair = Pair(seed)
        for whose in ("alice", "bob"):
            pair.change(whose, reauth=True)
        pair.connect()
        pair.alice.order(pair.alice.sa, RekeyIke())
        pair.network.run(seed / 400)
        for sa in tuple(pair.bob.sas.values()):
            if sa.state is IkeState.ESTABLISHED:
                pair.bob.order(sa, RekeyIke())
        pair.network.run(60)
        assert pair.is_up(), seed


def test_with_keep_both_authenticate_anew_and_much_is_lost() -> None:
    """Each makes a successor, but of different IKE_SAs: in the end there is one, with both CHILD_SAs."""
    pair = Pair()
    pair.add_child("second", "10.3.0.0/16", "10.4.0.0/16")
    for whose in ("alice", "bob"):
        pair.change(whose, unique=Unique.KEEP, reauth=True)
    first = pair.connect()
    pair.alice.order(first, Initiate(pair.alice_config.children[1]))
    pair.network.run()
    post = Post(pair)
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, SAi2, TSi, TSr }     Alice's second IKE_SA
    # R -> I  IKE_AUTH { IDr, AUTH, SAr2, TSi, TSr }          lost, however often
    post.lose(pair.bob, Exchange.IKE_AUTH, response=True, count=9)
    pair.alice.order(first, RekeyIke())
    pair.network.run(11)
    assert states(pair.alice) == [IkeState.ESTABLISHED, IkeState.CONNECTING]
    assert states(pair.bob) == [IkeState.ESTABLISHED] * 2
    # R -> I  IKE_AUTH { IDi, IDr, AUTH, SAi2, TSi, TSr }     Bob's successor of the second one
    # R -> I  INFORMATIONAL { D }                             on the second one, lost
    post.lose(pair.bob, Exchange.INFORMATIONAL, count=9)
    pair.bob.order(list(pair.bob.sas.values())[-1], RekeyIke())
    # Alice gives the second one up, and finds the third when she wants to try again
    # I -> R  INFORMATIONAL { D }                             on the first one
    pair.network.run(400)
    assert pair.is_up(children=2)


def test_old_one_is_rekeyed_by_the_peer_meanwhile() -> None:
    pair = renewing()
    pair.connect()
    pair.alice.order(pair.alice.sa, RekeyIke(ticket=5))
    pair.network.run(0.015)
    (bobs, *_) = pair.bob.sas.values()
    pair.bob.order(bobs, RekeyIke())
    pair.network.run(60)
    assert pair.is_up() and pair.alice.finished(5).ok


def test_responder_does_it_where_the_initiator_did_not() -> None:
    pair = Pair()
    pair.change("bob", ike_lifetime_s=8, margin_s=3, fuzz_percent=0, reauth=True)
    pair.connect(1)  # Alice takes no orders to begin anew within ten seconds
    pair.network.run(5)
    assert pair.bob.sa.snapshot(pair.network.now).initiator
    assert len(pair.children(pair.alice)) == len(pair.children(pair.bob)) == 1
    assert pair.bob.said("initiator did not reauthenticate as requested")


def test_break_before_make_deletes_first() -> None:
    pair = renewing(DaemonSettings(make_before_break=False))
    pair.add_child("second", "10.3.0.0/16", "10.4.0.0/16")
    old = pair.connect()
    pair.alice.order(old, Initiate(pair.alice_config.children[1]))
    pair.network.run()
    before = shapes(pair.alice)
    # I -> R  INFORMATIONAL { D }
    # R -> I  INFORMATIONAL { }
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni }, then as at the beginning
    pair.alice.order(old, RekeyIke(ticket=5))
    pair.network.run()
    assert pair.is_up(children=2)
    assert shapes(pair.alice) == before
    assert pair.alice.finished(5).ok
    kinds = [type(one) for one in pair.alice.events if isinstance(one, ChildUp | ChildDown)]
    assert kinds == [ChildUp, ChildUp, ChildDown, ChildDown, ChildUp, ChildUp]


def test_break_before_make_goes_on_when_the_deletion_is_not_answered() -> None:
    pair = renewing(DaemonSettings(make_before_break=False))
    old = pair.connect()
    pair.network.filters.append(lambda datagram: None)
    pair.alice.order(old, RekeyIke())
    pair.network.run(200)
    pair.network.filters.clear()
    pair.bob.crash()
    pair.bob.boot()
    pair.network.run(200)
    assert pair.is_up()


def test_without_child_sas_there_is_nothing_to_take_over_but_the_ike_sa() -> None:
    pair = renewing()
    pair.load()
    pair.alice.initiate(pair.alice_config, None, "192.0.2.2")
    pair.network.run(3350)
    assert pair.is_up(children=0)
    assert not differences(pair.alice.kernel, pair.bob.kernel)


def test_packets_under_way_through_the_old_child_sa_are_let_in_for_a_while() -> None:
    pair = renewing()
    old = pair.connect()
    (before,) = pair.children(pair.alice)
    pair.alice.order(old, RekeyIke())
    pair.network.run(1)
    assert len(pair.children(pair.alice)) == 1
    assert before.inbound in pair.alice.kernel.sas and before.outbound not in pair.alice.kernel.sas
    pair.network.run(6)
    assert before.inbound not in pair.alice.kernel.sas
