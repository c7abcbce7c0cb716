"""CERT and CERTREQ beyond plain certificates: hash and URL, OCSP, attributes; and address blocks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha1

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from simulation.authority import Issuer
from simulation.certified import certified_pair
from simulation.pair import Pair, selector
from simulation.pki import FakeSources
from simulation.stores import TODAY

from cygnet.cert import attribute_certificates, der
from cygnet.cert.attribute_certificates import AttributeCertificate, Fields, holder_of
from cygnet.cert.certificates import Certificate
from cygnet.cert.hash_url import HashAndUrl
from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.trust import Rules
from cygnet.charon.sa.orders import Initiate, RekeyChild, RekeyIke
from cygnet.crypto.signatures import PrivateKey, schemes_for
from cygnet.keying.config.records import AuthClass, Revocation
from cygnet.keying.config.settings import DaemonSettings

BASE = "http://certs.test/"
NOW = datetime.fromtimestamp(TODAY, UTC)


def own_certificate(pair: Pair, whose: str = "alice") -> Certificate:
    certificate = getattr(pair, whose).store.keys[0].certificate
    assert certificate is not None
    return certificate


# Hash and URL (RFC 7296, 3.6)


def pair_by_url(base: str = BASE, *, served: bool = True, looking: bool = True) -> Pair:
    """Alice announces her certificate below ``base``; Bob looks such things up."""
    pair = certified_pair(pair=Pair(settings=DaemonSettings(hash_and_url=looking)))
    pair.alice.store.base = base
    certificate = own_certificate(pair)
    if served:
        pair.bob.store.web[base + sha1(certificate.der, usedforsecurity=False).hexdigest()] = certificate.der
    return pair


def test_certificate_is_fetched_where_the_peer_says_it_is() -> None:
    pair = pair_by_url()
    # I -> R  IKE_SA_INIT { SAi1, KEi, Ni, … }
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr, CERTREQ, N(HTTP_CERT_LOOKUP_SUPPORTED) }
    # I -> R  IKE_AUTH { IDi, CERT(12, hash, URL), CERTREQ, N(HTTP_CERT_LOOKUP_SUPPORTED), IDr, AUTH, … }
    # R -> I  IKE_AUTH { IDr, CERT, AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.bob.log
    assert pair.bob.store.asked == list(pair.bob.store.web)
    assert pair.bob.sa.snapshot(0).peer_certificates[0] == own_certificate(pair).der


def test_nobody_announces_to_a_peer_that_does_not_look_up() -> None:
    pair = pair_by_url(looking=False)
    pair.connect()
    assert pair.is_up()
    assert pair.bob.store.asked == []


def test_certificate_that_cannot_be_fetched_is_named_with_its_url() -> None:
    pair = pair_by_url(served=False)
    # I -> R  IKE_AUTH { IDi, CERT(12, hash, URL), … }
    # R -> I  IKE_AUTH { N(AUTHENTICATION_FAILED) }
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said(f"fetching certificate from '{BASE}"), pair.bob.log
    assert pair.bob.said("failed: connection refused")
    assert len(pair.bob.store.asked) == 1


def test_certificate_that_we_have_anyway_need_not_be_fetched() -> None:
    pair = pair_by_url(served=False)
    pair.bob.store.known.append(own_certificate(pair))
    pair.connect()
    assert pair.is_up(), pair.bob.log


def test_other_certificate_than_announced_is_refused() -> None:
    pair = pair_by_url()
    pair.bob.store.web = dict.fromkeys(pair.bob.store.web, own_certificate(pair, "bob").der)
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("announced was " + sha1(own_certificate(pair).der).hexdigest()), pair.bob.log


@pytest.mark.parametrize("base", ["ftp://certs.test/", "file:///etc/", "https://certs.test/"])
def test_nothing_but_http_is_followed(base: str) -> None:
    pair = pair_by_url(base)
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.store.asked == []
    assert pair.bob.said("certificates are fetched by http only"), pair.bob.log


def test_peer_with_a_secret_makes_us_fetch_nothing() -> None:
    pair = pair_by_url()
    pair.bob.store.secrets, pair.alice.store.secrets = [], []
    pair.change("bob", remote=(replace(pair.bob_config.remote[0], auth=AuthClass.PSK),))
    pair.change("alice", local=(replace(pair.alice_config.local[0], auth=AuthClass.PSK),))
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.store.asked == []


def test_bundle_gives_leaf_and_intermediate(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = certified_pair(pair=Pair(settings=DaemonSettings(hash_and_url=True)))
    middle = Issuer("Middle", Issuer())
    own = middle.issue("alice.test")
    pair.alice.store.keys[0] = own
    assert own.certificate is not None
    chain = (own.certificate, middle.certificate)
    bundle = der.sequence(*(der.encode(0xA0, one.der) for one in chain))
    place = HashAndUrl(sha1(bundle, usedforsecurity=False).digest(), "http://certs.test/all", bundle=True)
    pair.bob.store.web[place.url] = bundle
    pair.alice.store.base = BASE
    # I -> R  IKE_AUTH { IDi, CERT(13, hash, URL), … }
    monkeypatch.setattr(pair.alice.store, "hash_and_url", lambda certificate: place)
    pair.connect()
    assert pair.is_up(), pair.bob.log
    assert pair.bob.sa.snapshot(0).peer_certificates[:2] == tuple(one.der for one in chain)


# OCSP (RFC 4806)


def answer(
    pair: Pair, status: ocsp.OCSPCertStatus, hours: int = 1, signer: Issuer | None = None
) -> OcspResponse:
    """What the CA says of Alice's certificate, until in so many hours."""
    issuer = signer or Issuer()
    revoked = status is ocsp.OCSPCertStatus.REVOKED
    begin = NOW - timedelta(hours=2)
    builder = ocsp.OCSPResponseBuilder().add_response(
        own_certificate(pair).native, Issuer().certificate.native, hashes.SHA1(), status, begin,
        NOW + timedelta(hours=hours), begin if revoked else None, None,
    )  # fmt: skip
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer.certificate.native)
    return OcspResponse.parse(builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER))


