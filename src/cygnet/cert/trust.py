"""From a peer's certificate to one of our trust anchors, with every check and its verdict (RFC 5280, 6)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cygnet.base import distinguished_names
from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate

MAX_DEPTH = 7
MAX_SIGNATURES = 32

_WEAK_HASHES = {"md5": "MD5", "sha1": "SHA-1"}


@dataclass(frozen=True, slots=True)
class Check:
    """One check and its verdict; ``text`` is a sentence that names the certificate."""

    name: str
    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a certificate is trusted.

    ``chain`` goes from the certificate to its anchor, or as far as it was followed. ``checks`` are those of
    that chain in order; where ``ok`` is false at least one of them failed.
    """

    ok: bool
    chain: tuple[Certificate, ...]
    checks: tuple[Check, ...]

    @property
    def reason(self) -> str:
        """The first failure, empty if there is none."""
        return next((check.text for check in self.checks if not check.ok), "")


def build_chain(
    leaf: Certificate,
    intermediates: Iterable[Certificate],
    anchors: Iterable[Certificate],
    now: float,
    limit: int = MAX_DEPTH,
    allow_weak: bool = False,
) -> Verdict:
    """Look for a chain of at most ``limit`` certificates from ``leaf`` to one of ``anchors`` that passes.

    An anchor is trusted as it is, whoever signed it, within its validity; so is ``leaf`` if it is one itself.
    The chain goes on to an anchor above it, where there is one: ``rightca`` may name that.
    Of several failures the verdict tells the one that got farthest. At most ``MAX_SIGNATURES`` signatures are
    verified whatever the peer sends. ``now`` is POSIX seconds; ``allow_weak`` accepts signatures over SHA-1
    and MD5.
    """
    return _Search(intermediates, anchors, now, limit, allow_weak).run(leaf)


class _Search:
    """Depth first, with a budget of signatures; the path holds no certificate twice, so it cannot loop."""

    def __init__(
        self,
        intermediates: Iterable[Certificate],
        anchors: Iterable[Certificate],
        now: float,
        limit: int,
        allow_weak: bool,
    ) -> None:
        self._anchors = dict.fromkeys(anchors)
        self._candidates = tuple(dict.fromkeys((*self._anchors, *intermediates)))
        self._now = now
        self._limit = limit
        self._allow_weak = allow_weak
        self._budget = MAX_SIGNATURES
        self._best = Verdict(False, (), ())

    def run(self, leaf: Certificate) -> Verdict:
        checks = tuple(_leaf_checks(leaf, self._now))
        if not all(check.ok for check in checks):
            return Verdict(False, (leaf,), checks)
        if leaf in self._anchors:
            anchor = Check("anchor", True, f"certificate {leaf} is trusted itself")
            return Verdict(True, (leaf,), (*checks, anchor))
        return self._extend((leaf,), checks) or self._best

    def _extend(self, path: tuple[Certificate, ...], checks: tuple[Check, ...]) -> Verdict | None:
        """A verdict that is ok, or ``None`` after noting the failure."""
        last = path[-1]
        rest = () if last.is_self_signed else self._candidates
        issuers = [item for item in rest if item not in path and _may_have_issued(item, last)]
        if not issuers:
            self._fail(path, (*checks, _no_issuer(last)))
        if len(path) == self._limit and issuers:
            text = f"certificate chain of {path[0]} is longer than {self._limit}"
            self._fail(path, (*checks, Check("depth", False, text)))
            return None
        for issuer in issuers:
            longer = (*path, issuer)
            found = tuple(self._issuer_checks(path, issuer))
            if not all(check.ok for check in found):
                self._fail(longer, checks + found)
            elif issuer in self._anchors:
                if not issuer.is_self_signed and (verdict := self._extend(longer, checks + found)):
                    return verdict
                anchor = Check("anchor", True, f"certificate {issuer} is a trust anchor")
                return Verdict(True, longer, (*checks, *found, anchor))
            elif verdict := self._extend(longer, checks + found):
                return verdict
        return None

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
            _hash(path[-1], self._allow_weak),
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
    begin, end = certificate.not_before, certificate.not_after
    if now < begin:
        text = f"is not valid yet, only in {_period(begin - now)} ({_date(begin)})"
    elif now > end:
        text = f"expired {_period(now - end)} ago ({_date(end)})"
    else:
        text = f"is valid until {_date(end)}"
    return Check("validity", begin <= now <= end, f"certificate {certificate} {text}")


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
    if constraints.unsupported:
        text = f"certificate {issuer} has name constraints of an unsupported kind"
        return Check("name constraints", False, text)
    for item in path:
        offender = constraints.offender(item.names)
        if offender:
            text = f'certificate {issuer} does not permit the name "{offender}" of {item}'
            return Check("name constraints", False, text)
    return Check("name constraints", True, f"certificate {issuer} permits all names below it")


def _hash(certificate: Certificate, allow_weak: bool) -> Check:
    weak = "" if allow_weak else _WEAK_HASHES.get(certificate.hash_name, "")
    text = f"is signed with {weak}, which is weak" if weak else "is not signed with a weak hash"
    return Check("hash", not weak, f"certificate {certificate} {text}")


def _period(seconds: float) -> str:
    """A time in the largest unit of which there are more than two, as in ``statusall``."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds > 2 * size:
            return f"{int(seconds // size)} {unit}s"
    return f"{int(seconds)} second{'' if int(seconds) == 1 else 's'}"


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
