"""Every way in which CRLs and OCSP answers are good or bad, and the sentence an operator reads."""

import datetime as dt
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp as native
from cryptography.x509.oid import ExtendedKeyUsageOID
from simulation.pki import (
    DAY,
    NOW,
    AnswerWish,
    FakeSources,
    ListWish,
    Party,
    Wish,
    answer_of,
    common_name,
    issue,
    leaf_of,
    list_of,
)

from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.revocation import MAX_SOURCES, Finding, Methods, Status, check

REVOKED, UNKNOWN = native.OCSPCertStatus.REVOKED, native.OCSPCertStatus.UNKNOWN
REASONS = x509.ReasonFlags
URI, OTHER = "http://crl.lab/ca.crl", "http://ocsp.lab/"
MINUTE = dt.timedelta(minutes=1)
SIGNER = Wish(ca=False, purposes=(ExtendedKeyUsageOID.OCSP_SIGNING,))
NO_CRL_SIGN = (False, False, False, False, False, True, False, False, False)
CRL_SIGN = (False, False, False, False, False, False, True, False, False)


@cache
def ca() -> Party:
    return issue("CA", None, Wish(key=ec.generate_private_key(ec.SECP256R1())))


def point(uri: str = URI, crl_issuer: Party | None = None) -> x509.CRLDistributionPoints:
    issuer = [x509.DirectoryName(crl_issuer.native.subject)] if crl_issuer else None
    return x509.CRLDistributionPoints(
        [x509.DistributionPoint([x509.UniformResourceIdentifier(uri)], None, None, issuer)]
    )


def peer(*extensions: x509.ExtensionType) -> Party:
    return leaf_of(ca(), extensions=tuple((one, False) for one in extensions))


def finding(
    subject: Party, sources: FakeSources, issuer: Party | None = None, methods: Methods | None = None
) -> Finding:
    return check(
        subject.certificate, (issuer or ca()).certificate, sources, NOW.timestamp(), methods or Methods()
    )


def by_crl(subject: Party, wish: ListWish | None = None, issuer: Party | None = None) -> Finding:
    return finding(subject, FakeSources(known_crls=(list_of(issuer or ca(), wish),)))


def by_ocsp(subject: Party, wish: AnswerWish | None = None, **known: object) -> Finding:
    sources = FakeSources(served={OTHER: answer_of(subject, ca(), wish)}, configured_ocsp=(OTHER,), **known)
    return finding(subject, sources)


def assert_finding(found: Finding, status: Status, sentence: str) -> None:
    assert found.status is status
    assert len(found.checks) == 1
    assert found.checks[0].name == "revocation"
    assert sentence in found.checks[0].text
    assert found.checks[0].ok is (status in (Status.GOOD, Status.SKIPPED, Status.STALE, Status.FAILED))


# CRLs


def test_certificate_that_a_crl_does_not_list_is_good() -> None:
    other = peer()
    found = by_crl(peer(), ListWish(revoked=((other, None),)))
    assert_finding(found, Status.GOOD, 'certificate "CN=leaf" is not revoked, says crl of "CN=CA"')


@pytest.mark.parametrize(
    ("reason", "status", "words"),
    [
        (None, Status.REVOKED, "was revoked on 2026-11-22, reason: unspecified"),
        (REASONS.key_compromise, Status.REVOKED, "reason: keyCompromise"),
        (REASONS.certificate_hold, Status.ON_HOLD, "is on hold since 2026-11-22"),
    ],
)
def test_listed_certificate_is_refused(reason: REASONS | None, status: Status, words: str) -> None:
    subject = peer()
    assert_finding(by_crl(subject, ListWish(revoked=((subject, reason),))), status, words)


def test_entry_of_a_stale_crl_still_counts() -> None:
    subject = peer()
    found = by_crl(subject, ListWish(revoked=((subject, None),), begin=-2 * DAY, end=-DAY))
    assert_finding(found, Status.REVOKED, "was revoked")