def pair_with_ocsp(ocsp_setting: str = "both", strict: Revocation = Revocation.YES) -> Pair:
    """Bob knows nobody to ask of revocations, and demands that they are clear."""
    pair = certified_pair(pair=Pair(settings=DaemonSettings(ocsp=ocsp_setting)))
    pair.bob.store.rules = Rules(sources=FakeSources())
    pair.change("bob", remote=(replace(pair.bob_config.remote[0], revocation=strict),))
    return pair


def test_ocsp_response_of_the_peer_satisfies_a_strict_policy() -> None:
    pair = pair_with_ocsp()
    pair.alice.store.answer = answer(pair, ocsp.OCSPCertStatus.GOOD)
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr, CERTREQ(4), CERTREQ(14) }
    # I -> R  IKE_AUTH { IDi, CERT(4), CERT(14, OCSPResponse), CERTREQ(4), CERTREQ(14), IDr, AUTH, … }
    # R -> I  IKE_AUTH { IDr, CERT(4), AUTH, SAr2, TSi, TSr }
    pair.connect()
    assert pair.is_up(), pair.bob.log


def test_revoked_certificate_is_refused_even_without_a_strict_policy() -> None:
    pair = pair_with_ocsp(strict=Revocation.NO)
    pair.alice.store.answer = answer(pair, ocsp.OCSPCertStatus.REVOKED)
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said('CN=alice.test" was revoked on'), pair.bob.log


@pytest.mark.parametrize("fault", ["stale", "of a stranger", "none"])
def test_response_that_says_nothing_does_not_satisfy_a_strict_policy(fault: str) -> None:
    pair = pair_with_ocsp()
    if fault == "stale":
        pair.alice.store.answer = answer(pair, ocsp.OCSPCertStatus.GOOD, -1)
    elif fault == "of a stranger":
        pair.alice.store.answer = answer(pair, ocsp.OCSPCertStatus.GOOD, signer=Issuer("Stranger"))
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("strictcrlpolicy=yes requires GOOD"), pair.bob.log


@pytest.mark.parametrize("setting", ["reply", "never", "request"])
def test_response_needs_one_who_asks_and_one_who_answers(setting: str) -> None:
    pair = pair_with_ocsp(setting)
    pair.alice.store.answer = answer(pair, ocsp.OCSPCertStatus.GOOD)
    # R -> I  IKE_SA_INIT { SAr1, KEr, Nr, CERTREQ(4) } (for `request`: and CERTREQ(14), unheeded)
    pair.connect()
    assert pair.is_clean()
    assert pair.bob.said("requires GOOD"), pair.bob.log


def test_response_that_is_garbage_is_left_out() -> None:
    pair = pair_with_ocsp(strict=Revocation.NO)
    good = answer(pair, ocsp.OCSPCertStatus.GOOD)
    pair.alice.store.answer = replace(good, der=good.der[:40])
    pair.connect()
    assert pair.is_up(), pair.bob.log
    assert pair.bob.said("ignoring an OCSP response of the peer")


# Attribute certificates (RFC 7296, 3.6; RFC 5755)


def acert(holder: Certificate, authority: Issuer, *groups: str) -> AttributeCertificate:
    key = PrivateKey(authority.key)
    scheme = next(one for one in schemes_for(key.kind, key.bits, frozenset({2})) if one.identifier)
    fields = Fields(
        *holder_of(holder), authority.certificate.subject, 7, TODAY - 3600, TODAY + 3600, groups
    )
    return attribute_certificates.build(fields, key, scheme)


