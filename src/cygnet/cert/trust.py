"""From a peer's certificate to one of our trust anchors, with every check and its verdict (RFC 5280, 6).

Extended key usages do not matter for IKE peers, as in strongSwan (RFC 4945, 5.1.3.12): a certificate for TLS
servers is as good as one for IKE. They matter for those who sign OCSP responses.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cygnet.base import distinguished_names
from cygnet.base.identities import Identity
from cygnet.cert import address_blocks, policies, revocation
from cygnet.cert.address_blocks import AddressBlocks
from cygnet.cert.certificates import Certificate
from cygnet.cert.checks import Check, first_failure, validity
from cygnet.cert.name_constraints import text_of
from cygnet.cert.revocation import Finding, Methods, Sources, Status
from cygnet.cert.signed import WEAK_HASHES

__all__ = ["MAX_DEPTH", "Check", "Rules", "Verdict", "build_chain"]

MAX_DEPTH = 7
MAX_SIGNATURES = 32
MAX_INQUIRIES = 16
"""How many certificates are asked about in one search, whatever the peer sends."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How strict a search is, and where it learns of revocations (``None``: it does not ask).

    ``limit`` is the length of a chain, ``allow_weak`` accepts signatures over SHA-1 and MD5, and
    ``strict_addresses`` refuses a certificate without address blocks below one that has them.
    """

    limit: int = MAX_DEPTH
    allow_weak: bool = False
    strict_addresses: bool = True
    sources: Sources | None = None
    methods: Methods = field(default_factory=Methods)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a certificate is trusted.

    ``chain`` goes from the certificate to its anchor, or as far as it was followed. ``checks`` are those of
    that chain in order; where ``ok`` is false at least one of them failed. ``revocation`` is what was found
    out about the certificate itself, ``policies`` are those valid for it (RFC 5280, 6.1.6), ``addresses``
    the address blocks it may speak for (``None``: all); ``groups``, which the store adds, are those that
    attribute certificates put its holder into.
    """

    ok: bool
    chain: tuple[Certificate, ...]
    checks: tuple[Check, ...]
    revocation: Finding | None = None
    policies: tuple[str, ...] = ()
    addresses: AddressBlocks | None = None
    groups: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The first failure, empty if there is none."""
        return first_failure(self.checks)


def build_chain(
    leaf: Certificate,
    intermediates: Iterable[Certificate],
    anchors: Iterable[Certificate],
    now: float,
    rules: Rules | None = None,
) -> Verdict:
    """Look for a chain from ``leaf`` to one of ``anchors`` that passes; ``now`` is POSIX seconds.

    An anchor is trusted as it is, whoever signed it, within its validity; so is ``leaf`` if it is one itself.
    The chain goes on to an anchor above it, where there is one: ``rightca`` may name that.
    Of several failures the verdict tells the one that got farthest. At most ``MAX_SIGNATURES`` signatures are
    verified whatever the peer sends.
    """
    return _Search(intermediates, anchors, now, rules or Rules()).run(leaf)


class _Search:
    """Depth first, with a budget of signatures; the path holds no certificate twice, so it cannot loop."""

    def __init__(
        self,
        intermediates: Iterable[Certificate],
        anchors: Iterable[Certificate],
        now: float,
        rules: Rules,
    ) -> None:
        self._anchors = dict.fromkeys(anchors)
        self._candidates = tuple(dict.fromkeys((*self._anchors, *intermediates)))
        self._now = now
        self._rules = rules
        self._budget = MAX_SIGNATURES
        self._inquiries = MAX_INQUIRIES
        self._best = Verdict(False, (), ())

    def run(self, leaf: Certificate) -> Verdict:
        checks = tuple(_leaf_checks(leaf, self._now))
        if not all(check.ok for check in checks):
            return Verdict(False, (leaf,), checks)
        if leaf in self._anchors:
            anchor = Check("anchor", True, f"certificate {leaf} is trusted itself")
            return Verdict(True, (leaf,), (*checks, anchor), None, leaf.extensions.policy.policies or ())
        return self._extend((leaf,), checks) or self._best

    def _extend(self, path: tuple[Certificate, ...], checks: tuple[Check, ...]) -> Verdict | None:
        """A verdict that is ok, or ``None`` after noting the failure."""
        last = path[-1]
        rest = () if last.is_self_signed else self._candidates
        issuers = [item for item in rest if item not in path and _may_have_issued(item, last)]
        if not issuers:
            self._fail(path, (*checks, _no_issuer(last)))
        if len(path) == self._rules.limit and issuers:
            text = f"certificate chain of {path[0]} is longer than {self._rules.limit}"
            self._fail(path, (*checks, Check("depth", False, text)))
            return None
        for issuer in issuers:
            longer = (*path, issuer)
            found = tuple(self._issuer_checks(path, issuer))
            if not all(check.ok for check in found):
                self._fail(longer, checks + found)
            elif self._is_end(issuer):
                if verdict := self._complete(longer, checks + found):
                    return verdict
            elif verdict := self._extend(longer, checks + found):
                return verdict
        return None

    def _is_end(self, issuer: Certificate) -> bool:
        """Whether a path ends here: at an anchor, unless another anchor issued it (as in strongSwan)."""
        if issuer not in self._anchors:
            return False
        above = [one for one in self._anchors if one != issuer and _may_have_issued(one, issuer)]
        return issuer.is_self_signed or not any(issuer.is_signed_by(one.public_key) for one in above)

    def _complete(self, path: tuple[Certificate, ...], checks: tuple[Check, ...]) -> Verdict | None:
        """The checks of a path as a whole: policies, address blocks, and last what may take time."""
        anchor = Check("anchor", True, f"certificate {path[-1]} is a trust anchor")
        steps = [
            policies.PathStep(str(one), one.extensions.policy, one.is_self_issued) for one in path[-2::-1]
        ]
        valid = policies.process(path[-1].extensions.policy, steps)
        text = valid.problem or f"certificate policies of {path[0]} are valid"
        found = [anchor, Check("policies", not valid.problem, text), self._addresses(path)]
        findings: list[Finding] = []
        if all(check.ok for check in found):
            findings = self._inquire(path)
            found += [check for finding in findings for check in finding.checks]
        if not all(check.ok for check in found):
            self._fail(path, (*checks, *found))
            return None
        blocks = address_blocks.effective([one.extensions.addresses for one in path])
        return Verdict(
            True, path, (*checks, *found), findings[-1] if findings else None, valid.policies, blocks
        )

    def _inquire(self, path: tuple[Certificate, ...]) -> list[Finding]:
        """From the anchor downwards, so that nobody is asked on the word of a revoked CA."""
        sources = self._rules.sources
        found: list[Finding] = []
        if sources is None:
            return found
        for index in range(len(path) - 2, -1, -1):
            subject, issuer = path[index], path[index + 1]
            if not self._inquiries:
                text = f"more than {MAX_INQUIRIES} certificates would have to be asked about"
                found.append(Finding(Status.FAILED, (Check("revocation", False, text),)))
                break
            self._inquiries -= 1
            found.append(revocation.check(subject, issuer, sources, self._now, self._rules.methods))
            if not all(check.ok for check in found[-1].checks):
                break
        return found

    def _addresses(self, path: tuple[Certificate, ...]) -> Check:
        """Address blocks lie within those of the issuer (RFC 3779, 2.3)."""
        for index in range(len(path) - 2, -1, -1):
            text = _address_problem(path, index, self._rules.strict_addresses)
            if text:
                return Check("address blocks", False, text)
        return Check("address blocks", True, f"address blocks of {path[0]} are those of its issuers or none")

    def _fail(self, path: tuple[Certificate, ...], checks: tuple[Check, ...]) -> None:
        if len(checks) > len(self._best.checks):
            self._best = Verdict(False, path, checks)

    def _issuer_checks(self, path: tuple[Certificate, ...], issuer: Certificate) -> Iterator[Check]:
        """All checks of ``issuer`` above ``path``; the dear one last and only if the others pass."""
        checks = [
            _validity(issuer, self._now),
            _authority(issuer),
            _path_length(path, issuer),
            _critical(issuer),
            _name_constraints(path, issuer),
            _hash(path[-1], self._rules.allow_weak),
        ]
        yield from checks
        if all(check.ok for check in checks):
            yield self._signature(path[-1], issuer)

    def _signature(self, certificate: Certificate, issuer: Certificate) -> Check:
        if not self._budget:
            text = f"more than {MAX_SIGNATURES} signatures would have to be verified"
            return Check("signature", False, text)
        self._budget -= 1
        ok = certificate.is_signed_by(issuer.public_key)
        verdict = "is signed by" if ok else "has a bad signature: it is not by the key of"
        return Check("signature", ok, f"certificate {certificate} {verdict} {issuer}")


def _may_have_issued(issuer: Certificate, certificate: Certificate) -> bool:
    """Names fit, and key identifiers do where both certificates have them (RFC 5280, 4.2.1.1)."""
    wanted, has = certificate.extensions.authority_key_id, issuer.extensions.subject_key_id
    return _same_name(issuer.subject, certificate.issuer) and (not wanted or not has or wanted == has)


def _same_name(one: Identity, other: Identity) -> bool:
    return one.data == other.data or distinguished_names.match(one.data, other.data) == 0


def _leaf_checks(leaf: Certificate, now: float) -> Iterator[Check]:
    yield _validity(leaf, now)
    yield _critical(leaf)
    usage = leaf.extensions.key_usage
    if usage.digital_signature or usage.non_repudiation:
        yield Check("key usage", True, f"certificate {leaf} may sign")
    else:
        # RFC 4945, 5.1.3.2
        text = f"key usage of certificate {leaf} has neither digitalSignature nor nonRepudiation"
        yield Check("key usage", False, text)


def _no_issuer(certificate: Certificate) -> Check:
    if certificate.is_self_signed:
        return Check("issuer", False, f"certificate {certificate} is self-signed and not one that we trust")
    text = f'no issuer certificate found for {certificate}, issuer is "{certificate.issuer}"'
    return Check("issuer", False, text)


def _validity(certificate: Certificate, now: float) -> Check:
    return validity(f"certificate {certificate}", certificate.not_before, certificate.not_after, now)


def _address_problem(path: tuple[Certificate, ...], index: int, strict: bool) -> str:
    """Why the address blocks of one certificate are not within its issuer's; empty if they are."""
    subject, issuer = path[index], path[index + 1]
    own, above = subject.extensions.addresses, issuer.extensions.addresses
    if own is None:
        lacks = f"certificate {subject} lacks the address blocks that its issuer {issuer} has"
        return lacks if above is not None and strict else ""
    if above is None:
        return f"certificate {subject} has address blocks, but its issuer {issuer} has none"
    limits = address_blocks.effective([one.extensions.addresses for one in path[index + 1 :]])
    outside = limits.outside(own.ranges) if limits else None
    return f"address block {outside} of {subject} is not among those of {issuer}: {limits}" if outside else ""


