"""EAP over TLS with the certificates of IKE, and EAP as the only authentication (RFC 5998)."""

from dataclasses import replace

import pytest
from simulation.authority import Issuer
from simulation.eap_pair import certify, change_eap, eap_pair
from simulation.meddling import Meddling

from cygnet.base.identities import Identity
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Notify
from cygnet.eap.packets import MD5, MSCHAPV2, PEAP, TLS, TTLS, EapType
from cygnet.keying.config.records import AuthClass

OVER_TLS = [TLS, TTLS, PEAP]


@pytest.mark.parametrize("mutual", [False, True])
@pytest.mark.parametrize("method", OVER_TLS)
def test_both_sides_are_proven_inside_tls(method: EapType, mutual: bool) -> None:
    pair = eap_pair(method)
    certify(pair, mutual=mutual)
    # I -> R  IKE_AUTH { IDi, IDr, SAi2, TSi, TSr, N(EAP_ONLY_AUTHENTICATION) }
    # R -> I  IKE_AUTH { IDr, EAP/REQ/ID }
    # I -> R  IKE_AUTH { EAP/RES/ID }
    # R -> I  IKE_AUTH { EAP/REQ/TLS }
    # …
    # R -> I  IKE_AUTH { EAP/SUCC }
    # I -> R  IKE_AUTH { AUTH }
    # R -> I  IKE_AUTH { AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.bob.log
    assert pair.alice.said("succeeded, MSK established")
    (sa,) = pair.bob.sas.values()
    assert str(sa.snapshot(0).remote_eap_id) == "carol"


@pytest.mark.parametrize("mutual", [False, True])
def test_address_blocks_of_a_certificate_inside_eap_limit_its_owner(mutual: bool) -> None:
    pair = eap_pair(TLS)
    certify(pair, mutual=mutual)
    registry = Issuer("Registry", addresses=("0.0.0.0/0",))
    for peer in (pair.alice, pair.bob):
        peer.store.anchors.append(registry.certificate)
    pair.alice.store.keys = [registry.issue("carol", addresses=("10.1.2.0/24",))]
    pair.bob.store.keys = [registry.issue("bob.test", addresses=("10.2.3.0/24",))]
    pair.connect()
    (at_alice,), (at_bob,) = pair.children(pair.alice), pair.children(pair.bob)
    assert [str(one) for one in (*at_alice.remote_ts, *at_bob.remote_ts)] == ["10.2.3.0/24", "10.1.2.0/24"]


def test_passwords_are_enough_for_eap_only_where_the_method_proves_both() -> None:
    pair = eap_pair(MSCHAPV2)
    certify(pair, mutual=True)
    pair.connect()
    assert pair.is_up()


def test_eap_only_by_a_method_that_proves_one_side_is_refused() -> None:
    pair = eap_pair(MD5)
    certify(pair, mutual=True)
    # R -> I  IKE_AUTH { EAP/FAIL }
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("no EAP method is allowed for 'carol'")
    assert pair.alice.said("received EAP_FAILURE")


def test_eap_only_needs_a_peer_that_says_so() -> None:
    pair = eap_pair(MSCHAPV2)
    certify(pair, mutual=True)
    pair.change("alice", remote=(replace(pair.alice_config.remote[0], auth=AuthClass.PUBKEY),))
    # I -> R  IKE_AUTH { IDi, IDr, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("the peer does not accept EAP-only authentication (RFC 5998)")
    assert pair.alice.finished().reason == "received AUTHENTICATION_FAILED notify error"


def test_eap_only_user_does_not_answer_a_method_that_leaves_the_server_unproven() -> None:
    pair = eap_pair(MD5)
    certify(pair, mutual=True)
    change_eap(pair, "alice", eap_methods=(MD5, MSCHAPV2))
    pair.change("bob", local=(replace(pair.bob_config.local[0], auth=AuthClass.PUBKEY),))
    Meddling(pair, "bob", Exchange.IKE_AUTH, lambda old: tuple(one for one in old if one.notation != "AUTH"))
    # R -> I  IKE_AUTH { EAP/REQ/MD5 }
    # I -> R  IKE_AUTH { EAP/RES/NAK }
    pair.connect()
    assert pair.is_clean()
    assert pair.alice.said("EAP_MD5 is not allowed here, sending EAP_NAK"), pair.alice.log


