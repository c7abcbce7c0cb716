"""Chains of generated certificates: what is trusted, and the sentence for what is not."""

import datetime as dt
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from simulation.pki import (
    CERT_SIGN,
    DAY,
    ENCIPHER,
    NOW,
    SIGN_ONLY,
    FakeSources,
    ListWish,
    Party,
    Wish,
    common_name,
    issue,
    leaf_of,
    list_of,
)

from cygnet.cert.certificates import Certificate
from cygnet.cert.revocation import Status
from cygnet.cert.trust import MAX_INQUIRIES, MAX_SIGNATURES, Rules, Verdict, build_chain


@cache
def root() -> Party:
    return issue("root")


def chain_of(
    leaf: Party, *between: Party, anchors: tuple[Party, ...] | None = None, limit: int = 7
) -> Verdict:
    trusted = (root(),) if anchors is None else anchors
    intermediates = [item.certificate for item in between]
    return build_chain(
        leaf.certificate, intermediates, [item.certificate for item in trusted], NOW.timestamp(), Rules(limit)
    )


def assert_refused(verdict: Verdict, check: str, sentence: str) -> None:
    assert not verdict.ok
    failed = [item for item in verdict.checks if not item.ok]
    assert [item.name for item in failed] == [check]
    assert sentence in failed[0].text
    assert verdict.reason == failed[0].text


def test_leaf_signed_by_an_anchor_is_trusted() -> None:
    leaf = leaf_of(root(), usage=SIGN_ONLY)
    verdict = chain_of(leaf)
    assert verdict.ok
    assert verdict.chain == (leaf.certificate, root().certificate)
    assert all(check.ok for check in verdict.checks)
    assert verdict.reason == ""
    assert 'certificate "CN=leaf" is signed by "CN=root"' in [check.text for check in verdict.checks]


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
        Ed25519PrivateKey.generate(),
    ],
    ids=["RSA", "ECDSA", "Ed25519"],
)
def test_chain_through_intermediates_in_any_order_is_found(key: CertificateIssuerPrivateKeyTypes) -> None:
    anchor = issue("anchor", None, Wish(key=key))
    upper = issue("upper", anchor)
    lower = issue("lower", upper, Wish(usage=CERT_SIGN, key=key))
    leaf = leaf_of(lower)
    verdict = chain_of(leaf, lower, root(), upper, anchors=(anchor,))
    assert verdict.ok
    assert verdict.chain == tuple(item.certificate for item in (leaf, lower, upper, anchor))


def test_intermediate_may_be_an_anchor() -> None:
    middle = issue("middle", root())
    leaf = leaf_of(middle)
    assert chain_of(leaf, anchors=(middle,)).chain == (leaf.certificate, middle.certificate)


def test_chain_goes_on_to_the_anchor_above_an_intermediate_one() -> None:
    middle = issue("middle", root())
    leaf = leaf_of(middle)
    chain = chain_of(leaf, anchors=(middle, root())).chain
    assert chain == (leaf.certificate, middle.certificate, root().certificate)


def test_leaf_may_be_an_anchor() -> None:
    leaf = leaf_of(None)
    assert chain_of(leaf, anchors=(leaf,)).ok


@pytest.mark.parametrize(
    ("wish", "check", "sentence"),
    [
        ({"end": -3 * DAY, "begin": -9 * DAY}, "validity", '"CN=leaf" expired 3 days ago (2026-11-20)'),
        ({"end": -dt.timedelta(hours=3), "begin": -9 * DAY}, "validity", "expired 3 hours ago"),
        ({"end": -dt.timedelta(seconds=1), "begin": -9 * DAY}, "validity", "expired 1 second ago"),
        ({"begin": 10 * DAY}, "validity", "is not valid yet, only in 10 days (2026-12-03)"),
        ({"usage": ENCIPHER}, "key usage", "neither digitalSignature nor nonRepudiation"),
        (
            {"extensions": ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True),)},
            "extensions",
            "critical extensions that are not supported: 1.2.3.4",
        ),
        ({"signed_by": Ed25519PrivateKey.generate()}, "signature", '"CN=leaf" has a bad signature'),
    ],
)
def test_bad_leaf_is_refused(wish: dict[str, object], check: str, sentence: str) -> None:
    assert_refused(chain_of(leaf_of(root(), **wish)), check, sentence)


