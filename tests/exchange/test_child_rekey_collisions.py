"""Rekeying and closing CHILD_SAs at once (RFC 7296, 2.8.1, 2.25.1; RFC 9370, 2.2.4)."""

from dataclasses import replace

import pytest
from simulation.hybrid import CLASSIC_ESP, HYBRID_ESP, propose
from simulation.misbehaviour import misbehave, notify_data
from simulation.pair import Pair, another
from simulation.peer import Peer
from simulation.post import Post
from simulation.traffic import Traffic, newest_outbound

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import SecurityAssociation
from cygnet.charon.sa.events import ChildClosed
from cygnet.charon.sa.orders import Initiate, RekeyChild, RekeyIke, TerminateChild, UpdateConfig
from cygnet.charon.sa.tasks.series import Series
from cygnet.charon.sa.tasks.task import DONE, Draft, Step
from cygnet.crypto.tables import TransformType
from cygnet.keying.config.records import Action
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.child_states import ChildState

CREATE, FOLLOWUP, INFORMATIONAL = (
    Exchange.CREATE_CHILD_SA, Exchange.IKE_FOLLOWUP_KE, Exchange.INFORMATIONAL,
)  # fmt: skip
REKEY = RekeyChild(name="net-net", ticket=3)
SEEDS = range(8)  # who wins is up to the nonces; among these both do


