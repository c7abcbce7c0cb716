"""Several authentication rounds (RFC 4739): a secret or certificate first, then a user by EAP."""

from dataclasses import replace

import pytest
from simulation.eap_pair import PASSWORD
from simulation.meddling import Meddling
from simulation.pair import Pair

from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Notify
from cygnet.eap.packets import MD5, MSCHAPV2
from cygnet.eap.ports import UserSecret
from cygnet.keying.config.records import AuthClass, AuthConfig

CAROL = Identity.parse("carol")
USER = AuthConfig(AuthClass.EAP, None, eap_methods=(MSCHAPV2,), eap_identity=CAROL)
ASKED = replace(USER, identity=Identity.parse("%any"), eap_identity=Identity.parse("%any"))
SECOND = AuthConfig(AuthClass.PSK, Identity.parse("second.test"))


def test_secret_then_user() -> None:
    pair = round_pair()
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr, N(MULTIPLE_AUTH_SUPPORTED) }
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, SAi2, TSi, TSr, N(MULTIPLE_AUTH_SUPPORTED), N(ANOTHER_AUTH_FOLLOWS) }
    # R -> I  IKE_AUTH { IDr, AUTH }
    # I -> R  IKE_AUTH { IDi }
    # R -> I  IKE_AUTH { EAP/REQ/ID }
    # …
    # R -> I  IKE_AUTH { EAP/SUCC }
    # I -> R  IKE_AUTH { AUTH }
    # R -> I  IKE_AUTH { AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.bob.log
    (sa,) = pair.bob.sas.values()
    shown = sa.snapshot(0)
    assert (str(shown.remote_id), str(shown.remote_eap_id)) == ("alice.test", "carol")


def test_user_then_secret() -> None:
    pair = round_pair()
    pair.change("alice", local=tuple(reversed(pair.alice_config.local)))
    pair.change("bob", remote=tuple(reversed(pair.bob_config.remote)))
    pair.alice_config = replace(
        pair.alice_config, local=(replace(USER, identity=Identity.parse("alice.test")), SECOND)
    )
    pair.bob_config = replace(pair.bob_config, remote=(ASKED, SECOND))
    # I -> R  IKE_AUTH { AUTH, N(ANOTHER_AUTH_FOLLOWS) }
    # R -> I  IKE_AUTH { AUTH }
    # I -> R  IKE_AUTH { IDi, AUTH }
    # R -> I  IKE_AUTH { SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.bob.log


def test_both_sides_have_two_rounds() -> None:
    pair = Pair()
    for whose in ("alice", "bob"):
        config = getattr(pair, f"{whose}_config")
        pair.change(whose, local=(*config.local, SECOND), remote=(*config.remote, SECOND))
    # I -> R  IKE_AUTH { IDi, AUTH, N(ANOTHER_AUTH_FOLLOWS), … }
    # R -> I  IKE_AUTH { IDr, AUTH, N(ANOTHER_AUTH_FOLLOWS) }
    # I -> R  IKE_AUTH { IDi, AUTH }
    # R -> I  IKE_AUTH { IDr, AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.bob.log
    assert len(pair.network.travelled) == 6


def test_responder_alone_has_a_second_round() -> None:
    pair = Pair()
    pair.change("alice", remote=(*pair.alice_config.remote, SECOND))
    pair.change("bob", local=(*pair.bob_config.local, SECOND))
    # R -> I  IKE_AUTH { IDr, AUTH, N(ANOTHER_AUTH_FOLLOWS) }
    # I -> R  IKE_AUTH { }
    # R -> I  IKE_AUTH { IDr, AUTH, SAr2, TSi, TSr }
    pair.change("alice", local=pair.alice_config.local)
    pair.connect()
    assert pair.is_up(), pair.bob.log


def test_first_round_alone_is_not_enough() -> None:
    pair = round_pair()
    pair.change("alice", local=pair.alice_config.local[:1])
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert_refused(pair, "another authentication round required, by EAP authentication")


def test_second_round_alone_is_not_enough() -> None:
    pair = round_pair()
    pair.change("alice", local=(replace(USER, identity=Identity.parse("alice.test")),))
    pair.connect()
    assert_refused(pair, "peer requested EAP, config unacceptable")


def test_round_that_nobody_asked_for_is_refused() -> None:
    pair = round_pair()
    pair.change("bob", remote=pair.bob_config.remote[:1], local=(*pair.bob_config.local, SECOND))
    pair.change("alice", remote=(*pair.alice_config.remote, SECOND))
    pair.connect()
    assert_refused(pair, "authentication round 2 of the peer, configured are 1")


def test_peer_without_support_is_told_apart() -> None:
    pair = round_pair()
    pair.change("bob", remote=pair.bob_config.remote[:1])
    pair.connect()
    assert pair.is_clean()
    assert "peer does not support multiple authentication rounds (RFC 4739)" in pair.alice.finished().reason


@pytest.mark.parametrize("wrong", ["secret", "password", "method", "user"])
def test_each_round_has_to_succeed(wrong: str) -> None:
    pair = round_pair()
    if wrong == "secret":
        pair.bob.store.secrets = [(None, Secret(b"another"))]
    elif wrong == "password":
        pair.bob.store.passwords["carol"] = UserSecret(Secret(b"another"))
    elif wrong == "method":
        pair.change("bob", remote=(pair.bob_config.remote[0], replace(ASKED, eap_methods=(MD5,))))
    else:
        dave = replace(ASKED, eap_identity=Identity.parse("dave"))
        pair.change("bob", remote=(pair.bob_config.remote[0], dave))
    pair.connect()
    assert pair.is_clean()
    assert not pair.alice.finished().ok


def test_secret_of_the_second_round_is_proven_by_its_own_identity() -> None:
    pair = Pair()
    other = replace(SECOND, identity=Identity.parse("third.test"))
    pair.change("alice", local=(*pair.alice_config.local, other))
    pair.change("bob", remote=(*pair.bob_config.remote, SECOND))
    pair.connect()
    assert_refused(pair, "identity 'second.test' required, peer is 'third.test'")


def test_initiator_holds_the_responder_to_its_rounds() -> None:
    pair = Pair()
    pair.change("alice", remote=(*pair.alice_config.remote, SECOND))
    pair.connect()
    assert pair.is_clean()
    assert "another authentication round required" in pair.alice.finished().reason


def test_announcing_a_round_that_never_comes_establishes_nothing() -> None:
    pair = Pair()
    notify = Notify(NotifyType.ANOTHER_AUTH_FOLLOWS)
    pair.change("alice", keying_tries=1)
    Meddling(pair, "bob", Exchange.IKE_AUTH, lambda old: (*old, notify))
    pair.connect(400)
    assert not pair.alice.sas
    assert not pair.alice.finished().ok


def round_pair() -> Pair:
    """Alice has a secret and is carol; Bob has a secret only."""
    pair = Pair()
    pair.change("alice", local=(*pair.alice_config.local, USER))
    pair.change("bob", remote=(*pair.bob_config.remote, ASKED))
    for peer in (pair.alice, pair.bob):
        peer.store.passwords["carol"] = PASSWORD
    return pair


def assert_refused(pair: Pair, reason: str) -> None:
    assert pair.is_clean()
    assert pair.bob.said(reason), pair.bob.log
    assert pair.alice.finished().reason == "received AUTHENTICATION_FAILED notify error"