def _authority(issuer: Certificate) -> Check:
    if not issuer.is_ca:
        return Check("CA", False, f"certificate {issuer} is not that of a CA (basic constraints)")
    if not issuer.extensions.key_usage.certificate_sign:
        return Check("key usage", False, f"key usage of CA certificate {issuer} lacks keyCertSign")
    return Check("CA", True, f"certificate {issuer} is that of a CA")


def _path_length(path: Sequence[Certificate], issuer: Certificate) -> Check:
    """CAs below, those that a CA issued to itself not counted (RFC 5280, 6.1.4)."""
    below = sum(not item.is_self_issued for item in path[1:])
    limit = issuer.path_length
    if limit is not None and below > limit:
        text = f"path length of {issuer} is {limit}, but {below} CA{'s' if below > 1 else ''} follow below it"
        return Check("path length", False, text)
    return Check("path length", True, f"path length of {issuer} allows {below} below it")


def _critical(certificate: Certificate) -> Check:
    unknown = ", ".join(certificate.extensions.unknown_critical[:4])
    text = f"has critical extensions that are not supported: {unknown}" if unknown else "has none unknown"
    return Check("extensions", not unknown, f"certificate {certificate} {text}")


def _name_constraints(path: Sequence[Certificate], issuer: Certificate) -> Check:
    constraints = issuer.extensions.name_constraints
    if constraints is None:
        return Check("name constraints", True, f"certificate {issuer} constrains no names")
    for place, item in enumerate(path):
        if place and item.is_self_issued:  # RFC 5280, 6.1.3 (b)
            continue
        names = item.constrained_names
        if constraints.too_many(names):
            text = f"certificate {item} has too many names for the name constraints of {issuer}"
            return Check("name constraints", False, text)
        offender = constraints.offender(names)
        if offender is not None:
            text = f'certificate {issuer} does not permit the name "{text_of(offender)}" of {item}'
            return Check("name constraints", False, text)
    return Check("name constraints", True, f"certificate {issuer} permits all names below it")


def _hash(certificate: Certificate, allow_weak: bool) -> Check:
    weak = "" if allow_weak else WEAK_HASHES.get(certificate.hash_name, "")
    text = f"is signed with {weak}, which is weak" if weak else "is not signed with a weak hash"
    return Check("hash", not weak, f"certificate {certificate} {text}")