@pytest.mark.parametrize(
    ("wish", "check", "sentence"),
    [
        (Wish(ca=False), "CA", 'certificate "CN=middle" is not that of a CA'),
        (Wish(usage=SIGN_ONLY), "key usage", 'key usage of CA certificate "CN=middle" lacks keyCertSign'),
        (Wish(begin=-9 * DAY, end=-5 * DAY), "validity", '"CN=middle" expired 5 days ago'),
        (
            Wish(extensions=((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True),)),
            "extensions",
            'certificate "CN=middle" has critical extensions',
        ),
        (Wish(signed_by=Ed25519PrivateKey.generate()), "signature", '"CN=middle" has a bad signature'),
    ],
)
def test_bad_intermediate_is_refused(wish: Wish, check: str, sentence: str) -> None:
    middle = issue("middle", root(), wish)
    assert_refused(chain_of(leaf_of(middle), middle), check, sentence)


def test_path_length_counts_the_authorities_below() -> None:
    short = issue("short", None, Wish(path_length=0))
    assert chain_of(leaf_of(short), anchors=(short,)).ok
    middle = issue("middle", short)
    sentence = 'path length of "CN=short" is 0, but 1 CA follow below it'
    assert_refused(chain_of(leaf_of(middle), middle, anchors=(short,)), "path length", sentence[:34])


def test_missing_issuer_is_named() -> None:
    middle = issue("middle", root())
    sentence = 'no issuer certificate found for "CN=leaf", issuer is "CN=middle"'
    assert_refused(chain_of(leaf_of(middle)), "issuer", sentence)
    sentence = 'no issuer certificate found for "CN=middle", issuer is "CN=root"'
    assert_refused(chain_of(leaf_of(middle), middle, anchors=()), "issuer", sentence)


def test_self_signed_stranger_is_refused() -> None:
    stranger = leaf_of(None)
    assert_refused(chain_of(stranger), "issuer", '"CN=leaf" is self-signed and not one that we trust')
    other = issue("other")
    verdict = chain_of(leaf_of(other), other)
    assert_refused(verdict, "issuer", '"CN=other" is self-signed and not one that we trust')


def test_anchor_of_the_same_name_with_another_key_does_not_help() -> None:
    impostor = issue("root")
    assert_refused(chain_of(leaf_of(impostor), impostor), "issuer", '"CN=root" is self-signed')


def test_renewed_anchor_is_found_among_several_of_its_name() -> None:
    old, new = issue("twin", None, Wish(begin=-9 * DAY, end=-5 * DAY)), issue("twin")
    leaf = leaf_of(new)
    assert chain_of(leaf, anchors=(old, issue("twin"), new)).chain == (leaf.certificate, new.certificate)


def test_key_identifiers_choose_among_issuers_of_one_name() -> None:
    keys = [Ed25519PrivateKey.generate() for _ in range(2)]
    twins = [
        issue("twin", None, Wish(key=key, extensions=((x509.SubjectKeyIdentifier(bytes([index])), False),)))
        for index, key in enumerate(keys)
    ]
    authority = x509.AuthorityKeyIdentifier(b"\x01", None, None)
    leaf = leaf_of(twins[1], extensions=((authority, False),))
    assert chain_of(leaf, anchors=tuple(twins)).ok
    assert_refused(chain_of(leaf, anchors=(twins[0],)), "issuer", "no issuer certificate found")


def test_issuer_name_may_differ_in_case() -> None:
    written = Party(issue("ROOT").certificate, root().key)
    assert chain_of(leaf_of(written)).ok


def test_chain_is_limited() -> None:
    parties = [root()]
    for number in range(7):
        parties.append(issue(f"level {number}", parties[-1]))
    leaf = leaf_of(parties[-1])
    assert_refused(chain_of(leaf, *parties), "depth", 'chain of "CN=leaf" is longer than 7')
    assert chain_of(leaf, *parties, limit=9).ok


