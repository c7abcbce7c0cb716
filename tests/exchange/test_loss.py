"""Loss, copies and reordering: a handshake ends established on both sides, or leaves nothing."""

import pytest
from simulation.network import Weather
from simulation.pair import Pair

from cygnet.charon.sa.orders import TerminateIke


@pytest.mark.parametrize("seed", range(200))
def test_a_fifth_lost_ends_established_or_clean(seed: int) -> None:
    pair = Pair(seed, weather=Weather(loss=0.2, copies=0.1, jitter_s=0.2))
    sa = pair.connect(900)
    if pair.alice.finished().ok:
        assert pair.is_up(), pair.bob.log
        pair.alice.order(sa, TerminateIke())
        pair.network.run(900)
    else:
        pair.network.weather.loss = 0.0
        pair.network.run(900)
    assert not pair.alice.sas
    assert pair.alice.kernel.is_empty()


def test_copies_and_reordering_alone_change_nothing() -> None:
    for seed in range(20):
        pair = Pair(seed, weather=Weather(copies=0.8, jitter_s=0.3))
        pair.connect(60)
        assert pair.is_up(), seed
        assert len(pair.bob.sas) == 1


def test_lost_response_is_answered_from_cache() -> None:
    pair = Pair()
    lost = []
    pair.network.filters.append(
        lambda datagram: lost.append(1) if datagram.source == pair.bob.host and len(lost) < 1 else datagram
    )
    pair.connect(10)
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni }         the response is lost
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni }         again
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr }         the same as before
    assert pair.is_up()
    assert pair.alice.said("retransmit 1 of request with message ID 0")
    assert pair.bob.said("received retransmit of request with ID 0, retransmitting response")


def test_silence_is_given_up_after_all_tries() -> None:
    pair = Pair(weather=Weather(loss=1.0))
    pair.change("alice", keying_tries=1)
    begin = pair.network.now
    pair.connect(400)
    assert pair.alice.said("giving up after 5 retransmits")
    assert pair.alice.said("establishing IKE_SA failed, peer not responding")
    assert pair.alice.finished().reason == "peer not responding"
    assert not pair.alice.sas
    assert begin + 164 < begin + sum(4 * 1.8**n for n in range(6)) < begin + 166


def test_keyingtries_begin_again_with_new_keys() -> None:
    pair = Pair(weather=Weather(loss=1.0))
    pair.change("alice", keying_tries=0)
    pair.connect(400)
    assert pair.alice.said("peer not responding, trying again (3/%forever)")
    pair.network.weather.loss = 0.0
    pair.network.run(200)
    assert pair.is_up()
    assert pair.alice.finished().ok


def test_half_open_ike_sa_is_deleted_in_time() -> None:
    pair = Pair()
    pair.network.filters.append(lambda datagram: datagram if datagram.source == pair.alice.host else None)
    pair.connect(20)
    assert len(pair.bob.sas) == 1
    pair.network.filters.append(lambda datagram: None)
    pair.network.run(20)
    assert not pair.bob.sas
    assert pair.bob.retired == ["half open IKE_SA timed out"]