UNKNOWN_EXTENSION = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")
BAD_LISTS = {
    "stale": (ListWish(begin=-2 * DAY, end=-DAY), Status.STALE, "what is known is stale"),
    "from the future": (ListWish(begin=DAY, end=2 * DAY), Status.FAILED, "not available"),
    "unknown critical extension": (
        ListWish(extensions=((UNKNOWN_EXTENSION, True),)), Status.FAILED, "not available",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("wish", "status", "words"), BAD_LISTS.values(), ids=BAD_LISTS.keys())
def test_crl_that_does_not_suffice_leaves_the_status_open(
    wish: ListWish, status: Status, words: str
) -> None:
    assert_finding(by_crl(peer(), wish), status, words)


SERVED_LISTS = {
    "wrong signer": (
        lambda: list_of(ca(), ListWish(signed_by=issue("x"))), "has a bad signature: it is not by the key of",
    ),
    "future": (lambda: list_of(ca(), ListWish(begin=DAY, end=2 * DAY)), "is not valid yet, only in 24 hours"),
    "critical": (
        lambda: list_of(ca(), ListWish(extensions=((UNKNOWN_EXTENSION, True),))),
        "critical extensions that are not supported: 1.2.3.4",
    ),
    "another CA": (lambda: list_of(issue("other")), 'is not of the issuer of "CN=leaf"'),
    "only CA certificates": (
        lambda: list_of(ca(), ListWish(extensions=((scope(only_contains_ca_certs=True), True),))),
        "it covers CA certificates only",
    ),
    "only attribute certificates": (
        lambda: list_of(ca(), ListWish(extensions=((scope(only_contains_attribute_certs=True), True),))),
        "it covers attribute certificates only",
    ),
    "another point": (
        lambda: list_of(ca(), ListWish(extensions=((scope(full_name=[
            x509.UniformResourceIdentifier("http://elsewhere.lab/")]), True),))),
        "it is that of another distribution point (http://elsewhere.lab/)",
    ),
    "stale": (lambda: list_of(ca(), ListWish(begin=-2 * DAY, end=-DAY)), "is stale since 24 hours"),
    "delta": (lambda: list_of(ca(), ListWish(base=3)), "stands where a complete one is expected"),
}  # fmt: skip


def scope(**values: object) -> x509.IssuingDistributionPoint:
    ordinary = {
        "full_name": None, "relative_name": None, "only_contains_user_certs": False,
        "only_contains_ca_certs": False, "only_some_reasons": None, "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }  # fmt: skip
    return x509.IssuingDistributionPoint(**(ordinary | values))


@pytest.mark.parametrize(("make", "words"), SERVED_LISTS.values(), ids=SERVED_LISTS.keys())
def test_fetched_crl_that_cannot_be_used_is_named_with_the_reason(make, words: str) -> None:
    sources = FakeSources(served={URI: make().der})
    found = finding(peer(point()), sources)
    assert words in found.checks[0].text
    assert URI in found.checks[0].text
    assert found.status in (Status.FAILED, Status.STALE)
    assert found.uri_known
    assert sources.asked == [URI]


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"\x30\x03\x02\x01\x01", "malformed CRL"),
        (b"", "malformed CRL"),
        (bytes(17 << 20), "at most 16777216 are read"),
    ],
    ids=["garbage", "nothing", "oversized"],
)
def test_octets_that_are_no_crl_leave_the_status_open(octets: bytes, words: str) -> None:
    found = finding(peer(point()), FakeSources(served={URI: octets}))
    assert_finding(found, Status.FAILED, words)


def test_truncated_crl_leaves_the_status_open() -> None:
    found = finding(peer(point()), FakeSources(served={URI: list_of(ca()).der[:-7]}))
    assert_finding(found, Status.FAILED, "malformed CRL")


def test_fetched_crl_is_used_and_kept() -> None:
    sources = FakeSources(served={URI: list_of(ca()).der})
    found = finding(peer(point()), sources)
    assert_finding(found, Status.GOOD, "is not revoked")
    assert sources.kept == [list_of_der(sources)]


def list_of_der(sources: FakeSources) -> object:
    return sources.fetch_crl(URI)


def test_fresh_crl_that_is_known_makes_fetching_superfluous() -> None:
    sources = FakeSources(known_crls=(list_of(ca()),), served={URI: b""})
    assert finding(peer(point()), sources).status is Status.GOOD
    assert sources.asked == []


