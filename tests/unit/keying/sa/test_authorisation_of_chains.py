"""What a connection may demand of a chain besides trust: revocation, policies, groups, and the words."""

import pytest
from simulation.pki import leaf_of

from cygnet.base.identities import Identity
from cygnet.cert.checks import Check
from cygnet.cert.revocation import Finding, Status
from cygnet.cert.trust import Verdict
from cygnet.keying.config.records import AuthClass, AuthConfig, Revocation
from cygnet.keying.sa.authorisation import Facts, comply, failures

PEER = Identity.parse("moon.lab")
LEAF = leaf_of(None).certificate


def refused(verdict: Verdict | None, **demands: object) -> tuple[str, ...]:
    facts = Facts(PEER, AuthClass.PUBKEY, "ED25519", (LEAF,), (), verdict)
    return failures(comply(facts, AuthConfig(**demands)))  # type: ignore[arg-type]


def found(status: Status, uri_known: bool = False) -> Verdict:
    finding = Finding(status, (Check("revocation", True, "the whole story"),), uri_known)
    return Verdict(True, (LEAF,), (), finding, ("1.2.3",), None, ("sales", "1.3.6.1"))


STATUSES = [
    (Revocation.NO, Status.FAILED, True), (Revocation.NO, Status.SKIPPED, True),
    (Revocation.IF_URI, Status.GOOD, True), (Revocation.IF_URI, Status.SKIPPED, True),
    (Revocation.IF_URI, Status.STALE, False), (Revocation.IF_URI, Status.FAILED, False),
    (Revocation.YES, Status.GOOD, True), (Revocation.YES, Status.SKIPPED, False),
    (Revocation.YES, Status.STALE, False), (Revocation.YES, Status.FAILED, False),
]  # fmt: skip


@pytest.mark.parametrize(("strict", "status", "accepted"), STATUSES)
def test_strictcrlpolicy_decides_what_an_open_status_is_worth(
    strict: Revocation, status: Status, accepted: bool
) -> None:
    texts = refused(found(status), revocation=strict)
    assert (not texts) is accepted
    if not accepted:
        assert f"revocation status is {status.name}, but strictcrlpolicy={strict} requires GOOD" in texts[0]
        assert "the whole story" in texts[0]


def test_certificate_that_is_configured_itself_has_no_status() -> None:
    assert refused(None, revocation=Revocation.IF_URI) == ()
    assert "nobody was asked" in refused(None, revocation=Revocation.YES)[0]


def test_all_policies_are_required_and_those_that_are_there_are_named() -> None:
    assert refused(found(Status.GOOD), policies=("1.2.3",)) == ()
    texts = refused(found(Status.GOOD), policies=("1.2.3", "1.2.4"))
    assert texts == ("certificate policy 1.2.4 required, valid for the peer's certificate are: 1.2.3",)
    assert refused(None, policies=("1.2.3",))[0].endswith("are: none")


def test_one_of_the_groups_is_enough() -> None:
    assert refused(found(Status.GOOD), groups=("research", "sales")) == ()
    texts = refused(found(Status.GOOD), groups=("research", "finance"))
    assert texts == ("group membership to 'research' or 'finance' required, the peer is in: sales, 1.3.6.1",)


def test_peer_without_a_certificate_has_neither_policies_nor_groups() -> None:
    facts = Facts(PEER, AuthClass.PSK)
    demands = AuthConfig(AuthClass.ANY, policies=("1.2.3",), groups=("sales",), revocation=Revocation.YES)
    assert len(failures(comply(facts, demands))) == 2
