"""Certificate policies along paths (RFC 5280, 6.1), and what an operator reads."""

import pytest
from cryptography import x509
from simulation.pki import NOW, Wish, issue, leaf_of

from cygnet.cert import der
from cygnet.cert.extensions import PolicyExtensions
from cygnet.cert.policies import ANY_POLICY, MAX_POLICIES, PathStep, PolicyResult, process
from cygnet.cert.trust import build_chain

A, B, C, D = "1.3.1", "1.3.2", "1.3.3", "1.3.4"
NONE = PolicyExtensions()


def step(*policies: str, mappings=(), explicit=None, no_mapping=None, no_any=None, self_issued=False):
    return PathStep(
        "X", PolicyExtensions(policies or None, tuple(mappings), explicit, no_mapping, no_any), self_issued
    )


def run(*steps: PathStep, anchor: PolicyExtensions = NONE) -> PolicyResult:
    return process(anchor, steps)


def test_policies_of_all_certificates_in_common_are_valid() -> None:
    result = run(step(A, B), step(B, C), step(B))
    assert result == PolicyResult((B,), False, "")


def test_any_policy_of_an_intermediate_admits_those_of_the_end_entity() -> None:
    assert run(step(ANY_POLICY), step(A, B)).policies == (A, B)


def test_any_policy_of_the_end_entity_takes_what_the_issuer_allows() -> None:
    result = run(step(A), step(ANY_POLICY))
    assert result.policies == (A,)
    assert not result.any


def test_any_policy_all_along_stays_any() -> None:
    assert run(step(ANY_POLICY), step(ANY_POLICY)) == PolicyResult((), True, "")


@pytest.mark.parametrize("path", [(step(), step(A)), (step(A), step(B)), (step(A), step())])
def test_nothing_valid_is_no_problem_unless_a_policy_is_required(path) -> None:
    assert run(*path) == PolicyResult((), False, "")


def test_required_policy_that_is_missing_is_named() -> None:
    result = run(step(A, explicit=0), step(B))
    assert result.problem == (
        "an explicit certificate policy is required, but none is valid for X (it has 1.3.2)"
    )


def test_requirement_begins_after_as_many_certificates_as_it_says() -> None:
    late = run(step(A, explicit=3), step(B), step(B))
    assert late.problem == ""
    assert run(step(A, explicit=1), step(B), step(B)).problem


def test_requirement_of_the_anchor_counts() -> None:
    anchor = PolicyExtensions(require_explicit=0)
    assert run(step(A), step(B), anchor=anchor).problem
    assert run(step(A), step(A), anchor=anchor).policies == (A,)


def test_end_entity_may_require_a_policy_itself() -> None:
    assert run(step(A), step(B, explicit=0)).problem


def test_mapped_policies_are_equivalent() -> None:
    assert run(step(A, mappings=[(A, B)]), step(B)).policies == (B,)
    assert run(step(A, mappings=[(A, B)]), step(A)).policies == ()
    assert run(step(ANY_POLICY, mappings=[(A, B)]), step(B)).policies == (B,)
    assert run(step(C, mappings=[(A, B)]), step(B)).policies == ()


def test_one_policy_may_be_mapped_to_several() -> None:
    path = (step(A, D, mappings=[(A, B), (A, C)]), step(B, C, D))
    assert run(*path).policies == (B, C, D)


def test_inhibited_mapping_removes_the_policy() -> None:
    anchor = PolicyExtensions(inhibit_mapping=0)
    assert run(step(A, mappings=[(A, B)]), step(B), anchor=anchor).policies == ()
    assert run(step(A, no_mapping=1), step(A, mappings=[(A, B)]), step(B)).policies == (B,)
    assert run(step(A, no_mapping=0), step(A, mappings=[(A, B)]), step(B)).policies == ()


def test_mapping_of_any_policy_is_refused() -> None:
    assert "maps any-policy" in run(step(A, mappings=[(A, ANY_POLICY)]), step(A)).problem


def test_inhibited_any_policy_admits_nothing() -> None:
    assert run(step(A, no_any=0), step(ANY_POLICY), step(A)).policies == ()
    assert run(step(A, no_any=1), step(ANY_POLICY), step(A)).policies == (A,)


def test_self_issued_certificates_do_not_count() -> None:
    assert run(step(A, no_any=0), step(ANY_POLICY, self_issued=True), step(A)).policies == (A,)
    rollover = (step(A, no_any=1), step(A, self_issued=True), step(ANY_POLICY), step(A))
    assert run(*rollover).policies == (A,)


def test_too_many_policies_are_refused() -> None:
    many = [f"1.2.{number}" for number in range(MAX_POLICIES + 1)]
    assert "more than 1000 policies" in run(step(*many), step(A)).problem


def test_many_mappings_stay_cheap() -> None:
    names = [f"1.2.{number}" for number in range(100)]
    pairs = [(one, other) for one in names for other in names]
    assert len(run(*[step(*names, mappings=pairs) for _ in range(6)], step(*names)).policies) == 100


def extension(*oids: str) -> tuple[x509.ExtensionType, bool]:
    infos = [x509.PolicyInformation(x509.ObjectIdentifier(one), None) for one in oids]
    return x509.CertificatePolicies(infos), False


def test_chain_tells_policies_and_refuses_with_the_check_named() -> None:
    mapping = der.sequence(der.sequence(der.identifier(A), der.identifier(B)))
    mapped = (x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), mapping), True)
    strict = (x509.PolicyConstraints(0, None), True)
    anchor = issue("anchor")
    middle = issue("middle", anchor, Wish(extensions=(extension(A), mapped, strict)))
    good, bad = leaf_of(middle, extensions=(extension(B),)), leaf_of(middle, extensions=(extension(C),))
    between, anchors = [middle.certificate], [anchor.certificate]
    assert build_chain(good.certificate, between, anchors, NOW.timestamp()).policies == (B,)
    verdict = build_chain(bad.certificate, between, anchors, NOW.timestamp())
    assert not verdict.ok
    assert [check.name for check in verdict.checks if not check.ok] == ["policies"]
    assert 'none is valid for "CN=leaf" (it has 1.3.3)' in verdict.reason
