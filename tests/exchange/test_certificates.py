"""Authentication by certificates, and every way in which it is refused."""

from dataclasses import replace

import pytest
from simulation.authority import Issuer
from simulation.certified import certified_pair
from simulation.pair import Pair

from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate
from cygnet.charon.config.records import AuthClass, SendCert
from cygnet.charon.config.settings import DaemonSettings
from cygnet.charon.sa.orders import RekeyIke


@pytest.mark.parametrize("kind", ["rsa", "ec256", "ec384", "ed25519"])
def test_certificates_of_any_kind_establish(kind: str) -> None:
    pair = certified_pair(kind)
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni, N(SIGNATURE_HASH_ALGORITHMS) }
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr, CERTREQ, N(SIGNATURE_HASH_ALGORITHMS) }
    # I -> R  IKE_AUTH { IDi, CERT, CERTREQ, IDr, AUTH, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr, CERT, AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.bob.log


@pytest.mark.parametrize("kind", ["rsa", "ec256", "ec384"])
def test_classic_signatures_serve_where_rfc_7427_is_off(kind: str) -> None:
    pair = certified_pair(kind, Pair(settings=DaemonSettings(signature_authentication=False)))
    pair.connect()
    assert pair.is_up()
    name = {"rsa": "RSA signature", "ec256": "ECDSA-256 signature", "ec384": "ECDSA-384 signature"}[kind]
    assert pair.bob.said(f"authentication of 'alice.test' with {name} successful"), pair.bob.log


def test_ed25519_without_rfc_7427_fails_with_the_reason() -> None:
    pair = certified_pair("ed25519", Pair(settings=DaemonSettings(signature_authentication=False)))
    pair.connect(60)
    assert pair.is_clean()
    assert "no signature scheme" in pair.alice.finished().reason


def test_intermediate_certificates_are_sent_and_used() -> None:
    pair = certified_pair()
    root = Issuer()
    middle = Issuer("Middle", root)
    for peer, name in ((pair.alice, "alice.test"), (pair.bob, "bob.test")):
        peer.store.anchors = [root.certificate]
        peer.store.keys = [replace(middle.issue(name), intermediates=(middle.certificate,))]
    pair.connect()
    assert pair.is_up()
    assert pair.bob.said("received issuer cert")


@pytest.mark.parametrize(
    ("whose", "refuser"), [("alice", "bob"), ("bob", "alice")], ids=["initiator's", "responder's"]
)
def test_expired_certificate_is_named_on_both_sides(whose: str, refuser: str) -> None:
    pair = certified_pair()
    getattr(pair, whose).store.keys = [Issuer().issue(f"{whose}.test", age_days=(-30, -3))]
    pair.connect()
    # the refuser -> the other  { N(AUTHENTICATION_FAILED) }
    assert pair.is_clean()
    assert getattr(pair, refuser).said("expired 3 days ago"), getattr(pair, refuser).log
    assert getattr(pair, whose).said("received AUTHENTICATION_FAILED notify error")
    assert not pair.alice.finished().ok


def test_unknown_authority_is_refused() -> None:
    pair = certified_pair()
    pair.bob.store.anchors = [Issuer("Other").certificate]
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("no issuer certificate found for"), pair.bob.log


def test_certificate_for_somebody_else_is_refused() -> None:
    pair = certified_pair()
    pair.alice.store.own_key = lambda *_: Issuer().issue("mallory.test")  # type: ignore[method-assign]
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("does not speak for that identity")


def test_required_authority_is_checked() -> None:
    pair = certified_pair()
    remote = replace(pair.bob_config.remote[0], authorities=(Identity.parse("C=CH, O=Lab, CN=Strict"),))
    pair.change("bob", remote=(remote,))
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("constraint check failed: peer not authenticated by CA")


def test_weak_key_is_refused() -> None:
    pair = certified_pair()
    pair.change("bob", remote=(replace(pair.bob_config.remote[0], min_key_bits=384),))
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("fewer than 384 bits")


def test_certificates_that_are_not_sent_are_taken_from_the_store() -> None:
    pair = certified_pair()
    for whose, peer, other in (("alice", pair.alice, pair.bob), ("bob", pair.bob, pair.alice)):
        config = getattr(pair, f"{whose}_config")
        pair.change(whose, local=(replace(config.local[0], send_cert=SendCert.NEVER),))
        certificate = peer.store.keys[0].certificate
        assert certificate is not None
        other.store.known.append(certificate)
    pair.connect()
    assert pair.is_up()


def test_pinned_certificate_needs_no_authority() -> None:
    pair = certified_pair()
    for whose, other in (("alice", pair.bob), ("bob", pair.alice)):
        config = getattr(pair, f"{whose}_config")
        certificate = other.store.keys[0].certificate
        assert certificate is not None
        pair.change(whose, remote=(replace(config.remote[0], certificates=(certificate.der,)),))
        getattr(pair, whose).store.anchors.clear()
    pair.connect()
    assert pair.is_up(), pair.bob.log


def test_identity_defaults_to_the_certificates_subject() -> None:
    pair = certified_pair()
    pair.change("alice", local=(replace(pair.alice_config.local[0], identity=None),))
    pattern = Identity.parse("C=CH, O=Lab, CN=*")
    pair.change("bob", remote=(replace(pair.bob_config.remote[0], identity=pattern),))
    pair.connect()
    assert pair.is_up(), pair.bob.log
    assert str(pair.bob.sa.snapshot(0).remote_id) == "C=CH, O=Lab, CN=alice.test"


def test_missing_private_key_is_reported_before_anything_is_authenticated() -> None:
    pair = certified_pair()
    pair.alice.store.keys.clear()
    pair.connect()
    pair.network.run(60)
    assert pair.is_clean()
    assert "no private key found for 'alice.test'" in pair.alice.finished().reason


def test_signature_where_a_secret_is_demanded_is_refused_for_that_and_not_for_its_key() -> None:
    pair = certified_pair()
    pair.change("bob", remote=(replace(pair.bob_config.remote[0], auth=AuthClass.PSK),))
    pair.bob.store.anchors.clear()
    # I -> R  IKE_AUTH { IDi, CERT, CERTREQ, IDr, AUTH, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said(
        "constraint check failed: requires pre-shared key authentication, but peer used public key"
    )


def test_certificates_that_a_peer_proved_itself_with_are_remembered_through_a_rekeying() -> None:
    pair = certified_pair()
    for whose in ("alice", "bob"):
        pair.change(whose, reauth=False)
    pair.connect()
    shown = pair.bob.sa.snapshot(0).peer_certificates
    assert [str(Certificate.parse(der).subject) for der in shown] == [
        "C=CH, O=Lab, CN=alice.test", "C=CH, O=Lab, CN=Root",
    ]  # fmt: skip
    before = pair.bob.sa.unique_id
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(60)
    assert pair.bob.sa.unique_id != before
    assert pair.bob.sa.snapshot(0).peer_certificates == shown
