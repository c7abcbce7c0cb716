"""``uniqueids`` and INITIAL_CONTACT (RFC 7296, 2.4)."""

from dataclasses import replace

import pytest
from simulation.network import Weather
from simulation.pair import BOB, Pair
from simulation.peer import Peer

from cygnet.charon.sa.states import IkeState
from cygnet.keying.config.records import Unique
from cygnet.keying.config.settings import DaemonSettings

ELSEWHERE = "192.0.2.7"


def pair_with(unique: Unique, seed: int = 1, weather: Weather | None = None) -> Pair:
    pair = Pair(seed, DaemonSettings(reuse_ikesa=False), weather)
    for whose in ("alice", "bob"):
        pair.change(whose, unique=unique)
    return pair


def again(pair: Pair) -> None:
    """Alice establishes a second IKE_SA, knowing the first."""
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], BOB, ticket=2)
    pair.network.run(2)


def twin(pair: Pair) -> Peer:
    """Another host with Alice's identity and secret, which knows nothing of the first."""
    peer = Peer(pair.network, ELSEWHERE)
    peer.store.secrets = pair.alice.store.secrets
    return peer


def bobs(pair: Pair) -> list[int]:
    return [number for number, sa in pair.bob.sas.items() if sa.state is IkeState.ESTABLISHED]


@pytest.mark.parametrize(
    ("unique", "said"),
    [(Unique.REPLACE, True), (Unique.KEEP, True), (Unique.NO, False), (Unique.NEVER, False)],
)
def test_first_ike_sa_says_initial_contact_where_identities_are_unique(unique: Unique, said: bool) -> None:
    pair = pair_with(unique)
    pair.connect()
    # I -> R  IKE_AUTH { IDi, N(INITIAL_CONTACT), IDr, AUTH, SAi2, TSi, TSr }
    assert pair.bob.said("INIT_CONTACT") is said


def test_second_ike_sa_does_not_say_it() -> None:
    pair = pair_with(Unique.REPLACE)
    pair.connect()
    pair.bob.log.clear()
    again(pair)
    assert not pair.bob.said("INIT_CONTACT")


def test_two_that_are_made_at_once_do_not_both_say_it() -> None:
    pair = pair_with(Unique.REPLACE)
    pair.load()
    for ticket in (1, 2):
        pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], BOB, ticket)
    pair.network.run(2)
    assert sum("parsed" in line and "INIT_CONTACT" in line for line in pair.bob.log) == 1
    assert len(bobs(pair)) == 2


def test_replaced_after_a_while_where_it_may_be_a_reauthentication() -> None:
    pair = pair_with(Unique.REPLACE)
    pair.connect()
    again(pair)
    assert bobs(pair) == [1, 2]
    pair.network.run(10)
    assert bobs(pair) == [2]
    pair.network.run(6)
    assert pair.is_up()


def test_replaced_at_once_by_one_from_elsewhere() -> None:
    pair = pair_with(Unique.REPLACE)
    pair.connect()
    other = twin(pair)
    other.initiate(replace(pair.alice_config, unique=Unique.NO), pair.alice_config.children[0], BOB)
    pair.network.run(2)
    assert bobs(pair) == [2] and other.is_established() and not pair.alice.sas


def test_keep_refuses_one_from_elsewhere() -> None:
    pair = pair_with(Unique.KEEP)
    pair.connect()
    other = twin(pair)
    other.initiate(replace(pair.alice_config, unique=Unique.NO), pair.alice_config.children[0], BOB)
    pair.network.run(2)
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    assert pair.is_up()
    assert other.finished(1).reason == "received AUTHENTICATION_FAILED notify error"
    assert pair.bob.said("cancelling IKE_SA setup due to uniqueness policy")


@pytest.mark.parametrize("unique", [Unique.KEEP, Unique.NO, Unique.NEVER])
def test_others_let_both_live(unique: Unique) -> None:
    pair = pair_with(unique)
    pair.connect()
    again(pair)
    pair.network.run(60)
    assert bobs(pair) == [1, 2]


@pytest.mark.parametrize(
    ("unique", "left"),
    [(Unique.REPLACE, 1), (Unique.KEEP, 1), (Unique.NO, 1), (Unique.NEVER, 2)],
)
def test_initial_contact_ends_what_was_before_a_crash(unique: Unique, left: int) -> None:
    pair = pair_with(unique)
    pair.connect()
    pair.alice.crash()
    pair.alice.boot()
    config = replace(pair.alice_config, unique=Unique.REPLACE)
    pair.alice.initiate(config, config.children[0], BOB)
    pair.network.run(2)
    assert len(bobs(pair)) == left
    assert len(pair.children(pair.bob)) == left


@pytest.mark.parametrize("unique", [Unique.REPLACE, Unique.KEEP])
def test_both_initiate_at_once_and_one_ike_sa_stays_on_both(unique: Unique) -> None:
    for seed in range(60):
        pair = pair_with(unique, seed, Weather(jitter_s=0.02 * (seed % 4)))
        pair.load()
        pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], BOB)
        pair.network.run(seed % 8 / 300)
        pair.bob.initiate(pair.bob_config, pair.bob_config.children[0], pair.alice.address)
        pair.network.run(30)
        assert pair.is_up(), seed


def test_both_initiate_at_once_over_a_bad_network() -> None:
    for seed in range(60):
        pair = pair_with(Unique.REPLACE, seed, Weather(loss=0.25, copies=0.2, jitter_s=0.5))
        pair.load()
        pair.alice.up()
        pair.network.run(seed % 10 / 10)
        pair.bob.up()
        pair.network.run(120)
        pair.network.weather = Weather()
        pair.network.run(300)
        assert pair.is_up(), seed


def test_other_connections_between_the_same_identities_are_left_alone() -> None:
    pair = Pair()
    other_alice = replace(pair.alice_config, name="other", fuzz_percent=50)
    other_bob = replace(pair.bob_config, name="other", fuzz_percent=50)
    pair.connect()
    pair.bob.connections.configs = [other_bob]
    pair.alice.initiate(other_alice, other_alice.children[0], BOB, ticket=2)
    pair.network.run(30)
    assert bobs(pair) == [1, 2]
