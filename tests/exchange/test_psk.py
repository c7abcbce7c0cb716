"""Pre-shared keys: from nothing to a CHILD_SA and back, and every refusal."""

from dataclasses import replace

from simulation.certified import use_certificates
from simulation.pair import Pair

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.charon.sa.events import IkeEstablished
from cygnet.charon.sa.orders import TerminateIke
from cygnet.keying.config.records import AuthClass


def test_both_sides_end_with_the_same_child_sa() -> None:
    pair = Pair()
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni }
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr }
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr, AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up()
    assert len(pair.network.travelled) == 4
    assert pair.alice.finished().ok
    (established,) = pair.bob.of(IkeEstablished)
    assert established.initial_contact
    assert established.remote_id == Identity.parse("alice.test")


def test_delete_leaves_nothing() -> None:
    pair = Pair()
    sa = pair.connect()
    # I -> R  INFORMATIONAL { D }
    # R -> I  INFORMATIONAL { }
    pair.alice.order(sa, TerminateIke(ticket=2))
    pair.network.run()
    assert pair.is_clean()
    assert pair.alice.finished(2).ok


def test_different_secrets_fail_and_both_say_why() -> None:
    pair = Pair()
    pair.bob.store.secrets = [(None, Secret(b"one other")), (None, Secret(b"another"))]
    pair.connect()
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    assert pair.is_clean()
    assert pair.bob.said("tried 2 shared keys for 'bob.test' - 'alice.test', but MAC mismatched")
    assert pair.alice.said("received AUTHENTICATION_FAILED notify error")
    assert pair.alice.said("the peer does not accept 'alice.test' with pre-shared key, or is not 'bob.test'")
    assert pair.alice.finished().reason == "received AUTHENTICATION_FAILED notify error"


def test_initiator_that_cannot_verify_the_responder_tells_it() -> None:
    pair = Pair()
    right = Secret(b"right")
    pair.bob.store.secrets = [(None, right)]
    pair.alice.store.secrets = [(None, right)]
    pair.alice.store.shared_secrets = _other_second_time(right)  # type: ignore[method-assign]
    pair.connect()
    # R -> I  IKE_AUTH { IDr, AUTH, SAr2, TSi, TSr }
    # I -> R  INFORMATIONAL { N(AUTHENTICATION_FAILED) }
    # R -> I  INFORMATIONAL { }
    assert pair.is_clean()
    assert pair.bob.said("received AUTHENTICATION_FAILED notify error")
    assert "MAC mismatched" in pair.alice.finished().reason


def _other_second_time(right: Secret):  # type: ignore[no-untyped-def]
    answers = [(right,), (Secret(b"wrong"),)]
    return lambda local, remote: answers.pop(0)


def test_initiator_without_secret_tells_the_responder() -> None:
    pair = Pair()
    pair.alice.store.secrets.clear()
    pair.connect()
    # I -> R  INFORMATIONAL { N(AUTHENTICATION_FAILED) }
    # R -> I  INFORMATIONAL { }
    assert pair.is_clean()
    assert pair.bob.said("received AUTHENTICATION_FAILED notify error")
    assert "no shared key found for 'alice.test' - 'bob.test'" in pair.alice.finished().reason


def test_responder_without_secret_says_so() -> None:
    pair = Pair()
    pair.bob.store.secrets.clear()
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("no shared key found for 'bob.test' - 'alice.test'")


def test_unknown_initiator_is_refused() -> None:
    pair = Pair()
    wrong = replace(pair.alice_config.local[0], identity=Identity.parse("mallory.test"))
    pair.change("alice", local=(wrong,))
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("no matching peer config found")
    assert pair.bob.said("peer's identity 'mallory.test' does not match 'alice.test'")


def test_responder_with_another_identity_is_refused_by_itself() -> None:
    pair = Pair()
    wrong = replace(pair.alice_config.remote[0], identity=Identity.parse("carol.test"))
    pair.change("alice", remote=(wrong,))
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("peer expects 'carol.test', we are 'bob.test'")


def test_responder_with_an_unexpected_identity_is_refused_by_the_initiator() -> None:
    pair = Pair()
    pattern = replace(pair.alice_config.remote[0], identity=Identity.parse("*.example"))
    pair.change("alice", remote=(pattern,))
    pair.connect()
    assert pair.is_clean()
    assert pair.alice.said("constraint check failed: identity '*.example' required, peer is 'bob.test'")


def test_second_connection_is_taken_when_the_first_does_not_suit() -> None:
    pair = Pair()
    pair.load()
    other = replace(
        pair.bob_config,
        name="other",
        remote=(replace(pair.bob_config.remote[0], identity=Identity.parse("x.test")),),
    )
    pair.bob.connections.configs = [other, pair.bob_config]
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], "192.0.2.2")
    pair.network.run()
    assert pair.is_up()
    assert pair.bob.sa.name == "net-net"


def test_connection_whose_constraints_fail_makes_room_for_the_next() -> None:
    pair = Pair()
    pair.load()
    remote = replace(pair.bob_config.remote[0], auth=AuthClass.PUBKEY)
    strict = replace(pair.bob_config, name="strict", remote=(remote,))
    pair.bob.connections.configs = [strict, pair.bob_config]
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], "192.0.2.2")
    pair.network.run()
    assert pair.is_up()
    assert pair.bob.said("switching to peer config 'net-net'")


def test_secret_where_a_certificate_is_demanded_is_refused() -> None:
    pair = Pair()
    use_certificates(pair, "bob")
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said(
        "constraint check failed: requires public key authentication, but peer used pre-shared key"
    )


def test_wildcard_identities_match() -> None:
    pair = Pair()
    pair.change("bob", remote=(replace(pair.bob_config.remote[0], identity=Identity.parse("*.test")),))
    pair.connect()
    assert pair.is_up()


def test_identities_default_to_addresses() -> None:
    pair = Pair()
    for whose in ("alice", "bob"):
        config = getattr(pair, f"{whose}_config")
        pair.change(
            whose,
            local=(replace(config.local[0], identity=None),),
            remote=(replace(config.remote[0], identity=None),),
        )
    pair.connect()
    assert pair.is_up()
    assert str(pair.bob.sa.snapshot(0).remote_id) == "192.0.2.1"


def test_stranger_gets_no_proposal_chosen() -> None:
    pair = Pair()
    sa = pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], "192.0.2.2")
    pair.network.run()
    assert sa.unique_id not in pair.alice.sas
    assert pair.bob.said("no IKE config found for 192.0.2.2...192.0.2.1, sending NO_PROPOSAL_CHOSEN")
    assert pair.alice.finished().reason == "received NO_PROPOSAL_CHOSEN notify error"


def test_ike_sa_alone_can_be_had_where_nothing_is_to_be_protected() -> None:
    pair = Pair()
    pair.load()
    pair.alice.initiate(pair.alice_config, None, "192.0.2.2")
    pair.network.run()
    assert pair.is_up(children=0)
    assert pair.alice.finished().ok