def test_stale_crl_that_is_known_is_replaced_by_a_fetched_one() -> None:
    stale = list_of(ca(), ListWish(begin=-2 * DAY, end=-DAY))
    subject = peer(point())
    fresh = list_of(ca(), ListWish(revoked=((subject, None),), number=6))
    sources = FakeSources(known_crls=(stale,), served={URI: fresh.der})
    assert finding(subject, sources).status is Status.REVOKED


def test_second_uri_is_asked_when_the_first_is_dead() -> None:
    sources = FakeSources(served={URI: list_of(ca()).der}, configured_crl=("http://dead.lab/",))
    assert finding(peer(point()), sources).status is Status.GOOD
    assert sources.asked == ["http://dead.lab/", URI]


def test_dead_servers_are_named() -> None:
    found = finding(peer(point()), FakeSources(configured_ocsp=(OTHER,)))
    assert_finding(found, Status.FAILED, f"ocsp request to {OTHER} failed: connection refused")
    assert f"fetching crl from '{URI}' failed: connection refused" in found.checks[0].text


def test_no_more_than_a_few_uris_are_asked() -> None:
    uris = [x509.UniformResourceIdentifier(f"http://{number}.lab/") for number in range(100)]
    points = x509.CRLDistributionPoints([x509.DistributionPoint(uris, None, None, None)])
    sources = FakeSources()
    finding(peer(points), sources)
    assert len(sources.asked) == MAX_SOURCES


def test_without_any_source_the_status_is_not_available() -> None:
    found = finding(peer(), FakeSources())
    assert_finding(found, Status.SKIPPED, 'status of certificate "CN=leaf" is not available')
    assert not found.uri_known


def test_crl_of_a_ca_whose_key_usage_lacks_crl_sign_is_refused() -> None:
    authority = issue("CA", None, Wish(usage=NO_CRL_SIGN))
    sources = FakeSources(served={URI: list_of(authority).der})
    subject = leaf_of(authority, extensions=((point(), False),))
    found = finding(subject, sources, authority)
    assert 'key usage of crl issuer "CN=CA" lacks cRLSign' in found.checks[0].text


# Delta CRLs (RFC 5280, 5.2.4)


FRESHEST = x509.FreshestCRL(
    [x509.DistributionPoint([x509.UniformResourceIdentifier("http://crl.lab/delta")], None, None, None)]
)


def with_delta(subject: Party, delta: ListWish, complete: ListWish | None = None) -> Finding:
    whole = complete or ListWish(extensions=((FRESHEST, False),))
    return finding(
        subject,
        FakeSources(
            known_crls=(list_of(ca(), whole),), served={"http://crl.lab/delta": list_of(ca(), delta).der}
        ),
    )


def test_delta_crl_adds_a_revocation() -> None:
    subject = peer()
    delta = ListWish(revoked=((subject, REASONS.superseded),), base=5, number=6)
    assert_finding(with_delta(subject, delta), Status.REVOKED, "reason: superseded")


def test_delta_crl_takes_a_hold_back() -> None:
    subject = peer()
    held = ListWish(revoked=((subject, REASONS.certificate_hold),), extensions=((FRESHEST, False),))
    delta = ListWish(revoked=((subject, REASONS.remove_from_crl),), base=5, number=6)
    assert with_delta(subject, delta, held).status is Status.GOOD


@pytest.mark.parametrize(
    "delta",
    [
        ListWish(base=6, number=7),
        ListWish(base=5, number=5),
        ListWish(base=5, number=6, begin=-2 * DAY, end=-DAY),
        ListWish(base=5, number=6, extensions=((scope(only_contains_user_certs=True), True),)),
    ],
    ids=["base too new", "not newer", "stale", "another scope"],
)
def test_delta_crl_that_does_not_fit_changes_nothing(delta: ListWish) -> None:
    subject = peer()
    revoking = ListWish(
        revoked=((subject, None),), base=delta.base, number=delta.number, begin=delta.begin,
        end=delta.end, extensions=delta.extensions,
    )  # fmt: skip
    assert with_delta(subject, revoking).status is Status.GOOD