class Collision:
    """Two peers with one CHILD_SA, traffic over it, and a hand on the post."""

    def __init__(self, seed: int = 1, esp: str = CLASSIC_ESP) -> None:
        self.pair = pair = propose(Pair(seed), esp=esp)
        pair.connect()
        assert pair.is_up()
        self.alice, self.bob = pair.alice, pair.bob
        self.old = pair.children(pair.alice)[0]
        self.post = Post(pair)
        self.traffic = Traffic(pair)

    def run(self, seconds: float = 0.5) -> None:
        self.pair.network.run(seconds)

    def rekey(self, *peers: Peer) -> None:
        for peer in peers or (self.alice, self.bob):
            peer.order(peer.sa, REKEY)

    def states(self, peer: Peer) -> list[str]:
        return [one.state for one in self.pair.children(peer)]

    def assert_one_new(self, seconds: float = 40) -> None:
        """In the end there is one CHILD_SA, not the old one, and no packet was lost on the way."""
        self.run(seconds)
        self.traffic.stop()
        self.run(6)
        assert self.pair.is_up()
        assert self.pair.children(self.alice)[0].inbound != self.old.inbound
        assert not self.traffic.lost
        for peer in (self.alice, self.bob):
            assert len(peer.kernel.sas) == 2
            assert peer.numbers.users == {1: 1}
            assert peer.finished(3) is None or peer.finished(3).ok

    def winner(self) -> tuple[Peer, Peer]:
        """Who won by its nonces, and who lost."""
        won = [peer for peer in (self.alice, self.bob) if peer.said("rekey collision won")]
        lost = [peer for peer in (self.alice, self.bob) if peer.said("rekey collision lost")]
        assert len(won) == len(lost) == 1 and won != lost
        return won[0], lost[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_both_notice_and_the_lowest_nonce_decides(seed: int) -> None:
    collision = Collision(seed)
    # A -> B  CREATE_CHILD_SA { N(REKEY_SA, SPIa1), SA (SPIa2), Ni1, TSi, TSr }
    # B -> A  CREATE_CHILD_SA { N(REKEY_SA, SPIb1), SA (SPIb2), Ni2, TSi, TSr }
    # A -> B  CREATE_CHILD_SA { SA (SPIa3), Nr1, TSi, TSr }
    # B -> A  CREATE_CHILD_SA { SA (SPIb3), Nr2, TSi, TSr }
    # who sent the request of the exchange with the lowest nonce deletes its new one, the other the old one
    # A -> B  INFORMATIONAL { D }      B -> A  INFORMATIONAL { D }
    collision.rekey()
    collision.assert_one_new()
    won, lost = collision.winner()
    assert lost.said("deleting redundant child net-net{")
    assert won.said(f"CHILD_SA net-net{{{collision.old.unique_id}}} rekeyed, deleting old child")
    assert collision.post.count("alice", INFORMATIONAL) == collision.post.count("bob", INFORMATIONAL) == 1


def test_nonces_decide_for_either_side() -> None:
    winners = set()
    for seed in SEEDS:
        collision = Collision(seed)
        collision.rekey()
        collision.run()
        winners.add(collision.winner()[0].address)
    assert len(winners) == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_redundant_child_sa_is_never_sent_through(seed: int) -> None:
    collision = Collision(seed)
    collision.rekey()
    used: dict[str, list[int]] = {collision.alice.address: [], collision.bob.address: []}
    for _ in range(200):
        for peer in (collision.alice, collision.bob):
            spec = newest_outbound(peer)
            assert spec is not None
            used[peer.address].append(spec.id.spi)
        collision.run(0.001)
    for sequence in used.values():
        changes = [one for one, before in zip(sequence[1:], sequence, strict=False) if one != before]
        assert len(changes) == 1, "from the old one to the winner, and nowhere else"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("late", ["alice", "bob"])
def test_one_response_is_late(seed: int, late: str) -> None:
    """The other side has compared, and deleted something, before this side knows all nonces."""
    collision = Collision(seed)
    collision.post.hold(getattr(collision.pair, late), CREATE, response=True)
    collision.rekey()
    collision.run(2)
    collision.post.release()
    collision.assert_one_new()


@pytest.mark.parametrize("seed", SEEDS)
def test_both_responses_are_lost_at_first(seed: int) -> None:
    collision = Collision(seed)
    for peer in (collision.alice, collision.bob):
        collision.post.lose(peer, CREATE, response=True)
    collision.rekey()
    collision.assert_one_new()


@pytest.mark.parametrize("seed", SEEDS)
def test_deletions_are_lost_at_first(seed: int) -> None:
    collision = Collision(seed)
    for peer in (collision.alice, collision.bob):
        collision.post.lose(peer, INFORMATIONAL)
        collision.post.lose(peer, INFORMATIONAL, response=True)
    collision.rekey()
    collision.assert_one_new()


@pytest.mark.parametrize("esp", [CLASSIC_ESP, HYBRID_ESP])
def test_peer_that_was_done_before_does_not_find_the_old_one_any_more(esp: str) -> None:
    """RFC 7296, 2.8.1, second sequence: A's request is lost, B does not even know."""
    collision = Collision(esp=esp)
    collision.post.hold(collision.alice, CREATE)
    # A -> B  CREATE_CHILD_SA { N(REKEY_SA, SPIa1), SA, Ni1, .. }             (lost)
    # B -> A  CREATE_CHILD_SA { N(REKEY_SA, SPIb1), SA, Ni2, .. }
    # A -> B  CREATE_CHILD_SA { SA, Nr1, .. }
    # B -> A  INFORMATIONAL { D (SPIb1) }
    # A -> B  INFORMATIONAL { D (SPIa1) }
    collision.rekey()
    collision.run(2)
    assert len(collision.pair.children(collision.bob)) == 1
    # A -> B  CREATE_CHILD_SA { N(REKEY_SA, SPIa1), SA, Ni1, .. }             (again)
    # B -> A  CREATE_CHILD_SA { N(CHILD_SA_NOT_FOUND) }
    collision.post.release()
    collision.assert_one_new()
    assert collision.alice.said("received CHILD_SA_NOT_FOUND notify, the peer's own rekeying goes on")
    assert collision.bob.said("N(NO_CHILD_SA)")


@pytest.mark.parametrize("esp", [CLASSIC_ESP, HYBRID_ESP])
def test_peer_that_is_deleting_the_old_one_answers_with_temporary_failure(esp: str) -> None:
    collision = Collision(esp=esp)
    collision.post.hold(collision.alice, CREATE)
    collision.post.hold(collision.bob, INFORMATIONAL)
    collision.rekey()
    collision.run(2)
    assert ChildState.DELETING in collision.states(collision.bob)
    held, collision.post._holding = collision.post._held, [collision.post._holding[1]]
    request = held.pop(0)
    collision.pair.network.send(request)
    # B -> A  CREATE_CHILD_SA { N(TEMPORARY_FAILURE) }
    collision.run()
    assert collision.bob.said("generating CREATE_CHILD_SA response") and collision.bob.said("N(TEMP_FAIL)")
    assert collision.alice.finished(3).ok
    collision.post.release()
    collision.assert_one_new()


# With additional key exchanges: nothing is made before they are done


@pytest.mark.parametrize("seed", SEEDS)
def test_loser_stops_before_its_further_key_exchanges(seed: int) -> None:
    """RFC 9370, 2.2.4: it MUST NOT initiate the IKE_FOLLOWUP_KE exchange."""
    collision = Collision(seed, HYBRID_ESP)
    # A -> B  CREATE_CHILD_SA { N(REKEY_SA), SA, Ni1, KEi, .. }
    # B -> A  CREATE_CHILD_SA { N(REKEY_SA), SA, Ni2, KEi, .. }
    # A -> B  CREATE_CHILD_SA { SA, Nr1, KEr, .., N(ADDITIONAL_KEY_EXCHANGE) }
    # B -> A  CREATE_CHILD_SA { SA, Nr2, KEr, .., N(ADDITIONAL_KEY_EXCHANGE) }
    # winner -> loser  IKE_FOLLOWUP_KE { KEi(1), N(ADDITIONAL_KEY_EXCHANGE) }
    # winner -> loser  INFORMATIONAL { D }                                      the old one
    collision.rekey()
    collision.assert_one_new()
    won, lost = collision.winner()
    names = {collision.alice.address: "alice", collision.bob.address: "bob"}
    assert collision.post.count(names[won.address], FOLLOWUP) == 1
    assert collision.post.count(names[lost.address], FOLLOWUP) == 0
    assert collision.post.count(names[lost.address], INFORMATIONAL) == 0
    assert lost.said("stopping before further key exchanges")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("late", ["alice", "bob"])
def test_late_response_with_further_key_exchanges(seed: int, late: str) -> None:
    collision = Collision(seed, HYBRID_ESP)
    collision.post.hold(getattr(collision.pair, late), CREATE, response=True)
    collision.rekey()
    collision.run(2)
    collision.post.release()
    collision.assert_one_new()
    collision.winner()


@pytest.mark.parametrize("seed", SEEDS)
def test_request_that_comes_during_our_further_key_exchanges_is_refused(seed: int) -> None:
    """RFC 9370, 2.2.4: TEMPORARY_FAILURE MUST be sent; its requester lets ours go on."""
    collision = Collision(seed, HYBRID_ESP)
    collision.post.hold(collision.bob, CREATE)  # Bob's request is slow ...
    collision.post.hold(collision.alice, FOLLOWUP)
    collision.rekey()
    collision.run()
    # A -> B  CREATE_CHILD_SA { N(REKEY_SA), SA, Ni1, KEi, .. }
    # B -> A  CREATE_CHILD_SA { SA, Nr2, KEr, .., N(ADDITIONAL_KEY_EXCHANGE) }
    # A -> B  IKE_FOLLOWUP_KE { KEi(1), N(ADDITIONAL_KEY_EXCHANGE) }
    #                           ... and comes now
    # B -> A  CREATE_CHILD_SA { N(REKEY_SA), SA, Ni2, KEi, .. }
    # A -> B  CREATE_CHILD_SA { N(TEMPORARY_FAILURE) }
    collision.post.release()
    collision.assert_one_new()
    assert collision.alice.said("is exchanging further keys")
    assert collision.bob.said("received TEMPORARY_FAILURE notify, the peer's own rekeying goes on")
    assert collision.post.count("bob", CREATE) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_loser_rekeys_after_all_if_the_winner_does_not_finish(seed: int) -> None:
    collision = Collision(seed, HYBRID_ESP)
    for peer in (collision.alice, collision.bob):
        collision.post.lose(peer, FOLLOWUP, count=8)  # four transmissions of two fragments: 24 s
    collision.rekey()
    collision.run(23)
    _, lost = collision.winner()
    assert lost.said("the peer does not go on with its key exchanges, giving up")
    collision.assert_one_new(120)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_one_side_with_further_key_exchanges_and_one_without(
    monkeypatch: pytest.MonkeyPatch, seed: int, whose: str
) -> None:
    """Only one side proposes them; the other, whose exchange is done at once, may win or lose."""
    collision = Collision(seed, "aes128gcm16-x25519-ke1_mlkem768-ke1_none!")

    def propose_none(draft: Draft) -> None:
        for place, payload in enumerate(draft.payloads):
            if isinstance(payload, SecurityAssociation):
                (one,) = payload.proposals
                kept = tuple(item for item in one.transforms if item.type != TransformType.ADDKE1)
                draft.payloads[place] = SecurityAssociation((replace(one, transforms=kept),))

    misbehave(monkeypatch, getattr(collision.pair, whose), CREATE, propose_none)
    collision.rekey()
    collision.assert_one_new()
    collision.winner()


# Rekeying against closing


@pytest.mark.parametrize("esp", [CLASSIC_ESP, HYBRID_ESP])
def test_rekeying_of_what_is_being_closed_is_a_temporary_failure(esp: str) -> None:
    collision = Collision(esp=esp)
    collision.traffic.stop()
    # A -> B  CREATE_CHILD_SA { N(REKEY_SA), SA, Ni, .. }
    # B -> A  INFORMATIONAL { D }
    # B -> A  CREATE_CHILD_SA { N(TEMPORARY_FAILURE) }
    # A -> B  INFORMATIONAL { D }                         as usual, with a Delete payload
    collision.alice.order(collision.alice.sa, REKEY)
    collision.bob.order(collision.bob.sa, TerminateChild(name="net-net", ticket=4))
    collision.run(60)
    assert collision.pair.is_up(children=0)
    assert collision.alice.kernel.is_empty() and collision.bob.kernel.is_empty()
    assert collision.bob.finished(4).ok
    assert not collision.alice.finished(3).ok
    assert collision.alice.said("generating INFORMATIONAL response 0 [ D ]")
    assert collision.bob.said("is in state DELETING")


def test_closeaction_waits_for_the_outcome_of_our_rekeying() -> None:
    pair = Pair()
    pair.change_child("alice", close_action=Action.TRAP)
    pair.connect()
    post = Post(pair)
    post.hold(pair.bob, CREATE, response=True)
    pair.alice.order(pair.alice.sa, REKEY)
    pair.bob.order(pair.bob.sa, TerminateChild(name="net-net"))
    pair.network.run(0.2)
    assert not pair.alice.of(ChildClosed)
    post.release()
    pair.network.run(0.2)
    assert len(pair.alice.of(ChildClosed)) == 1


@pytest.mark.parametrize("esp", [CLASSIC_ESP, HYBRID_ESP])
def test_deletion_that_overtakes_the_response_to_our_rekeying_leaves_the_new_one(esp: str) -> None:
    """B has rekeyed at our request, then an operator closes what B takes for the old one."""
    collision = Collision(esp=esp)
    collision.traffic.stop()
    last = FOLLOWUP if esp == HYBRID_ESP else CREATE
    collision.post.hold(collision.bob, last, response=True)
    collision.alice.order(collision.alice.sa, REKEY)
    collision.run()
    collision.bob.order(collision.bob.sa, TerminateChild(unique_id=1, ticket=4))
    collision.run()
    assert collision.bob.finished(4).ok
    collision.post.release()
    collision.run(10)
    assert collision.pair.is_up()
    assert collision.pair.children(collision.alice)[0].unique_id == 2


def test_deletion_of_the_new_one_overtakes_the_response_that_made_it() -> None:
    collision = Collision()
    collision.traffic.stop()
    collision.post.hold(collision.bob, CREATE, response=True)
    collision.alice.order(collision.alice.sa, Initiate(another(collision.pair.alice_config), ticket=5))
    collision.run()
    collision.bob.order(collision.bob.sa, TerminateChild(unique_id=2, ticket=4))
    collision.run()
    # B -> A  INFORMATIONAL { D (SPI of the new one) }         before
    # B -> A  CREATE_CHILD_SA { SA, Nr, TSi, TSr }
    collision.post.release()
    collision.run(10)
    assert collision.pair.is_up()
    assert "the peer has deleted the CHILD_SA again" in collision.alice.finished(5).reason


def test_peer_that_takes_its_new_one_back_leaves_the_old_one_in_use() -> None:
    """B rekeys, cannot install what it got, and deletes it again."""
    collision = Collision()
    collision.bob.kernel.fail_next("add_sa", "no more room")
    # B -> A  CREATE_CHILD_SA { N(REKEY_SA), SA, Ni, .. }
    # A -> B  CREATE_CHILD_SA { SA, Nr, .. }
    # B -> A  INFORMATIONAL { D (the new one) }
    collision.bob.order(collision.bob.sa, REKEY)
    collision.run(10)
    assert collision.states(collision.alice) == collision.states(collision.bob) == [ChildState.INSTALLED]
    assert collision.pair.children(collision.alice)[0].inbound == collision.old.inbound
    assert not collision.traffic.lost
    collision.alice.order(collision.alice.sa, RekeyChild(name="net-net", ticket=9))
    collision.run()
    assert collision.alice.finished(9).ok


def test_unknown_child_sa_is_not_found_and_made_anew() -> None:
    """RFC 7296, 2.25: silently delete the CHILD_SA, create a new one from scratch."""
    collision = Collision()
    collision.traffic.stop()
    bob = collision.bob.sa._sa
    bob.drop_child(next(iter(bob.children.values())))
    # A -> B  CREATE_CHILD_SA { N(REKEY_SA), SA, Ni, TSi, TSr }
    # B -> A  CREATE_CHILD_SA { N(CHILD_SA_NOT_FOUND, SPI of REKEY_SA) }
    # A -> B  CREATE_CHILD_SA { SA, Ni, TSi, TSr }
    collision.alice.order(collision.alice.sa, REKEY)
    collision.run(10)
    assert collision.pair.is_up()
    assert collision.pair.children(collision.alice)[0].inbound != collision.old.inbound
    assert collision.post.count("alice", INFORMATIONAL) == 0


# When to send on the new one (RFC 7296, 2.8)


@pytest.mark.parametrize("esp", [CLASSIC_ESP, HYBRID_ESP])
def test_who_answered_sends_on_the_old_one_until_it_is_deleted(esp: str) -> None:
    collision = Collision(esp=esp)
    collision.traffic.stop()
    collision.post.hold(collision.alice, INFORMATIONAL)
    collision.alice.order(collision.alice.sa, REKEY)
    collision.run(0.9)
    assert newest_outbound(collision.alice).id.spi != collision.old.outbound.spi
    assert newest_outbound(collision.bob).id.spi == collision.old.inbound.spi
    collision.post.release()
    collision.run(0.05)
    assert newest_outbound(collision.bob).id.spi != collision.old.inbound.spi
    collision.run(6)
    assert collision.pair.is_up()


def test_who_answered_sends_on_the_new_one_once_something_came_in_on_it() -> None:
    collision = Collision()
    collision.post.lose(collision.alice, INFORMATIONAL, count=1000)
    collision.alice.order(collision.alice.sa, REKEY)
    collision.run(1.5)  # the traffic goes on, the deletion never arrives
    assert newest_outbound(collision.bob).id.spi != collision.old.inbound.spi
    assert collision.states(collision.bob) == [ChildState.REKEYED, ChildState.INSTALLED]
    assert not collision.traffic.lost


def test_without_traffic_and_deletion_the_old_one_is_used_as_long_as_the_peer_may_wait() -> None:
    collision = Collision()
    collision.traffic.stop()
    collision.post.lose(collision.bob, CREATE, response=True, count=3)
    collision.alice.order(collision.alice.sa, REKEY)
    for _ in range(24):
        collision.run(1)
        assert newest_outbound(collision.bob).id.spi == collision.old.inbound.spi
    collision.run(30)
    assert collision.pair.is_up()
    assert newest_outbound(collision.bob).id.spi != collision.old.inbound.spi


def test_inbound_half_of_the_old_one_takes_what_is_still_under_way() -> None:
    collision = Collision()
    collision.traffic.jitter_s = 4.0  # packets that take much longer than IKE messages
    collision.run(5)
    collision.alice.order(collision.alice.sa, REKEY)
    collision.run(5)
    collision.bob.order(collision.bob.sa, RekeyChild(name="net-net", ticket=8))
    collision.run(20)
    collision.traffic.stop()
    collision.run(10)
    assert collision.pair.is_up()
    assert not collision.traffic.lost


def test_hundreds_of_crossing_rekeyings_lose_nothing_and_leave_nothing() -> None:
    collision = Collision(esp="aes128gcm16-x25519-ke1_x448!")
    for turn in range(120):
        for peer in (collision.alice, collision.bob):
            peer.order(peer.sa, RekeyChild(name="net-net"))
            collision.run(0.001 * (turn % 30))
        collision.run(0.3)
    collision.assert_one_new()


def test_rekeying_goes_beyond_the_number_of_child_sas() -> None:
    """A limit that would stop rekeyings would stop traffic."""
    pair = Pair(settings=DaemonSettings(max_children=1))
    pair.connect()
    pair.alice.order(pair.alice.sa, REKEY)
    pair.network.run(10)
    assert pair.is_up()
    assert pair.alice.finished(3).ok


@pytest.mark.parametrize("order", [REKEY, RekeyIke(ticket=3)])
def test_ml_kem_may_be_the_only_key_exchange_of_a_rekeying(order: RekeyChild | RekeyIke) -> None:
    collision = Collision(esp="aes256gcm16-mlkem768-ke1_mlkem1024!")
    propose(collision.pair, "aes256gcm16-prfsha384-mlkem1024!")
    for whose in ("alice", "bob"):
        peer: Peer = getattr(collision.pair, whose)
        peer.order(peer.sa, UpdateConfig(getattr(collision.pair, f"{whose}_config")))
    # I -> R  CREATE_CHILD_SA { .., KEi (encapsulation key) }      in fragments
    # R -> I  CREATE_CHILD_SA { .., KEr (ciphertext) }
    collision.alice.order(collision.alice.sa, order)
    collision.run(10)
    collision.traffic.stop()
    collision.run(1)
    assert collision.pair.is_up()
    assert collision.alice.finished(3).ok
    assert not collision.traffic.lost


# Peers that do not do their part


def drop_deletions(monkeypatch: pytest.MonkeyPatch, peer: Peer) -> None:
    """Its INFORMATIONAL requests say nothing."""
    misbehave(monkeypatch, peer, INFORMATIONAL, lambda draft: draft.payloads.clear())


def test_old_one_that_the_peer_never_deletes_is_deleted_by_us(monkeypatch: pytest.MonkeyPatch) -> None:
    collision = Collision()
    collision.traffic.stop()
    drop_deletions(monkeypatch, collision.alice)
    collision.alice.order(collision.alice.sa, REKEY)
    collision.run(160)
    assert collision.states(collision.bob) == [ChildState.REKEYED, ChildState.INSTALLED]
    collision.run(120)
    assert collision.pair.is_up()
    assert collision.bob.said("the peer does not delete CHILD_SA net-net{1}, which was replaced, so we do")


@pytest.mark.parametrize("seed", SEEDS)
def test_redundant_one_that_the_peer_never_deletes_is_deleted_by_us(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    collision = Collision(seed)
    collision.traffic.stop()
    for peer in (collision.alice, collision.bob):
        drop_deletions(monkeypatch, peer)
    collision.rekey()
    collision.run(0.5)
    won, _ = collision.winner()
    assert len(collision.pair.children(won)) == 2
    monkeypatch.undo()
    collision.run(300)
    assert collision.pair.is_up()


def test_series_that_the_peer_gave_up_does_not_survive_our_rekeying_of_the_ike_sa(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collision = Collision(esp=HYBRID_ESP)
    link = NotifyType.ADDITIONAL_KEY_EXCHANGE
    misbehave(monkeypatch, collision.bob, CREATE, notify_data(link, bytes(2000)), response=True)
    # A -> B  CREATE_CHILD_SA { SA, Ni, KEi, TSi, TSr }
    # B -> A  CREATE_CHILD_SA { SA, Nr, KEr, TSi, TSr, N(ADDITIONAL_KEY_EXCHANGE)(link too long) }
    order = Initiate(another(collision.pair.alice_config), ticket=5)
    collision.alice.order(collision.alice.sa, order)
    collision.run(0.015)
    monkeypatch.undo()
    monkeypatch.setattr(Series, "follow", give_up_quietly)
    collision.run(0.2)
    monkeypatch.undo()
    assert collision.bob.sa.snapshot(0).tasks_passive == ("CHILD_CREATE",)
    # B -> A  CREATE_CHILD_SA { SA (IKE), Ni, KEi }
    collision.bob.order(collision.bob.sa, RekeyIke(ticket=6))
    collision.run(1)
    assert collision.bob.finished(6).ok
    assert collision.pair.is_up()
    assert not collision.bob.kernel.reservations
    collision.run(30)
    assert collision.pair.is_up()


def give_up_quietly(series: Series, message: object) -> Step:
    """As a peer does that does not like the answer, but keeps the IKE_SA."""
    series.failed("no usable link")
    return DONE
