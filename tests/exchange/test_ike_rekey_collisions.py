"""Rekeying and closing IKE_SAs at once, CHILD_SAs meanwhile (RFC 7296, 2.8.2, 2.25.2; RFC 9370, 2.2.4)."""

import pytest
from simulation.hybrid import CLASSIC_ESP, HYBRID_ESP, HYBRID_IKE, propose
from simulation.pair import Pair, another
from simulation.peer import Peer
from simulation.post import Post
from simulation.traffic import Traffic

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.sa.events import IkeClosed, IkeEstablished
from cygnet.charon.sa.orders import Initiate, RekeyChild, RekeyIke, TerminateChild, TerminateIke
from cygnet.charon.sa.states import IkeState
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.endings import Cause

CREATE, FOLLOWUP, INFORMATIONAL = (
    Exchange.CREATE_CHILD_SA, Exchange.IKE_FOLLOWUP_KE, Exchange.INFORMATIONAL,
)  # fmt: skip
REKEY = RekeyIke(ticket=3)
CLASSIC_IKE = "aes128gcm16-prfsha256-curve25519!"
SEEDS = range(8)  # who wins is up to the nonces; among these both do


class Collision:
    """Two peers with an IKE_SA and some CHILD_SAs, traffic, and a hand on the post."""

    def __init__(self, seed: int = 1, ike: str = CLASSIC_IKE, esp: str = CLASSIC_ESP) -> None:
        self.pair = pair = propose(Pair(seed), ike, esp)
        pair.connect()
        assert pair.is_up()
        self.alice, self.bob = pair.alice, pair.bob
        self.old = self.alice.sa.spi_local
        self.post = Post(pair)
        self.traffic = Traffic(pair)

    def run(self, seconds: float = 0.5) -> None:
        self.pair.network.run(seconds)

    def rekey(self, *peers: Peer) -> None:
        for peer in peers or (self.alice, self.bob):
            peer.order(peer.sa, REKEY)

    def settle(self, seconds: float = 60) -> None:
        self.run(seconds)
        self.traffic.stop()
        self.run(6)

    def assert_one_new(self, seconds: float = 60, children: int = 1) -> None:
        """In the end there is one IKE_SA, not the old one, it has the CHILD_SAs, and it works."""
        self.settle(seconds)
        assert self.pair.is_up(children)
        assert self.alice.sa.spi_local != self.old
        assert not self.traffic.lost
        for peer in (self.alice, self.bob):
            assert peer.finished(3) is None or peer.finished(3).ok
            assert len(peer.of(IkeEstablished)) == 2, "what is redundant is not told to anybody"
            peer.order(peer.sa, RekeyChild(unique_id=self.pair.children(peer)[0].unique_id, ticket=77))
            self.run()
            assert peer.finished(77).ok
        assert self.pair.is_up(children)

    def winner(self) -> tuple[Peer, Peer]:
        """Who won by its nonces, and who lost."""
        won = [peer for peer in (self.alice, self.bob) if peer.said("rekey collision won")]
        lost = [peer for peer in (self.alice, self.bob) if peer.said("rekey collision lost")]
        assert len(won) == len(lost) == 1 and won != lost
        return won[0], lost[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_both_notice_and_the_winner_inherits(seed: int) -> None:
    collision = Collision(seed)
    # A -> B  CREATE_CHILD_SA { SA (SPIa1), Ni1, KEi }
    # B -> A  CREATE_CHILD_SA { SA (SPIb1), Ni2, KEi }
    # A -> B  CREATE_CHILD_SA { SA (SPIa2), Nr1, KEr }
    # B -> A  CREATE_CHILD_SA { SA (SPIb2), Nr2, KEr }
    # winner -> loser  INFORMATIONAL { D }               on the old IKE_SA
    # loser -> winner  INFORMATIONAL { D }               on the redundant IKE_SA that the loser made
    collision.rekey()
    collision.run()
    won, lost = collision.winner()
    assert lost.said("deleting redundant IKE_SA")
    assert collision.post.count("alice", INFORMATIONAL) == collision.post.count("bob", INFORMATIONAL) == 1
    assert won.said("deleting IKE_SA net-net[1] between") and won.said("sending DELETE for IKE_SA net-net[1]")
    assert not lost.said("sending DELETE for IKE_SA net-net[1]")
    collision.assert_one_new()


def test_nonces_decide_for_either_side() -> None:
    winners = set()
    for seed in SEEDS:
        collision = Collision(seed)
        collision.rekey()
        collision.run()
        winners.add(collision.winner()[0].address)
    assert len(winners) == 2


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("ike", [CLASSIC_IKE, HYBRID_IKE])
@pytest.mark.parametrize("late", ["alice", "bob"])
def test_one_response_is_late(seed: int, ike: str, late: str) -> None:
    collision = Collision(seed, ike)
    collision.post.hold(getattr(collision.pair, late), CREATE, response=True)
    collision.rekey()
    collision.run(3)
    collision.post.release()
    collision.assert_one_new()


@pytest.mark.parametrize("seed", SEEDS)
def test_deletions_are_lost_at_first(seed: int) -> None:
    collision = Collision(seed)
    for peer in (collision.alice, collision.bob):
        collision.post.lose(peer, INFORMATIONAL)
    collision.rekey()
    collision.assert_one_new()


@pytest.mark.parametrize("ike", [CLASSIC_IKE, HYBRID_IKE])
def test_deletion_tells_that_the_peer_did_not_notice(ike: str) -> None:
    """RFC 7296, 2.8.2, the special case: forget our own attempt, and take what the peer made."""
    collision = Collision(ike=ike)
    collision.post.hold(collision.bob, CREATE)
    # A -> B  CREATE_CHILD_SA { SA (SPIa1), Ni1, KEi }
    # B -> A  CREATE_CHILD_SA { SA (SPIb1), Ni2, KEi }             (lost)
    # B -> A  CREATE_CHILD_SA { SA (SPIb2), Nr2, KEr }
    # A -> B  INFORMATIONAL { D }
    # B -> A  INFORMATIONAL { }
    collision.rekey()
    collision.run(2)
    assert len(collision.bob.sas) == 1
    assert collision.bob.said("was rekeyed by the peer, ending our own rekeying")
    collision.post.release()
    collision.assert_one_new()
    assert collision.post.count("bob", CREATE) == 0 or collision.alice.counters


@pytest.mark.parametrize("ike", [CLASSIC_IKE, HYBRID_IKE])
def test_temporary_failure_tells_that_the_peer_did_not_notice(ike: str) -> None:
    collision = Collision(ike=ike)
    collision.post.hold(collision.bob, CREATE)
    collision.post.hold(collision.alice, INFORMATIONAL)
    collision.rekey()
    collision.run(2)
    # B -> A  CREATE_CHILD_SA { SA (SPIb1), Ni2, KEi }             late
    # A -> B  CREATE_CHILD_SA { N(TEMPORARY_FAILURE) }             Alice waits for the end of the old one
    held = collision.post._held.pop(0)
    collision.post._holding.pop(0)
    collision.pair.network.send(held)
    collision.run()
    assert collision.alice.said("IKE_REKEY failed: IKE_SA is in state DELETING")
    assert collision.bob.said("received TEMPORARY_FAILURE notify, the peer's own rekeying goes on")
    assert collision.bob.finished(3).ok
    collision.post.release()
    collision.assert_one_new()


# With additional key exchanges


@pytest.mark.parametrize("seed", SEEDS)
def test_loser_stops_before_its_further_key_exchanges(seed: int) -> None:
    collision = Collision(seed, HYBRID_IKE)
    # A -> B  CREATE_CHILD_SA { SA, Ni1, KEi }
    # B -> A  CREATE_CHILD_SA { SA, Ni2, KEi }
    # A -> B  CREATE_CHILD_SA { SA, Nr1, KEr, N(ADDITIONAL_KEY_EXCHANGE) }
    # B -> A  CREATE_CHILD_SA { SA, Nr2, KEr, N(ADDITIONAL_KEY_EXCHANGE) }
    # winner -> loser  IKE_FOLLOWUP_KE { KEi(1), N(ADDITIONAL_KEY_EXCHANGE) }
    # winner -> loser  INFORMATIONAL { D }
    collision.rekey()
    collision.run()
    won, lost = collision.winner()
    names = {collision.alice.address: "alice", collision.bob.address: "bob"}
    assert collision.post.count(names[won.address], FOLLOWUP) == 1
    assert collision.post.count(names[lost.address], FOLLOWUP) == 0
    assert collision.post.count(names[lost.address], INFORMATIONAL) == 0
    collision.assert_one_new()


@pytest.mark.parametrize("seed", SEEDS)
def test_request_that_comes_during_our_further_key_exchanges_is_refused(seed: int) -> None:
    collision = Collision(seed, HYBRID_IKE)
    collision.post.hold(collision.bob, CREATE)
    collision.post.hold(collision.alice, FOLLOWUP)
    collision.rekey()
    collision.run()
    # A -> B  IKE_FOLLOWUP_KE { KEi(1), N(ADDITIONAL_KEY_EXCHANGE) }
    # B -> A  CREATE_CHILD_SA { SA, Ni2, KEi }                      late
    # A -> B  CREATE_CHILD_SA { N(TEMPORARY_FAILURE) }
    collision.post.release()
    collision.assert_one_new()
    assert collision.alice.said("our own rekeying of the IKE_SA is exchanging further keys")
    assert collision.post.count("bob", CREATE) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_loser_rekeys_after_all_if_the_winner_does_not_finish(seed: int) -> None:
    collision = Collision(seed, HYBRID_IKE)
    for peer in (collision.alice, collision.bob):
        collision.post.lose(peer, FOLLOWUP, count=8)  # four transmissions of two fragments: 24 s
    collision.rekey()
    collision.run(23)
    _, lost = collision.winner()
    assert lost.said("the peer does not go on with its key exchanges, giving up")
    collision.settle(120)
    assert collision.pair.is_up()
    assert collision.alice.sa.spi_local != collision.old
    assert not collision.traffic.lost


# Rekeying against closing


@pytest.mark.parametrize("ike", [CLASSIC_IKE, HYBRID_IKE])
@pytest.mark.parametrize("rekeys", ["alice", "bob"])
def test_closing_ends_the_rekeying(rekeys: str, ike: str) -> None:
    collision = Collision(ike=ike)
    collision.traffic.stop()
    one = getattr(collision.pair, rekeys)
    other = collision.bob if one is collision.alice else collision.alice
    # one -> other  CREATE_CHILD_SA { SA, Ni, KEi }
    # other -> one  INFORMATIONAL { D }
    # other -> one  CREATE_CHILD_SA { N(TEMPORARY_FAILURE) }
    # one -> other  INFORMATIONAL { }                    as usual, and the rekeying is forgotten
    one.order(one.sa, REKEY)
    other.order(other.sa, TerminateIke(ticket=4))
    collision.run(30)
    assert collision.pair.is_clean()
    assert other.finished(4).ok
    assert not one.finished(3).ok


@pytest.mark.parametrize("held", [False, True])
def test_closing_amid_the_further_key_exchanges(held: bool) -> None:
    collision = Collision(ike=HYBRID_IKE)
    collision.traffic.stop()
    collision.post.hold(collision.alice, FOLLOWUP)
    collision.rekey(collision.alice)
    collision.run()
    if held:
        collision.post.hold(collision.alice, INFORMATIONAL, response=True)
    # B -> A  INFORMATIONAL { D }
    # A -> B  IKE_FOLLOWUP_KE { KEi(1), N(ADDITIONAL_KEY_EXCHANGE) }
    # B -> A  IKE_FOLLOWUP_KE { N(TEMPORARY_FAILURE) }
    collision.bob.order(collision.bob.sa, TerminateIke(ticket=4))
    collision.run(0.05)
    collision.post.release()
    collision.run(30)
    assert collision.pair.is_clean()
    assert collision.bob.finished(4).ok
    assert not collision.alice.finished(3).ok


# CHILD_SAs while the IKE_SA is rekeyed, and the other way round


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("ike", [CLASSIC_IKE, HYBRID_IKE])
def test_child_sa_and_ike_sa_rekeyed_at_once_are_both_put_off(seed: int, ike: str) -> None:
    """RFC 7296, 2.25.1 and 2.25.2: TEMPORARY_FAILURE in both directions, then both succeed."""
    collision = Collision(seed, ike, HYBRID_ESP)
    # A -> B  CREATE_CHILD_SA { SA (IKE), Ni, KEi }
    # B -> A  CREATE_CHILD_SA { N(REKEY_SA), SA (ESP), Ni, KEi, TSi, TSr }
    # A -> B  CREATE_CHILD_SA { N(TEMPORARY_FAILURE) }
    # B -> A  CREATE_CHILD_SA { N(TEMPORARY_FAILURE) }
    collision.rekey(collision.alice)
    child = collision.pair.children(collision.bob)[0]
    collision.bob.order(collision.bob.sa, RekeyChild(name="net-net", ticket=8))
    collision.run(0.1)
    for peer in (collision.alice, collision.bob):
        assert peer.said("received TEMPORARY_FAILURE notify, will retry later")
    collision.assert_one_new()
    assert collision.bob.finished(8).ok
    assert collision.pair.children(collision.bob)[0].inbound != child.inbound


@pytest.mark.parametrize("first", ["alice", "bob"])
def test_three_way_crossing(first: str) -> None:
    """Both rekey the IKE_SA while one of them also wants its CHILD_SA rekeyed and another made."""
    collision = Collision(ike=HYBRID_IKE, esp=HYBRID_ESP)
    one = getattr(collision.pair, first)
    one.order(one.sa, RekeyChild(name="net-net", ticket=8))
    collision.rekey()
    config = collision.pair.alice_config if first == "alice" else collision.pair.bob_config
    one.order(one.sa, Initiate(another(config), ticket=9))
    collision.settle(90)
    assert collision.pair.is_up(children=2)
    assert not collision.traffic.lost
    for ticket in (3, 8, 9):
        assert one.finished(ticket).ok


def test_child_sa_is_not_made_while_the_peer_rekeys_the_ike_sa() -> None:
    collision = Collision(ike=HYBRID_IKE)
    collision.post.hold(collision.alice, FOLLOWUP)
    collision.rekey(collision.alice)
    collision.run()
    assert collision.bob.sa.state is IkeState.REKEYING
    collision.bob.order(collision.bob.sa, Initiate(another(collision.pair.bob_config), ticket=8))
    collision.run()
    assert collision.post.count("bob", CREATE) == 0
    collision.post.release()
    collision.run(2)
    assert collision.bob.finished(8).ok  # on the new IKE_SA
    assert collision.pair.is_up(children=2)


@pytest.mark.parametrize(
    "order", [TerminateChild(name="net-net", ticket=8), RekeyChild(name="net-net", ticket=8)]
)
def test_what_waited_is_done_on_the_new_ike_sa(order: TerminateChild | RekeyChild) -> None:
    collision = Collision()
    collision.post.hold(collision.alice, CREATE)
    collision.rekey(collision.alice)
    collision.alice.order(collision.alice.sa, order)
    collision.run()
    collision.post.release()
    collision.settle(10)
    assert collision.alice.finished(3).ok and collision.alice.finished(8).ok
    assert collision.pair.is_up(children=0 if isinstance(order, TerminateChild) else 1)


def test_retry_after_a_temporary_failure_follows_to_the_new_ike_sa() -> None:
    collision = Collision(esp=HYBRID_ESP)
    collision.post.hold(collision.bob, CREATE, response=True)
    # A -> B  CREATE_CHILD_SA { SA (IKE), Ni, KEi }
    # B -> A  CREATE_CHILD_SA { N(REKEY_SA), SA (ESP), Ni, KEi, TSi, TSr }
    # A -> B  CREATE_CHILD_SA { N(TEMPORARY_FAILURE) }
    collision.rekey(collision.alice)
    collision.run(0.05)
    collision.bob.order(collision.bob.sas[2], RekeyChild(name="net-net", ticket=8))
    collision.run(0.5)
    collision.post.release()
    collision.assert_one_new()
    assert collision.bob.finished(8).ok


def test_child_sa_deleted_by_the_peer_while_we_rekey_the_ike_sa_is_answered_as_usual() -> None:
    collision = Collision()
    collision.traffic.stop()
    collision.post.hold(collision.bob, CREATE, response=True)
    collision.post.hold(collision.alice, CREATE)
    collision.rekey(collision.alice)
    # A -> B  CREATE_CHILD_SA { SA (IKE), Ni, KEi }
    # B -> A  INFORMATIONAL { D }
    # A -> B  INFORMATIONAL { D }
    # B -> A  CREATE_CHILD_SA { N(TEMPORARY_FAILURE) }, or not: by then it is deleted
    collision.bob.order(collision.bob.sa, TerminateChild(name="net-net", ticket=8))
    collision.run(0.1)
    assert collision.bob.finished(8).ok
    assert collision.alice.said("generating INFORMATIONAL response 0 [ D ]")
    collision.post.release()
    collision.run(30)
    assert collision.pair.is_up(children=0)
    assert collision.alice.sa.spi_local != collision.old


@pytest.mark.parametrize("seed", SEEDS)
def test_child_sa_deleted_while_the_peer_rekeys_the_ike_sa(seed: int) -> None:
    collision = Collision(seed)
    collision.traffic.stop()
    # A -> B  INFORMATIONAL { D }
    # B -> A  CREATE_CHILD_SA { SA (IKE), Ni, KEi }
    # A -> B  CREATE_CHILD_SA { N(TEMPORARY_FAILURE) }
    collision.alice.order(collision.alice.sa, TerminateChild(name="net-net", ticket=8))
    collision.rekey(collision.bob)
    collision.run(40)
    assert collision.alice.finished(8).ok and collision.bob.finished(3).ok
    assert collision.pair.is_up(children=0)


def test_redundant_ike_sa_that_its_maker_does_not_delete_is_deleted_by_us() -> None:
    collision = Collision()
    for peer in (collision.alice, collision.bob):
        collision.post.lose(peer, INFORMATIONAL, count=6)  # as often as one is sent
    collision.rekey()
    collision.run(500)
    collision.traffic.stop()
    collision.run(6)
    assert collision.pair.is_up()
    assert not collision.traffic.lost


def test_persistent_temporary_failures_end_the_ike_sa() -> None:
    """RFC 7296, 2.25: after several minutes the two sides are out of step."""
    collision = Collision()
    collision.traffic.stop()
    bob = collision.bob.sa._sa
    child = next(iter(bob.children.values()))
    bob.move_child(child, ChildState.DELETING)  # Bob believes that he is deleting it, for ever
    collision.rekey(collision.alice)
    collision.run(150)
    assert collision.alice.sa.state in (IkeState.ESTABLISHED, IkeState.REKEYING)
    collision.run(60)
    assert "received TEMPORARY_FAILURE notify for 180s" in collision.alice.finished(3).reason
    (closed,) = collision.alice.of(IkeClosed)
    assert (closed.ike_id, closed.cause) == (1, Cause.OUT_OF_STEP)
    assert collision.pair.is_up(), "it is made anew"


@pytest.mark.parametrize("seed", range(12))
def test_crossing_rekeyings_under_loss(seed: int) -> None:
    ike, esp = HYBRID_IKE if seed % 2 else CLASSIC_IKE, HYBRID_ESP if seed % 3 else CLASSIC_ESP
    collision = Collision(seed, ike, esp)
    weather = collision.pair.network.weather
    weather.loss, weather.copies, weather.jitter_s = 0.1, 0.2, 0.1
    for peer in (collision.alice, collision.bob):
        peer.order(peer.sa, REKEY)
        peer.order(peer.sa, RekeyChild(name="net-net"))
    collision.run(150)
    weather.loss = 0.0
    collision.settle(300)
    assert collision.pair.is_up()
    assert not collision.traffic.lost


def test_hundreds_of_crossing_rekeyings_leave_one_ike_sa() -> None:
    collision = Collision(ike="aes128gcm16-prfsha256-x25519-ke1_x448!")
    for turn in range(100):
        for peer in (collision.alice, collision.bob):
            for sa in tuple(peer.sas.values()):
                if sa.state is IkeState.ESTABLISHED:
                    peer.order(sa, RekeyIke())
            collision.run(0.001 * (turn % 30))
        collision.run(1)
    collision.settle()
    assert collision.pair.is_up()
    assert not collision.traffic.lost
    assert collision.alice.sa.spi_local != collision.old
