"""Peers that know each other's public keys without certificates (RFC 7670; leftsigkey, rightsigkey)."""

from dataclasses import replace

import pytest
from simulation.authority import native_key
from simulation.certified import certified_pair, use_certificates
from simulation.meddling import Meddling
from simulation.pair import Pair

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.payloads import CertificateEncoding, CertificatePayload, CertificateRequest
from cygnet.charon.sa.orders import RekeyIke
from cygnet.crypto.signatures import PrivateKey
from cygnet.keying.config.records import AuthClass, SendCert
from cygnet.keying.sa.credentials import OwnKey

RAW = CertificateEncoding.RAW_PUBLIC_KEY


def key_of(name: str, kind: str = "ec256") -> PrivateKey:
    return PrivateKey(native_key(kind, name))


def raw_pair(kind: str = "ec256", send: SendCert = SendCert.IF_ASKED) -> Pair:
    """Each has a key without a certificate, and the public half of the other's."""
    pair = Pair()
    for whose, other in (("alice", "bob"), ("bob", "alice")):
        peer, config = getattr(pair, whose), getattr(pair, f"{whose}_config")
        peer.store.secrets.clear()
        peer.store.keys.append(OwnKey(key_of(whose, kind)))
        own, theirs = key_of(whose, kind).public_der, key_of(other, kind).public_der
        (local,), (remote,) = config.local, config.remote
        pair.change(
            whose,
            local=(replace(local, auth=AuthClass.PUBKEY, public_keys=(own,), send_cert=send),),
            remote=(replace(remote, auth=AuthClass.PUBKEY, public_keys=(theirs,)),),
        )
    return pair


def expect(pair: Pair, key: PrivateKey) -> None:
    """Bob has another key for Alice."""
    (remote,) = pair.bob_config.remote
    pair.change("bob", remote=(replace(remote, public_keys=(key.public_der,)),))


@pytest.mark.parametrize("kind", ["rsa", "ec256", "ec384", "ed25519"])
def test_keys_of_any_kind_establish(kind: str) -> None:
    pair = raw_pair(kind)
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni, N(SIGNATURE_HASH_ALGORITHMS) }
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr, N(SIGNATURE_HASH_ALGORITHMS) }
    # I -> R  IKE_AUTH { IDi, IDr, AUTH, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr, AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.bob.log
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(2)
    assert pair.is_up()


def test_nobody_asks_for_certificates_nor_sends_any() -> None:
    pair = raw_pair()
    seen = payloads_of(pair)
    pair.connect()
    assert pair.is_up()
    assert not [one for one in seen if isinstance(one, CertificatePayload | CertificateRequest)]


def test_key_is_sent_where_that_is_configured() -> None:
    pair = raw_pair(send=SendCert.ALWAYS)
    seen = payloads_of(pair)
    # I -> R  IKE_AUTH { IDi, CERT(15, SubjectPublicKeyInfo), IDr, AUTH, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr, CERT(15, SubjectPublicKeyInfo), AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up()
    assert [one for one in seen if isinstance(one, CertificatePayload)] == [
        CertificatePayload(RAW, key_of("alice").public_der),
        CertificatePayload(RAW, key_of("bob").public_der),
    ]


@pytest.mark.parametrize(("send", "times"), [(SendCert.IF_ASKED, 1), (SendCert.NEVER, 0)])
def test_key_is_sent_to_a_peer_that_asks_for_raw_keys(send: SendCert, times: int) -> None:
    pair = raw_pair(send=send)
    asking = CertificateRequest(RAW, b"")
    # I -> R  IKE_AUTH { IDi, CERTREQ(15), … }
    # R -> I  IKE_AUTH { IDr, CERT(15, SubjectPublicKeyInfo), AUTH, … }
    Meddling(pair, "alice", Exchange.IKE_AUTH, lambda old: (*old, asking), response=False)
    seen = payloads_of(pair)
    pair.connect()
    assert pair.is_up()
    assert seen.count(CertificatePayload(RAW, key_of("bob").public_der)) == times


