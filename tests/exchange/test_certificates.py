"""Authentication by certificates, and every way in which it is refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from simulation.authority import Issuer
from simulation.certified import certified_pair
from simulation.pair import BOB, Pair
from simulation.pki import FakeSources
from simulation.stores import TODAY

from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate
from cygnet.cert.crl import Crl
from cygnet.cert.trust import Rules
from cygnet.charon.sa.orders import RekeyIke
from cygnet.keying.config.records import AuthClass, Revocation, SendCert
from cygnet.keying.config.settings import DaemonSettings


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


def test_scheme_that_the_connection_names_is_signed_with() -> None:
    pair = certified_pair("rsa")
    scheme = "RSA_EMSA_PSS_SHA2_384"
    pair.change("alice", local=(replace(pair.alice_config.local[0], signature_schemes=(scheme,)),))
    pair.connect()
    assert pair.is_up()
    assert pair.bob.said(f"authentication of 'alice.test' with {scheme} successful"), pair.bob.log


def demand(pair: Pair, whose: str, *schemes: str) -> None:
    """This side accepts these of the other's signatures."""
    config = getattr(pair, f"{whose}_config")
    pair.change(whose, remote=(replace(config.remote[0], signature_schemes=schemes),))


def test_each_side_signs_as_the_other_announces() -> None:
    # R -> I  IKE_SA_INIT { ..., N(SUPPORTED_AUTH_METHODS)(ECDSA with SHA-512) }
    # I -> R  IKE_AUTH { ..., N(SUPPORTED_AUTH_METHODS)(ECDSA with SHA-384) }
    pair = certified_pair()
    demand(pair, "alice", "ECDSA_WITH_SHA384_DER")
    demand(pair, "bob", "ECDSA_WITH_SHA512_DER")
    pair.connect()
    assert pair.is_up(), pair.bob.log
    assert pair.alice.said("peer announces 1 authentication methods")
    assert pair.alice.said("authentication of 'alice.test' (myself) with ECDSA_WITH_SHA512_DER successful")
    assert pair.bob.said("authentication of 'bob.test' (myself) with ECDSA_WITH_SHA384_DER successful")


def test_what_our_key_cannot_do_is_signed_otherwise_and_refused_with_the_reason() -> None:
    pair = certified_pair()
    demand(pair, "bob", "ED25519")
    pair.connect()
    assert pair.is_clean()
    assert any("the peer has announced no signature scheme that is ours" in line for line in pair.alice.log)
    assert any("not acceptable, configured are ED25519" in line for line in pair.bob.log)


def test_nothing_is_announced_where_one_connection_takes_any() -> None:
    pair = certified_pair()
    demand(pair, "bob", "ECDSA_WITH_SHA512_DER")
    pair.load()
    pair.bob.connections.configs.append(replace(pair.bob_config, name="any", remote=pair.alice_config.local))
    pair.alice.initiate(pair.alice_config, pair.alice_config.children[0], BOB)
    pair.network.run(2)
    assert pair.is_up()
    assert not any("peer announces" in line for line in pair.alice.log)


def test_scheme_that_our_key_cannot_do_is_named() -> None:
    pair = certified_pair("rsa")
    pair.change("alice", local=(replace(pair.alice_config.local[0], signature_schemes=("ED25519",)),))
    pair.connect()
    assert pair.is_clean()
    assert "no signature scheme of ED25519" in pair.alice.finished().reason


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


def bobs_demand(pair: Pair, **demand: object) -> None:
    """What Bob asks of Alice's certificate."""
    pair.change("bob", remote=tuple(replace(one, **demand) for one in pair.bob_config.remote))


def revoked_list(pair: Pair, *revoked: int) -> Crl:
    """A CRL of the CA of both, good today."""
    issuer = Issuer()
    begin = datetime.fromtimestamp(TODAY - 3600, UTC)
    builder = x509.CertificateRevocationListBuilder(
        issuer.certificate.native.subject, begin, begin + timedelta(days=1)
    )
    for serial in revoked:
        builder = builder.add_revoked_certificate(x509.RevokedCertificateBuilder(serial, begin).build())
    return Crl.parse(builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER))


def alices_serial(pair: Pair) -> int:
    certificate = pair.alice.store.keys[0].certificate
    assert certificate is not None
    return certificate.native.serial_number


def test_revoked_certificate_is_named_and_the_peer_is_told_no_more_than_it_failed() -> None:
    pair = certified_pair()
    crl = revoked_list(pair, alices_serial(pair))
    pair.bob.store.rules = Rules(sources=FakeSources(known_crls=(crl,)))
    # I -> R  IKE_AUTH { IDi, CERT, CERTREQ, IDr, AUTH, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert pair.is_clean()
    assert "AUTHENTICATION_FAILED" in pair.alice.finished().reason
    assert pair.bob.said('CN=alice.test" was revoked on'), pair.bob.log


@pytest.mark.parametrize(("strict", "up"), [(Revocation.NO, True), (Revocation.YES, False)])
def test_strict_policy_decides_where_nothing_is_known(strict: Revocation, up: bool) -> None:
    pair = certified_pair()
    pair.bob.store.rules = Rules(sources=FakeSources(configured_crl=("http://dead.test/",)))
    bobs_demand(pair, revocation=strict)
    pair.connect()
    assert pair.is_up() is up
    if not up:
        assert pair.bob.said("strictcrlpolicy=yes requires GOOD"), pair.bob.log
        assert pair.bob.said("http://dead.test/")


def test_strict_policy_is_content_with_a_fresh_crl() -> None:
    pair = certified_pair()
    pair.bob.store.rules = Rules(sources=FakeSources(known_crls=(revoked_list(pair),)))
    bobs_demand(pair, revocation=Revocation.YES)
    pair.connect()
    assert pair.is_up(), pair.bob.log


@pytest.mark.parametrize(("groups", "up"), [(("sales",), True), (("finance",), False)])
def test_group_membership_decides(groups: tuple[str, ...], up: bool) -> None:
    pair = certified_pair()
    pair.bob.store.groups = ("sales", "research")
    bobs_demand(pair, groups=groups)
    pair.connect()
    assert pair.is_up() is up
    if not up:
        assert pair.bob.said("group membership to 'finance' required, the peer is in: sales, research")


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