def test_loop_of_authorities_ends() -> None:
    one_key, two_key = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    one = issue("one", None, Wish(key=one_key))
    two = issue("two", one, Wish(key=two_key))
    crossed = issue("one", two, Wish(key=one_key))
    verdict = chain_of(leaf_of(two), two, crossed, one)
    assert not verdict.ok
    assert len(verdict.chain) <= 4


def test_many_authorities_of_one_name_cost_a_limited_number_of_signatures() -> None:
    twins = [issue("twin") for _ in range(MAX_SIGNATURES + 10)]
    verdict = chain_of(leaf_of(issue("twin")), *twins)
    assert not verdict.ok
    assert_refused(verdict, "signature", "bad signature")


def test_weak_hash_is_named_and_may_be_allowed() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    anchor = issue("anchor", None, Wish(key=key))
    leaf = sha1_signed_leaf(anchor)
    verdict = build_chain(leaf, [], [anchor.certificate], NOW.timestamp())
    assert_refused(verdict, "hash", 'certificate "CN=leaf" is signed with SHA-1, which is weak')
    assert build_chain(leaf, [], [anchor.certificate], NOW.timestamp(), Rules(allow_weak=True)).ok


def sha1_signed_leaf(anchor: Party) -> Certificate:
    """The builder does not sign with SHA-1 any more: change the algorithm and sign by hand."""
    der = leaf_of(anchor).certificate.native
    sha256, sha1 = bytes.fromhex("300a06082a8648ce3d040302"), bytes.fromhex("300906072a8648ce3d0401")
    body = der.tbs_certificate_bytes.replace(sha256, sha1)
    start = 2 + (body[1] & 0x7F)
    tbs = element(0x30, body[start:])
    key = anchor.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signature = key.sign(tbs, ec.ECDSA(hashes.SHA1()))
    return Certificate.parse(element(0x30, tbs + sha1 + element(0x03, b"\0" + signature)))


def element(tag: int, body: bytes) -> bytes:
    length = len(body)
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    head = octets if length < 128 else bytes([0x80 | len(octets)]) + octets
    return bytes([tag]) + head + body


NAMES = x509.SubjectAlternativeName(
    [
        x509.DNSName("moon.lab.example"),
        x509.RFC822Name("carol@lab.example"),
        x509.IPAddress(ip_address("10.1.0.1")),
    ]
)


@pytest.mark.parametrize(
    ("permitted", "excluded", "offender"),
    [
        ([x509.DNSName("lab.example")], None, ""),
        ([x509.DNSName("moon.lab.example")], None, ""),
        ([x509.DNSName("b.example")], None, "moon.lab.example"),
        ([x509.DNSName("b.example"), x509.DNSName("lab.example")], None, ""),
        (None, [x509.DNSName("lab.example")], "moon.lab.example"),
        (None, [x509.DNSName("ab.example")], ""),
        ([x509.RFC822Name("lab.example")], None, ""),
        ([x509.RFC822Name("carol@lab.example")], None, ""),
        ([x509.RFC822Name(".lab.example")], None, "carol@lab.example"),
        (None, [x509.RFC822Name(".example")], "carol@lab.example"),
        ([x509.IPAddress(ip_network("10.1.0.0/16"))], None, ""),
        ([x509.IPAddress(ip_network("10.2.0.0/16"))], None, "10.1.0.1"),
        (None, [x509.IPAddress(ip_network("2001:db8::/32"))], ""),
        ([x509.DirectoryName(common_name("leaf"))], None, ""),
        ([x509.DirectoryName(common_name("else"))], None, "CN=leaf"),
        (None, [x509.DirectoryName(x509.Name([]))], "CN=leaf"),
    ],
)
def test_name_constraints(
    permitted: list[x509.GeneralName] | None, excluded: list[x509.GeneralName] | None, offender: str
) -> None:
    constraints = x509.NameConstraints(permitted, excluded)
    anchor = issue("anchor", None, Wish(extensions=((constraints, True),)))
    verdict = chain_of(leaf_of(anchor, extensions=((NAMES, False),)), anchors=(anchor,))
    if offender:
        sentence = f'certificate "CN=anchor" does not permit the name "{offender}" of "CN=leaf"'
        assert_refused(verdict, "name constraints", sentence)
    else:
        assert verdict.ok, verdict.reason