@pytest.mark.parametrize(("trusted", "up"), [(True, True), (False, False)])
def test_attribute_certificate_that_is_sent_along_makes_a_member(trusted: bool, up: bool) -> None:
    pair, authority = certified_pair(), Issuer("AA")
    pair.alice.store.attributes.append(acert(own_certificate(pair), authority, "sales"))
    if trusted:
        pair.bob.store.attribute_authorities.append(authority.certificate)
    pair.change("bob", remote=(replace(pair.bob_config.remote[0], groups=("sales",)),))
    # I -> R  IKE_AUTH { IDi, CERT(4), CERT(10, attribute certificate), CERTREQ, IDr, AUTH, SAi2, TSi, TSr }
    # R -> I  IKE_AUTH { IDr, CERT, AUTH, SAr2, TSi, TSr }, or N(AUTHENTICATION_FAILED)
    pair.connect()
    assert pair.is_up() is up, pair.bob.log
    if not up:
        assert pair.bob.said("group membership to 'sales' required, the peer is in: none"), pair.bob.log


def test_attribute_certificate_of_somebody_else_makes_nobody_a_member() -> None:
    pair, authority = certified_pair(), Issuer("AA")
    pair.alice.store.attributes.append(acert(own_certificate(pair, "bob"), authority, "sales"))
    pair.bob.store.attribute_authorities.append(authority.certificate)
    pair.change("bob", remote=(replace(pair.bob_config.remote[0], groups=("sales",)),))
    pair.connect()
    assert pair.is_clean()


# Address blocks (RFC 3779)


def limited_pair(alices: tuple[str, ...], bobs: tuple[str, ...] = ("0.0.0.0/0",)) -> Pair:
    """Both have certificates that speak for some addresses only."""
    pair = certified_pair()
    issuer = Issuer("Registry", addresses=("0.0.0.0/0",))
    for peer, name, blocks in ((pair.alice, "alice.test", alices), (pair.bob, "bob.test", bobs)):
        peer.store.anchors[:] = [issuer.certificate]
        peer.store.keys[:] = [issuer.issue(name, addresses=blocks)]
    return pair


def test_selectors_are_narrowed_to_the_initiators_blocks() -> None:
    pair = limited_pair(("10.1.2.0/24", "172.16.0.0/12"))
    # I -> R  IKE_AUTH { …, TSi(10.1.0.0/16), TSr(10.2.0.0/16) }
    # R -> I  IKE_AUTH { …, TSi(10.1.2.0/24), TSr(10.2.0.0/16) }
    pair.connect()
    assert pair.is_up(), pair.bob.log
    assert pair.children(pair.bob)[0].remote_ts == (selector("10.1.2.0/24"),)
    assert pair.children(pair.alice)[0].local_ts == (selector("10.1.2.0/24"),)


def test_initiator_whose_blocks_have_nothing_of_it_gets_no_child() -> None:
    pair = limited_pair(("10.9.0.0/16",))
    # R -> I  IKE_AUTH { IDr, CERT, AUTH, N(TS_UNACCEPTABLE) }
    pair.connect()
    assert pair.is_up(children=0), pair.bob.log
    assert pair.bob.said("are outside the address blocks of the peer's certificate: 10.9.0.0/16")


def test_responder_whose_blocks_have_nothing_of_it_is_refused_by_the_initiator() -> None:
    pair = limited_pair(("10.1.0.0/16",), ("10.9.0.0/16",))
    # I -> R  IKE_AUTH { …, TSi(10.1.0.0/16), TSr(10.2.0.0/16) }
    # R -> I  IKE_AUTH { IDr, CERT, AUTH, SAr2, TSi(10.1.0.0/16), TSr(10.2.0.0/16) }
    # I -> R  INFORMATIONAL { D }
    pair.connect()
    assert not pair.children(pair.alice)
    assert not pair.children(pair.bob)
    assert pair.alice.said("are outside the address blocks"), pair.alice.log


def test_blocks_hold_for_later_children_and_through_rekeyings() -> None:
    pair = limited_pair(("10.1.2.0/24",))
    pair.add_child("more", "10.1.0.0/16", "10.3.0.0/16")
    pair.connect()
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net"))
    pair.network.run(10)
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(10)
    # I -> R  CREATE_CHILD_SA { SA, Ni, TSi(10.1.0.0/16), TSr(10.3.0.0/16) }
    # R -> I  CREATE_CHILD_SA { SA, Nr, TSi(10.1.2.0/24), TSr(10.3.0.0/16) }
    pair.alice.order(pair.alice.sa, Initiate(pair.alice_config.children[1]))
    pair.network.run(30)
    assert pair.is_up(children=2), pair.bob.log
    assert [one.remote_ts for one in pair.children(pair.bob)] == [(selector("10.1.2.0/24"),)] * 2


def test_peer_with_a_secret_is_limited_by_its_connection_alone() -> None:
    pair = Pair()
    pair.connect()
    assert pair.children(pair.bob)[0].remote_ts == (selector("10.1.0.0/16"),)