def test_raw_key_here_and_certificate_there() -> None:
    pair = certified_pair()
    (local,), (remote,) = pair.alice_config.local, pair.bob_config.remote
    alice = key_of("alice", "ed25519")
    pair.alice.store.keys = [OwnKey(alice)]
    pair.change("alice", local=(replace(local, public_keys=(alice.public_der,)),))
    pair.change("bob", remote=(replace(remote, public_keys=(alice.public_der,)),))
    # I -> R  IKE_AUTH { IDi, CERTREQ, IDr, AUTH, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr, CERT, AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.bob.log


def test_key_of_a_certificate_serves_as_raw_key_too() -> None:
    pair = certified_pair()
    (own,) = pair.alice.store.keys
    (remote,) = pair.bob_config.remote
    pair.change("bob", remote=(replace(remote, public_keys=(own.key.public_der,)),))
    pair.bob.store.anchors.clear()
    pair.connect()
    assert pair.is_up(), pair.bob.log


@pytest.mark.parametrize(
    ("send", "kind", "reason"),
    [
        (SendCert.NEVER, "ec256", "its signature does not verify with"),
        (SendCert.ALWAYS, "ec256", "it sent raw public key"),
        (SendCert.NEVER, "rsa", "it used ECDSA"),
    ],
)
def test_another_key_is_refused_with_both_named(send: SendCert, kind: str, reason: str) -> None:
    pair = raw_pair(send=send)
    mallory = key_of("mallory", kind)
    expect(pair, mallory)
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert pair.is_clean()
    assert pair.alice.finished().reason == "received AUTHENTICATION_FAILED notify error"
    told = [text for text in pair.bob.log if "no trusted ECDSA public key found for 'alice.test'" in text]
    assert any(mallory.public_key.key_id.hex(":") in text for text in told), pair.bob.log
    assert reason in told[-1]


def test_initiator_refuses_another_key_of_the_responder() -> None:
    pair = raw_pair()
    (remote,) = pair.alice_config.remote
    pair.change("alice", remote=(replace(remote, public_keys=(key_of("mallory").public_der,)),))
    # I -> R  INFORMATIONAL { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert pair.is_clean()
    assert "no trusted ECDSA public key found for 'bob.test'" in pair.alice.finished().reason


def test_key_proves_no_other_identity() -> None:
    pair = raw_pair()
    (local,) = pair.alice_config.local
    pair.change("alice", local=(replace(local, identity=pair.bob_config.local[0].identity),))
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("peer's identity 'bob.test' does not match 'alice.test'")


def test_raw_key_that_is_not_configured_is_nothing() -> None:
    pair = raw_pair(send=SendCert.ALWAYS)
    use_certificates(pair, "bob")
    (remote,) = pair.bob_config.remote
    pair.change("bob", remote=(replace(remote, public_keys=()),))
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("and no raw public key is configured")


def test_garbage_instead_of_a_key_is_nothing() -> None:
    pair = raw_pair()
    expect(pair, key_of("mallory"))
    garbage = CertificatePayload(RAW, b"\x30\x80garbage")
    Meddling(pair, "alice", Exchange.IKE_AUTH, lambda old: (*old, garbage), response=False)
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("as raw public key an unreadable public key")


def test_signature_scheme_and_size_are_demanded_of_raw_keys() -> None:
    pair = raw_pair("rsa")
    (remote,) = pair.bob_config.remote
    pair.change("bob", remote=(replace(remote, min_key_bits=4096),))
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("RSA 2048 bits are fewer than 4096 bits")


def test_key_without_its_private_half_is_told() -> None:
    pair = raw_pair()
    pair.alice.store.keys.clear()
    pair.connect()
    assert pair.is_clean()
    assert "no private key found for 'alice.test'" in pair.alice.finished().reason


def payloads_of(pair: Pair) -> list[object]:
    """What both say in IKE_AUTH, as it comes."""
    seen: list[object] = []

    def note(old: tuple[object, ...]) -> tuple[object, ...]:
        seen.extend(old)
        return old

    Meddling(pair, "alice", Exchange.IKE_AUTH, note, response=False)  # type: ignore[arg-type]
    Meddling(pair, "bob", Exchange.IKE_AUTH, note)  # type: ignore[arg-type]
    return seen
