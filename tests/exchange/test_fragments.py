"""IKE fragmentation (RFC 7383)."""

from dataclasses import replace

import pytest
from simulation.authority import Issuer
from simulation.certified import certified_pair
from simulation.network import Weather
from simulation.pair import Pair

from cygnet.keying.config.settings import DaemonSettings


def large_pair(weather: Weather | None = None, seed: int = 1) -> Pair:
    """Certificates of several kilobytes."""
    pair = certified_pair(pair=Pair(seed, weather=weather))
    for peer, name in ((pair.alice, "alice.test"), (pair.bob, "bob.test")):
        peer.store.keys = [Issuer().issue(name, padding=3000)]
    return pair


def test_large_messages_travel_in_fragments() -> None:
    pair = large_pair()
    # I -> R  IKE_AUTH { SKF 1/4 }, { SKF 2/4 }, { SKF 3/4 }, { SKF 4/4 }
    # R -> I  IKE_AUTH { SKF 1/4 }, { SKF 2/4 }, { SKF 3/4 }, { SKF 4/4 }
    pair.connect()
    assert pair.is_up()
    assert len(pair.network.travelled) > 6
    assert max(len(one.data) for one in pair.network.travelled) <= 1280 - 28
    assert pair.alice.said("into 4 fragments"), pair.alice.log
    assert pair.bob.said("received fragment #1 of 4, waiting for complete IKE message")


def test_nobody_fragments_unless_both_want_to() -> None:
    pair = large_pair()
    pair.change("bob", ike=replace(pair.bob_config.ike, fragmentation=False))
    pair.connect()
    assert pair.is_up()
    assert len(pair.network.travelled) == 4


def test_fragment_size_is_obeyed() -> None:
    pair = certified_pair(pair=Pair(settings=DaemonSettings(fragment_size=500)))
    pair.connect()
    assert pair.is_up()
    assert max(len(one.data) for one in pair.network.travelled[2:]) <= 500 - 28


@pytest.mark.parametrize("seed", range(30))
def test_fragments_survive_loss_and_reordering(seed: int) -> None:
    pair = large_pair(Weather(loss=0.1, copies=0.1, jitter_s=0.2), seed)
    pair.connect(900)
    assert pair.alice.finished() is not None
    assert pair.is_up() or not pair.alice.sas


def test_lost_fragmented_response_is_sent_again_once() -> None:
    pair = large_pair()
    eaten: list[int] = []

    def eat(datagram):  # type: ignore[no-untyped-def]
        if datagram.source.address == pair.bob.host.address and datagram.data[18] == 35 and len(eaten) < 4:
            eaten.append(1)
            return None
        return datagram

    pair.network.filters.append(eat)
    pair.connect(10)
    assert pair.is_up()
    assert sum("retransmitting response" in line for line in pair.bob.log) == 1