def test_fresh_delta_makes_a_stale_base_usable() -> None:
    subject = peer()
    stale = ListWish(begin=-3 * DAY, end=-MINUTE, extensions=((FRESHEST, False),))
    assert with_delta(subject, ListWish(base=5, number=6), stale).status is Status.GOOD


# Indirect CRLs (RFC 5280, 5.3.3)


def indirect(subject: Party, signer: Party, *, named: bool, flagged: bool = True) -> Finding:
    by_us = x509.CertificateIssuer([x509.DirectoryName(ca().native.subject)])
    wish = ListWish(
        revoked=((subject, None),),
        extensions=((scope(indirect_crl=True), True),) if flagged else (),
        entry_extensions=((by_us, True),) if named else (),
    )
    sources = FakeSources(served={URI: list_of(signer, wish).der}, signers=(signer.certificate,))
    return finding(subject, sources)


def test_indirect_crl_revokes_the_certificates_of_other_issuers() -> None:
    signer = issue("CRL signer", ca(), Wish(ca=False, usage=CRL_SIGN))
    subject = peer(point(URI, signer))
    assert_finding(indirect(subject, signer, named=True), Status.REVOKED, 'says crl of "CN=CRL signer"')
    assert indirect(subject, signer, named=False).status is Status.GOOD  # an entry of the signer's own


def test_crl_of_another_issuer_must_say_that_it_is_indirect() -> None:
    signer = issue("CRL signer", ca(), Wish(ca=False, usage=CRL_SIGN))
    found = indirect(peer(point(URI, signer)), signer, named=True, flagged=False)
    assert_finding(found, Status.FAILED, "but not an indirect one")


def test_crl_signer_nobody_trusts_is_refused() -> None:
    signer = issue("stranger", None, Wish(ca=False, usage=CRL_SIGN))
    crl = list_of(signer, ListWish(extensions=((scope(indirect_crl=True), True),)))
    found = finding(peer(point(URI, signer)), FakeSources(served={URI: crl.der}))
    assert_finding(found, Status.FAILED, 'no trusted certificate of the crl issuer "CN=stranger" found')


# OCSP (RFC 6960)


def test_good_answer_of_the_ca_is_used_and_kept() -> None:
    subject = peer()
    sources = FakeSources(served={OTHER: answer_of(subject, ca())}, configured_ocsp=(OTHER,))
    found = finding(subject, sources)
    assert_finding(found, Status.GOOD, "is not revoked, says ocsp response by")
    assert sources.kept == [OcspResponse.parse(sources.served[OTHER])]
    assert found.uri_known


def test_responder_of_the_certificate_itself_is_asked() -> None:
    access = x509.AuthorityInformationAccess(
        [x509.AccessDescription(x509.OID_OCSP, x509.UniformResourceIdentifier(OTHER))]
    )
    subject = peer(access)
    sources = FakeSources(served={OTHER: answer_of(subject, ca())})
    assert finding(subject, sources).status is Status.GOOD


@pytest.mark.parametrize("by_name", [True, False])
def test_delegate_of_the_ca_may_sign(by_name: bool) -> None:
    signer = issue("responder", ca(), SIGNER)
    found = by_ocsp(peer(), AnswerWish(signer=signer, enclosed=(signer,), by_name=by_name))
    assert found.status is Status.GOOD


def test_trusted_responder_may_sign_for_any_ca() -> None:
    signer = issue("responder", None, SIGNER)
    found = by_ocsp(peer(), AnswerWish(signer=signer), trusted=(signer.certificate,))
    assert found.status is Status.GOOD


def test_known_answer_makes_asking_superfluous() -> None:
    subject = peer()
    known = OcspResponse.parse(answer_of(subject, ca()))
    sources = FakeSources(known_responses=(known,), configured_ocsp=(OTHER,))
    assert finding(subject, sources).status is Status.GOOD
    assert sources.asked == []


