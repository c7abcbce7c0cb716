"""IKE_SAs without a CHILD_SA, and what a failing first CHILD_SA leaves (RFC 6023)."""

from dataclasses import replace

import pytest
from simulation.pair import BOB, Pair, selector
from simulation.peer import outcome

from cygnet.charon.sa.orders import Initiate
from cygnet.keying.config.records import Childless
from cygnet.keying.config.settings import DaemonSettings


def pair_with(alice: Childless = Childless.ALLOW, bob: Childless = Childless.ALLOW) -> Pair:
    pair = Pair()
    pair.change("alice", ike=replace(pair.alice_config.ike, childless=alice))
    pair.change("bob", ike=replace(pair.bob_config.ike, childless=bob))
    return pair


def messages(pair: Pair) -> list[str]:
    """The requests that Bob read."""
    return [line for line in pair.bob.log if line.startswith("parsed") and " request " in line]


def test_ike_sa_alone_then_a_child_sa_of_its_own_exchange() -> None:
    pair = pair_with()
    pair.load()
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni }
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr, N(CHILDLESS_IKEV2_SUPPORTED) }
    # I -> R  IKE_AUTH { IDi, IDr, AUTH }
    # R -> I  IKE_AUTH { IDr, AUTH }
    sa = pair.alice.initiate(pair.alice_config, None, BOB, ticket=5)
    pair.network.run()
    assert pair.is_up(children=0) and pair.alice.finished(5).ok
    assert " SA " not in messages(pair)[1]
    # I -> R  CREATE_CHILD_SA { SA, Ni, TSi, TSr }
    # R -> I  CREATE_CHILD_SA { SA, Nr, TSi, TSr }
    pair.alice.order(sa, Initiate(pair.alice_config.children[0], ticket=6))
    pair.network.run()
    assert pair.is_up() and pair.alice.finished(6).ok


@pytest.mark.parametrize("policy", [Childless.PREFER, Childless.FORCE])
def test_first_child_sa_gets_an_exchange_of_its_own_where_the_initiator_wants_that(policy: Childless) -> None:
    pair = pair_with(alice=policy)
    pair.connect()
    assert pair.is_up() and pair.alice.finished(1).ok
    assert [line.split()[1] for line in messages(pair)] == ["IKE_SA_INIT", "IKE_AUTH", "CREATE_CHILD_SA"]
    assert " SA " not in messages(pair)[1]


def test_preference_gives_way_to_a_responder_that_cannot() -> None:
    pair = pair_with(alice=Childless.PREFER, bob=Childless.NEVER)
    pair.connect()
    assert pair.is_up()
    assert [line.split()[1] for line in messages(pair)] == ["IKE_SA_INIT", "IKE_AUTH"]


def test_force_fails_at_a_responder_that_cannot() -> None:
    pair = pair_with(alice=Childless.FORCE, bob=Childless.NEVER)
    pair.connect()
    assert not pair.alice.sas
    assert "peer does not support childless IKE_SA initiation" in pair.alice.finished(1).reason


def test_ike_sa_alone_is_not_tried_at_a_responder_that_cannot() -> None:
    pair = pair_with(bob=Childless.NEVER)
    pair.load()
    pair.alice.initiate(pair.alice_config, None, BOB, ticket=5)
    pair.network.run()
    assert "peer does not support childless IKE_SA initiation" in pair.alice.finished(5).reason
    assert not any("IKE_AUTH" in line for line in messages(pair))


def test_responder_that_says_never_refuses_one_that_does_it_anyway() -> None:
    pair = pair_with()
    pair.load()
    sa = pair.alice.initiate(pair.alice_config, None, BOB, ticket=5)
    pair.network.run(0.015)  # Bob has offered it
    pair.bob.sa._sa.negotiation.candidates = (
        replace(pair.bob_config, ike=replace(pair.bob_config.ike, childless=Childless.NEVER)),
    )
    pair.network.run()
    # R -> I  IKE_AUTH { N(INVALID_SYNTAX) }
    assert pair.alice.finished(5).reason == "received INVALID_SYNTAX notify error"
    assert pair.bob.said("peer tried to initiate a childless IKE_SA (childless=never)")
    assert not pair.bob.sas and sa.unique_id not in pair.alice.sas


def test_responder_that_says_force_refuses_a_child_sa_within_ike_auth() -> None:
    pair = pair_with(bob=Childless.FORCE)
    pair.connect()
    # R -> I  IKE_AUTH { N(INVALID_SYNTAX) }
    assert pair.is_clean()
    assert pair.alice.finished(1).reason == "received INVALID_SYNTAX notify error"
    assert pair.bob.said("peer did not initiate a childless IKE_SA (childless=force)")


def failing(settings: DaemonSettings | None = None) -> Pair:
    """The two want CHILD_SAs that have nothing in common."""
    pair = Pair(settings=settings)
    pair.change_child("bob", local_ts=(selector("10.9.0.0/16"),))
    return pair


def test_failing_child_sa_leaves_the_ike_sa() -> None:
    pair = failing()
    pair.load()
    dialogue = pair.alice.up()
    pair.network.run(2)
    assert pair.is_up(children=0)
    done = outcome(dialogue)
    assert not done.ok and "TS_UNACCEPTABLE" in done.reason


def test_close_ike_on_child_failure_ends_it() -> None:
    pair = failing(DaemonSettings(close_ike_on_child_failure=True))
    pair.connect()
    # I -> R  INFORMATIONAL { D }
    # R -> I  INFORMATIONAL { }
    assert pair.is_clean()
    assert "TS_UNACCEPTABLE" in pair.alice.finished(1).reason


def test_failing_later_child_sa_ends_nothing() -> None:
    pair = Pair(settings=DaemonSettings(close_ike_on_child_failure=True))
    pair.add_child("second", "10.3.0.0/16", "10.4.0.0/16")
    sa = pair.connect()
    pair.bob.connections.configs = [replace(pair.bob_config, children=pair.bob_config.children[:1])]
    pair.bob.sa._sa.config = pair.bob.connections.configs[0]
    pair.alice.order(sa, Initiate(pair.alice_config.children[1], ticket=7))
    pair.network.run()
    assert pair.is_up() and not pair.alice.finished(7).ok