def test_name_of_a_constrained_kind_whose_constraints_have_no_meaning_is_refused() -> None:
    constraints = x509.NameConstraints([x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))], None)
    anchor = issue("anchor", None, Wish(extensions=((constraints, True),)))
    assert chain_of(leaf_of(anchor), anchors=(anchor,)).ok
    names = x509.SubjectAlternativeName([x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))])
    leaf = leaf_of(anchor, extensions=((names, False),))
    assert_refused(chain_of(leaf, anchors=(anchor,)), "name constraints", 'the name "1.2.3"')


# Revocation within chains


def asked(sources: FakeSources, *chain: Party, anchors: tuple[Party, ...]) -> Verdict:
    leaf, *between = (one.certificate for one in chain)
    return build_chain(
        leaf, between, [one.certificate for one in anchors], NOW.timestamp(), Rules(sources=sources)
    )


def test_status_of_the_verdict_is_that_of_the_certificate_itself() -> None:
    middle = issue("middle", root())
    sources = FakeSources(known_crls=(list_of(middle),))
    verdict = asked(sources, leaf_of(middle), middle, anchors=(root(),))
    assert verdict.ok
    assert verdict.revocation is not None
    assert verdict.revocation.status is Status.GOOD
    names = [check.text for check in verdict.checks if check.name == "revocation"]
    assert len(names) == 2
    assert 'status of certificate "CN=middle" is not available' in names[0]
    assert 'certificate "CN=leaf" is not revoked' in names[1]


def test_revoked_intermediate_ends_the_questions() -> None:
    middle = issue("middle", root())
    point = x509.DistributionPoint([x509.UniformResourceIdentifier("http://x/")], None, None, None)
    leaf = leaf_of(middle, extensions=((x509.CRLDistributionPoints([point]), False),))
    sources = FakeSources(known_crls=(list_of(root(), ListWish(revoked=((middle, None),))),))
    verdict = asked(sources, leaf, middle, anchors=(root(),))
    assert_refused(verdict, "revocation", 'certificate "CN=middle" was revoked')
    assert sources.asked == []


def test_nobody_is_asked_about_a_chain_that_is_not_trusted() -> None:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier("http://x/")], None, None, None)
    leaf = leaf_of(issue("stranger"), extensions=((x509.CRLDistributionPoints([point]), False),))
    sources = FakeSources()
    assert not asked(sources, leaf, anchors=(root(),)).ok
    assert sources.asked == []


def test_chain_through_an_intermediate_that_is_trusted_goes_up_to_its_root() -> None:
    middle = issue("middle", root())
    verdict = chain_of(leaf_of(middle), anchors=(middle, root()))
    assert [str(one.subject) for one in verdict.chain] == ["CN=leaf", "CN=middle", "CN=root"]
    other = issue("root")  # of the same name, but it did not issue the intermediate
    verdict = chain_of(leaf_of(middle), anchors=(middle, other))
    assert [str(one.subject) for one in verdict.chain] == ["CN=leaf", "CN=middle"]


def test_questions_of_one_search_are_limited() -> None:
    """A peer that sends many ways to the anchor causes no more than so many questions."""
    keys = Ed25519PrivateKey.generate()
    middles = [issue("middle", root(), Wish(key=keys)) for _ in range(MAX_INQUIRIES + 4)]
    leaf = leaf_of(middles[0])
    revoking = list_of(root(), ListWish(revoked=tuple((one, None) for one in middles)))
    sources = CountingSources(known_crls=(revoking,))
    assert not asked(sources, leaf, *middles, anchors=(root(),)).ok
    assert sources.count == MAX_INQUIRIES


@dataclass
class CountingSources(FakeSources):
    """Counts the questions."""

    count: int = 0

    def responses(self, issuer: Certificate) -> tuple[object, ...]:
        self.count += 1
        return ()