def test_notify_alone_changes_nothing() -> None:
    """A responder that has another proof gives it, whatever the peer would accept."""
    pair = eap_pair(TLS)
    certify(pair)
    notify = Notify(NotifyType.EAP_ONLY_AUTHENTICATION)
    first = iter([True])
    Meddling(
        pair, "alice", Exchange.IKE_AUTH, lambda old: (*old, notify) if next(first, False) else old, False
    )
    pair.connect()
    assert pair.is_up()


@pytest.mark.parametrize("method", OVER_TLS)
def test_server_of_another_name_is_refused_by_the_user(method: EapType) -> None:
    pair = eap_pair(method)
    certify(pair, mutual=True)
    change_eap(pair, "alice", aaa_identity=Identity.parse("aaa.test"))
    pair.connect()
    assert pair.is_clean()
    assert "does not speak for 'aaa.test'" in pair.alice.finished().reason, pair.alice.log
    assert pair.bob.said("EAP authentication fail")


@pytest.mark.parametrize("method", OVER_TLS)
def test_responder_of_another_name_hears_nothing_of_the_user(method: EapType) -> None:
    pair = eap_pair(method)
    certify(pair, mutual=True)
    pattern = replace(pair.alice_config.remote[0], identity=Identity.parse("*.example"))
    pair.change("alice", remote=(pattern,))
    # R -> I  IKE_AUTH { IDr, EAP/REQ/ID }
    # I -> R  INFORMATIONAL { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert pair.is_clean()
    assert "identity '*.example' required, peer is 'bob.test'" in pair.alice.finished().reason
    assert not pair.bob.said("received EAP identity")


def test_refusal_at_once_is_told_as_such() -> None:
    pair = eap_pair(MD5)
    certify(pair, mutual=True)
    change_eap(pair, "bob", eap_identity=Identity.parse("carol"))
    # R -> I  IKE_AUTH { EAP/FAIL }
    pair.connect()
    assert pair.is_clean()
    assert pair.alice.finished().reason == "received EAP_FAILURE, EAP authentication failed"


def test_aaa_identity_may_differ_from_the_responder() -> None:
    pair = eap_pair(TLS)
    issuer = certify(pair, mutual=True)
    pair.bob.store.keys = [issuer.issue("aaa.test")]
    change_eap(pair, "alice", aaa_identity=Identity.parse("aaa.test"))
    pair.bob.store.own_key = lambda auth, identity, authorities: pair.bob.store.keys[0]  # type: ignore[method-assign]
    pair.connect()
    assert pair.is_up(), pair.alice.log


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_certificate_of_an_unknown_authority_is_refused(whose: str) -> None:
    pair = eap_pair(TLS)
    certify(pair, mutual=True)
    stranger = Issuer("Stranger")
    name = "carol" if whose == "alice" else "bob.test"
    getattr(pair, whose).store.keys = [stranger.issue(name)]
    pair.connect()
    assert pair.is_clean()
    judge = pair.bob if whose == "alice" else pair.alice
    assert judge.said("Stranger"), judge.log


def test_certificate_of_another_user_is_refused() -> None:
    pair = eap_pair(TLS)
    issuer = certify(pair)
    pair.alice.store.keys = [issuer.issue("mallory")]
    pair.alice.store.own_key = lambda auth, identity, authorities: pair.alice.store.keys[0]  # type: ignore[method-assign]
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("does not speak for 'carol'"), pair.bob.log


def test_server_without_a_certificate_says_that_it_offers_no_tls() -> None:
    pair = eap_pair(TLS)
    pair.alice.store.keys.append(Issuer().issue("carol"))
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("EAP_TLS is not offered: no private key found for 'bob.test'"), pair.bob.log


def test_user_without_a_certificate_says_so() -> None:
    pair = eap_pair(TLS)
    certify(pair)
    pair.alice.store.keys.clear()
    pair.connect()
    assert pair.is_clean()
    assert "no private key found for 'carol'" in pair.alice.finished().reason