@pytest.mark.parametrize(
    ("reason", "status", "words"),
    [
        (None, Status.REVOKED, "was revoked on 2026-11-22, reason: unspecified, says ocsp response by"),
        (REASONS.ca_compromise, Status.REVOKED, "reason: cACompromise"),
        (REASONS.certificate_hold, Status.ON_HOLD, "is on hold since 2026-11-22"),
    ],
)
def test_answer_that_says_revoked_is_final(reason: REASONS | None, status: Status, words: str) -> None:
    assert_finding(by_ocsp(peer(), AnswerWish(status=REVOKED, reason=reason)), status, words)


def stranger() -> Party:
    return issue("stranger", None, SIGNER)


BAD_ANSWERS = {
    "unknown": (lambda: AnswerWish(status=UNKNOWN), Status.FAILED, 'the certificate "CN=leaf" is not known'),
    "stale": (lambda: AnswerWish(begin=-2 * DAY, end=-DAY), Status.STALE, "is stale since 24 hours"),
    "stale without nextUpdate": (
        lambda: AnswerWish(begin=-10 * MINUTE, end=None), Status.STALE, "is stale since 9 minutes",
    ),
    "not yet valid": (lambda: AnswerWish(begin=DAY, end=2 * DAY), Status.FAILED, "is from the future"),
    "replayed": (lambda: AnswerWish(nonce=b"nonce of others "), Status.FAILED, "it is replayed"),
    "wrong signer": (
        lambda: AnswerWish(signer=stranger()), Status.FAILED, "is signed neither by",
    ),
    "forged": (lambda: AnswerWish(signer=issue("CA"), by_name=True), Status.FAILED, "is signed neither by"),
    "delegate of another CA": (
        lambda: (lambda one: AnswerWish(signer=one, enclosed=(one,)))(issue("x", issue("other"), SIGNER)),
        Status.FAILED, "was not issued by",
    ),
    "forged delegate": (
        lambda: AnswerWish(signer=issue("x"), enclosed=(issue("x", ca(), SIGNER),), by_name=True),
        Status.FAILED, "has a bad signature",
    ),
    "delegate without the usage": (
        lambda: (lambda one: AnswerWish(signer=one, enclosed=(one,)))(issue("x", ca(), Wish(ca=False))),
        Status.FAILED, 'ocsp signer "CN=x" lacks the extended key usage ocspSigning',
    ),
    "expired delegate": (
        lambda: (lambda one: AnswerWish(signer=one, enclosed=(one,)))(
            issue("x", ca(), Wish(ca=False, purposes=SIGNER.purposes, begin=-2 * DAY, end=-DAY))),
        Status.FAILED, "expired 24 hours ago",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "status", "words"), BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_answer_that_does_not_suffice_leaves_the_status_open(make, status: Status, words: str) -> None:
    assert_finding(by_ocsp(peer(), make()), status, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda answer: answer[:-9], "malformed OCSP response"),
        (lambda answer: b"", "malformed OCSP response"),
        (lambda answer: answer + bytes(1 << 20), "octets, at most 1048576 are read"),
        (lambda answer: bytes.fromhex("30030a0106"), "the responder answers 'unauthorized'"),
    ],
    ids=["truncated", "empty", "oversized", "error"],
)
def test_octets_that_are_no_answer_leave_the_status_open(change, words: str) -> None:
    subject = peer()
    served = {OTHER: change(answer_of(subject, ca()))}
    assert_finding(
        finding(subject, FakeSources(served=served, configured_ocsp=(OTHER,))), Status.FAILED, words
    )


def test_answer_about_another_certificate_is_none() -> None:
    sources = FakeSources(served={OTHER: answer_of(peer(), ca())}, configured_ocsp=(OTHER,))
    assert_finding(finding(peer(), sources), Status.FAILED, "does not say anything about")


def test_crl_answers_where_ocsp_fails() -> None:
    subject = peer(point())
    sources = FakeSources(
        served={URI: list_of(ca(), ListWish(revoked=((subject, None),))).der}, configured_ocsp=(OTHER,)
    )
    assert_finding(finding(subject, sources), Status.REVOKED, "says crl of")
    assert sources.asked == [OTHER, URI]


def test_methods_that_are_switched_off_are_not_asked() -> None:
    sources = FakeSources(configured_ocsp=(OTHER,))
    found = finding(peer(point()), sources, methods=Methods(ocsp=False, crl=False))
    assert found.status is Status.SKIPPED
    assert not found.uri_known
    assert sources.asked == []


