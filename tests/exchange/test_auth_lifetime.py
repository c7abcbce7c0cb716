"""AUTH_LIFETIME: the responder limits the time until the next authentication (RFC 4478)."""

import pytest
from simulation.network import Datagram
from simulation.pair import Pair
from simulation.peer import Peer

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message, build_protected
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Notify
from cygnet.charon.sa.orders import RekeyIke


def limited() -> Pair:
    """Bob, who responds, wants authentication every so often; Alice would only rekey."""
    pair = Pair()
    pair.change("bob", ike_lifetime_s=3600, margin_s=300, fuzz_percent=0, reauth=True)
    pair.change("alice", margin_s=200, fuzz_percent=0)
    return pair


def reauth_in(peer: Peer) -> int:
    at = peer.sa.snapshot(peer.network.now).reauth_at
    return round(at - peer.network.now)


def ask(pair: Pair, seconds: int, asked: str = "alice", octets: int = 4, message_id: int = 0) -> None:
    """An INFORMATIONAL request with N(AUTH_LIFETIME) to one of the two, under the other's keys."""
    to, other = (pair.alice, pair.bob) if asked == "alice" else (pair.bob, pair.alice)
    snapshot, protection = other.sa.snapshot(0), other.sa._sa.sends
    notify = Notify(NotifyType.AUTH_LIFETIME, seconds.to_bytes(octets, "big"))
    message = Message(
        Exchange.INFORMATIONAL, snapshot.spi_i, snapshot.spi_r, message_id, asked == "bob", False, (notify,)
    )
    data = build_protected(message, protection.sealer, bytes([7]) + protection.iv()[1:])
    to.arrive(Datagram(other.host, to.host, data))
    pair.network.run()


def test_responder_says_it_and_the_initiator_obeys_a_margin_before() -> None:
    pair = limited()
    old = pair.connect()
    # R -> I  IKE_AUTH { IDr, AUTH, SAr2, TSi, TSr, N(AUTH_LIFETIME) }
    assert reauth_in(pair.bob) == 3298
    assert reauth_in(pair.alice) == 3098
    pair.network.run(3090)
    assert pair.alice.sa is old
    pair.network.run(20)
    assert pair.is_up()
    assert pair.alice.sa is not old and pair.alice.sa.snapshot(0).initiator
    assert reauth_in(pair.alice) > 3000


def test_stricter_policy_of_the_initiator_stands() -> None:
    pair = limited()
    pair.change("alice", ike_lifetime_s=1000, reauth=True)
    pair.connect()
    assert reauth_in(pair.alice) == 798


def test_responder_without_reauthentication_says_nothing() -> None:
    pair = Pair()
    pair.connect()
    assert not pair.bob.said("AUTH_LFT")
    assert pair.alice.sa.snapshot(0).reauth_at is None


def test_limit_outlives_a_rekeying() -> None:
    pair = limited()
    pair.connect()
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(8)
    assert pair.is_up()
    assert reauth_in(pair.alice) == 3090 and reauth_in(pair.bob) == 3290


def test_informational_exchange_shortens_the_time() -> None:
    pair = limited()
    pair.connect()
    # R -> I  INFORMATIONAL { N(AUTH_LIFETIME) }
    # I -> R  INFORMATIONAL { }
    ask(pair, 900)
    assert reauth_in(pair.alice) in (699, 700)
    assert pair.is_up()


def test_time_shorter_than_the_margin_is_halved() -> None:
    pair = limited()
    pair.connect()
    ask(pair, 100)
    assert reauth_in(pair.alice) in (49, 50)


def test_zero_means_at_once() -> None:
    pair = limited()
    old = pair.connect(30)
    ask(pair, 0)
    pair.network.run(8)
    assert pair.is_up() and pair.alice.sa is not old


def test_peer_that_asks_for_no_time_at_all_gets_ten_seconds() -> None:
    pair = limited()
    pair.connect(1)
    ask(pair, 0)
    assert reauth_in(pair.alice) in (8, 9)


@pytest.mark.parametrize(("asked", "octets"), [("bob", 4), ("alice", 2)])
def test_what_only_the_responder_may_say_or_cannot_be_read_is_ignored(asked: str, octets: int) -> None:
    pair = limited()
    pair.connect()
    before = reauth_in(pair.alice), reauth_in(pair.bob)
    ask(pair, 90, asked, octets, 2 if asked == "bob" else 0)
    assert pair.is_up()
    assert (reauth_in(pair.alice), reauth_in(pair.bob)) == (before[0], before[1])


def test_peer_that_shortens_it_over_and_over_is_ignored_at_last() -> None:
    pair = limited()
    pair.connect()
    for number in range(20):
        ask(pair, 2000 - 10 * number, message_id=number)
    assert pair.alice.said("ignored: it was changed 16 times already")
    assert reauth_in(pair.alice) > 1600


def test_initiator_that_does_nothing_loses_the_ike_sa_at_the_end_of_the_time() -> None:
    pair = limited()
    pair.connect()
    pair.bob.store.secrets.clear()
    pair.network.run(3700)
    assert not any(sa.snapshot(0).established_at for sa in pair.alice.sas.values())
    assert pair.alice.said("deleting IKE_SA net-net[1] after its maximum lifetime")