def test_name_of_the_certificates_issuer_decides_not_that_of_the_file() -> None:
    other = issue(common_name("other"))
    assert by_crl(peer(), issuer=other).status is Status.SKIPPED


# Partitions, holds and encodings


def shard(uri: str, *revoked: Party, **more: object) -> ListWish:
    named = scope(full_name=[x509.UniformResourceIdentifier(uri)], **more)
    return ListWish(revoked=tuple((one, None) for one in revoked), extensions=((named, True),))


def test_known_crl_of_another_distribution_point_does_not_make_good() -> None:
    other = list_of(ca(), shard("http://elsewhere.lab/"))
    own = list_of(ca(), shard(URI))
    assert finding(peer(point()), FakeSources(known_crls=(other,))).status is Status.FAILED
    assert finding(peer(), FakeSources(known_crls=(other,))).status is Status.FAILED
    assert finding(peer(point()), FakeSources(known_crls=(other, own))).status is Status.GOOD


def test_entry_counts_in_the_crl_of_whatever_distribution_point() -> None:
    subject = peer(point())
    other = list_of(ca(), shard("http://elsewhere.lab/", subject))
    assert finding(subject, FakeSources(known_crls=(other,))).status is Status.REVOKED


def test_configured_uri_is_a_distribution_point_too() -> None:
    sources = FakeSources(served={OTHER: list_of(ca(), shard(OTHER)).der}, configured_crl=(OTHER,))
    assert finding(peer(), sources).status is Status.GOOD


def test_crl_about_some_reasons_revokes_but_does_not_make_good() -> None:
    some = frozenset({REASONS.key_compromise})
    subject = peer()
    wish = ListWish(extensions=((scope(only_some_reasons=some), True),))
    assert by_crl(subject, wish).status is Status.FAILED
    listed = ListWish(revoked=((subject, REASONS.key_compromise),), extensions=wish.extensions)
    assert by_crl(subject, listed).status is Status.REVOKED


@pytest.mark.parametrize("later", [True, False])
def test_hold_of_a_stale_crl_lasts_until_a_newer_one_takes_it_back(later: bool) -> None:
    subject = peer(point())
    held = ListWish(revoked=((subject, REASONS.certificate_hold),), begin=-2 * DAY, end=-DAY)
    served = {URI: list_of(ca(), ListWish(number=6)).der} if later else {}
    found = finding(subject, FakeSources(known_crls=(list_of(ca(), held),), served=served))
    assert found.status is (Status.GOOD if later else Status.ON_HOLD)


@pytest.mark.parametrize("later", [True, False])
def test_hold_of_a_stale_answer_lasts_until_a_newer_one_takes_it_back(later: bool) -> None:
    subject = peer()
    wish = AnswerWish(status=REVOKED, reason=REASONS.certificate_hold, begin=-2 * DAY, end=-DAY)
    sources = FakeSources(
        known_responses=(OcspResponse.parse(answer_of(subject, ca(), wish)),), configured_ocsp=(OTHER,),
        served={OTHER: answer_of(subject, ca())} if later else {},
    )  # fmt: skip
    assert finding(subject, sources).status is (Status.GOOD if later else Status.ON_HOLD)


def test_name_of_the_crl_issuer_may_be_encoded_otherwise() -> None:
    attribute = x509.NameAttribute(x509.NameOID.COMMON_NAME, "CA", x509.name._ASN1Type.PrintableString)
    printable = x509.Name([attribute])
    other = issue(printable, None, Wish(key=ca().key))
    assert other.certificate.subject.data != ca().certificate.subject.data
    assert by_crl(peer(), issuer=other).status is Status.GOOD


def test_crl_with_an_unknown_critical_extension_in_any_entry_is_not_used() -> None:
    other = peer()
    wish = ListWish(revoked=((other, None),), entry_extensions=((UNKNOWN_EXTENSION, True),))
    found = finding(peer(point()), FakeSources(served={URI: list_of(ca(), wish).der}))
    assert_finding(found, Status.FAILED, "entry with a critical extension that is not supported: 1.2.3.4")
