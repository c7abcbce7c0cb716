"""Whether a certificate is revoked: OCSP first, then CRLs, with every check that led to the answer.

What is known and what can be fetched is asked of a port, so that nothing here touches a machine. The order
is strongSwan's: a fresh answer that is known already, then OCSP responders, then CRLs that are known, then
those that can be fetched. Without any answer the status is not available; whether that is enough is for the
connection to say (``strictcrlpolicy``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from cryptography import x509

from cygnet.base.identities import Identity
from cygnet.cert import ocsp
from cygnet.cert.certificates import Certificate
from cygnet.cert.checks import Check, day, first_failure, period
from cygnet.cert.crl import Crl, Entry
from cygnet.cert.errors import MalformedRevocationError
from cygnet.cert.ocsp import Answer, OcspResponse

MAX_SOURCES = 8
"""How many URIs are asked for one certificate, whatever it lists."""


class Status(IntEnum):
    """The outcome, from best to worst (strongSwan's ``cert_validation_t``)."""

    GOOD = 0
    SKIPPED = 1
    STALE = 2
    FAILED = 3
    ON_HOLD = 4
    REVOKED = 5


class FetchError(Exception):
    """Nothing could be fetched; the text says why, without the URI."""


class Sources(Protocol):
    """What is known of revocations, and how to get more. All methods may take time, within a deadline."""

    def responses(self, issuer: Certificate) -> Sequence[OcspResponse]:
        """OCSP responses that are known for certificates of this CA."""

    def crls(self, issuers: Sequence[Identity]) -> Sequence[Crl]:
        """CRLs that are known, of issuers with one of these names, the newest first."""

    def ocsp_uris(self, issuer: Certificate) -> Sequence[str]:
        """Responders that the configuration names for this CA."""

    def crl_uris(self, issuer: Certificate) -> Sequence[str]:
        """Distribution points that the configuration names for this CA."""

    def responders(self) -> Sequence[Certificate]:
        """Responders' certificates that the configuration trusts."""

    def crl_signers(self) -> Sequence[Certificate]:
        """Trusted certificates among which the signers of CRLs are looked for, besides the issuer."""

    def nonce(self) -> bytes:
        """A new nonce for OCSP, empty for none."""

    def fetch_crl(self, uri: str) -> Crl:
        """Raises :class:`FetchError` or :class:`MalformedRevocationError`."""

    def ask(self, uri: str, request: bytes) -> OcspResponse:
        """Raises :class:`FetchError` or :class:`MalformedRevocationError`."""

    def keep_crl(self, crl: Crl) -> None:
        """The CRL has been found genuine: it may be kept."""

    def keep_response(self, issuer: Certificate, response: OcspResponse) -> None:
        """The response has been found genuine: it may be kept."""


@dataclass(frozen=True, slots=True)
class Methods:
    """What may be asked."""

    ocsp: bool = True
    crl: bool = True
    allow_weak: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """The status of one certificate, and the checks that led to it.

    ``uri_known`` tells that there is somewhere to ask (``strictcrlpolicy=ifuri``).
    """

    status: Status
    checks: tuple[Check, ...] = ()
    uri_known: bool = False


@dataclass(slots=True)
class _Inquiry:
    """One certificate and its issuer under question; notes are failures that are none if an answer comes."""

    subject: Certificate
    issuer: Certificate
    sources: Sources
    now: float
    methods: Methods
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Something did not help."""
        self.notes.append(text)


def check(
    subject: Certificate, issuer: Certificate, sources: Sources, now: float, methods: Methods | None = None
) -> Finding:
    """Whether ``subject`` is revoked, as far as can be found out now (POSIX seconds)."""
    methods = methods or Methods()
    inquiry = _Inquiry(subject, issuer, sources, now, methods)
    known = bool((methods.ocsp and _responders(inquiry)) or (methods.crl and _uris(inquiry)))
    status, text = _status_by_ocsp(inquiry) if methods.ocsp else (Status.SKIPPED, "")
    if status not in _FINAL and methods.crl:
        by_crl, crl_text = _status_by_crl(inquiry)
        status, text = (by_crl, crl_text) if by_crl in _FINAL else (_worse(status, by_crl), crl_text or text)
    notes = f" ({'; '.join(inquiry.notes[:4])})" if inquiry.notes else ""
    if status in _FINAL:
        return Finding(status, (Check("revocation", status is Status.GOOD, text),), known)
    what = "unknown, what is known is stale" if status is Status.STALE else "not available"
    return Finding(
        status, (Check("revocation", True, f"status of certificate {subject} is {what}{notes}"),), known
    )


_FINAL = (Status.GOOD, Status.ON_HOLD, Status.REVOKED)


def _worse(one: Status, other: Status) -> Status:
    """Of two that are not final: stale tells more than failed, failed more than skipped."""
    return min((one, other), key=(Status.STALE, Status.FAILED, Status.SKIPPED).index)


# OCSP


def _responders(inquiry: _Inquiry) -> list[str]:
    uris = (*inquiry.sources.ocsp_uris(inquiry.issuer), *inquiry.subject.extensions.ocsp_uris)
    return list(dict.fromkeys(uris))[:MAX_SOURCES]


def _status_by_ocsp(inquiry: _Inquiry) -> tuple[Status, str]:
    status, text = Status.SKIPPED, ""
    held: tuple[Status, str] | None = None
    for response in inquiry.sources.responses(inquiry.issuer):
        found, text = _judged(inquiry, response, b"")
        if found is Status.ON_HOLD and _is_stale(inquiry, response):
            held = found, text  # a newer one may have taken it back
        elif found in _FINAL:
            return found, text
        status = Status.STALE if found is Status.STALE else status
    for uri in _responders(inquiry):
        nonce = inquiry.sources.nonce()
        try:
            response = inquiry.sources.ask(uri, ocsp.build_request(inquiry.subject, inquiry.issuer, nonce))
        except (FetchError, MalformedRevocationError) as error:
            inquiry.note(f"ocsp request to {uri} failed: {error}")
            status = Status.FAILED if status is Status.SKIPPED else status
            continue
        found, text = _judged(inquiry, response, nonce)
        if found in _FINAL:
            inquiry.sources.keep_response(inquiry.issuer, response)
            return found, text
        inquiry.note(f"{uri}: {text}")
        status = found
    return held or (status, text)


def _is_stale(inquiry: _Inquiry, response: OcspResponse) -> bool:
    single = response.single(inquiry.subject, inquiry.issuer)
    return single is not None and inquiry.now > single.usable_until


def _judged(inquiry: _Inquiry, response: OcspResponse, nonce: bytes) -> tuple[Status, str]:
    """Status and sentence of one response."""
    pair = (inquiry.subject, inquiry.issuer)
    single, checks = ocsp.judge(response, pair, inquiry.sources.responders(), inquiry.now, nonce)
    if single is None:
        return Status.FAILED, first_failure(checks)
    subject = inquiry.subject
    if single.answer is Answer.REVOKED:
        reason = single.reason or x509.ReasonFlags.unspecified
        return _revoked(subject, Entry(single.revoked_at or single.this_update, reason), f"{response}")
    if inquiry.now > single.usable_until:
        age = period(inquiry.now - single.usable_until)
        return Status.STALE, f"{response} about {subject} is stale since {age}"
    if single.answer is Answer.UNKNOWN:
        return Status.FAILED, f"{response}: the certificate {subject} is not known"
    return Status.GOOD, f"certificate {subject} is not revoked, says {response}"


# CRLs


def _status_by_crl(inquiry: _Inquiry) -> tuple[Status, str]:
    """By what is known, and by what can be fetched if that does not suffice."""
    best: tuple[Status, str] = (Status.SKIPPED, "")
    held: tuple[Status, str] | None = None
    for crl in inquiry.sources.crls(_crl_issuers(inquiry)):
        if crl.base_number is None:
            found = _by_one_crl(inquiry, crl)
            if found[0] is Status.ON_HOLD and crl.is_stale(inquiry.now):
                held = found  # a newer one may have taken it back
            elif found[0] in _FINAL:
                return found
            else:
                best = (_worse(best[0], found[0]), found[1])
    for uri in _uris(inquiry):
        try:
            crl = inquiry.sources.fetch_crl(uri)
        except (FetchError, MalformedRevocationError) as error:
            inquiry.note(f"fetching crl from '{uri}' failed: {error}")
            best = (_worse(best[0], Status.FAILED), best[1])
            continue
        found = _by_one_crl(inquiry, crl, uri)
        if found[0] in _FINAL:
            return found
        best = (_worse(best[0], found[0]), found[1])
        inquiry.note(f"{uri}: {found[1]}")
    return held or best


def _uris(inquiry: _Inquiry) -> list[str]:
    """Where CRLs may be: as configured, then as the certificate says."""
    configured = inquiry.sources.crl_uris(inquiry.issuer)
    return list(dict.fromkeys((*configured, *inquiry.subject.extensions.crl_uris)))[:MAX_SOURCES]


def _crl_issuers(inquiry: _Inquiry) -> tuple[Identity, ...]:
    """The issuer of the certificate, and those its distribution points name."""
    points = inquiry.subject.extensions.distribution_points
    return (inquiry.issuer.subject, *(point.crl_issuer for point in points if point.crl_issuer))


def _by_one_crl(inquiry: _Inquiry, crl: Crl, uri: str = "") -> tuple[Status, str]:
    """What one complete CRL, with the delta that belongs to it, says; ``uri`` is where it was fetched."""
    problem = _crl_problem(inquiry, crl)
    if not problem and crl.base_number is not None:
        problem = f"{crl} stands where a complete one is expected"
    if problem:
        return Status.FAILED, problem
    inquiry.sources.keep_crl(crl)
    subject = inquiry.subject
    entry, fresh = _with_delta(inquiry, crl)
    if entry is not None and not entry.removed:
        return _revoked(subject, entry, str(crl))
    partial = crl.missing((*subject.extensions.crl_uris, uri))
    if partial:
        return Status.FAILED, f"{crl} does not list {subject}, but {partial}"
    if not fresh:
        since = period(inquiry.now - (crl.next_update or inquiry.now))
        return Status.STALE, f"{crl} is stale since {since}"
    until = f" (valid until {day(crl.next_update)})" if crl.next_update else ""
    return Status.GOOD, f"certificate {subject} is not revoked, says {crl}{until}"


def _crl_problem(inquiry: _Inquiry, crl: Crl) -> str:
    """Why a CRL cannot be used for the certificate; empty if it can."""
    problem = first_failure(tuple(crl.checks(inquiry.now, inquiry.methods.allow_weak)))
    if problem:
        return problem
    outside = crl.excludes(inquiry.subject.is_ca)
    if outside:
        return f"{crl} does not cover {inquiry.subject}: {outside}"
    problem = _signer_problem(inquiry, crl)
    return f"{crl} cannot be read: {crl.unreadable}" if not problem and crl.unreadable else problem


def _signer_problem(inquiry: _Inquiry, crl: Crl) -> str:
    """A CRL is by the certificate's issuer, or indirect and by the issuer a distribution point names."""
    issuer, subject = inquiry.issuer, inquiry.subject
    if not crl.issuer.match(issuer.subject):
        named = [point.crl_issuer for point in subject.extensions.distribution_points if point.crl_issuer]
        if not any(crl.issuer.match(one) for one in named):
            return f"{crl} is not of the issuer of {subject}"
        if not crl.is_indirect:
            return f"{crl} is by another CA than that of {subject}, but not an indirect one"
    found = [one for one in (issuer, *inquiry.sources.crl_signers()) if crl.issuer.match(one.subject)]
    problem = f'no trusted certificate of the crl issuer "{crl.issuer}" found'
    for signer in found:
        usage = signer.extensions.key_usage
        if crl.authority_key_id and crl.authority_key_id != signer.subject_key_id:
            problem = f"{crl} is signed by another key than that of {signer}"
        elif not (usage.crl_sign or (signer.is_ca and not usage.stated)):
            problem = f"key usage of crl issuer {signer} lacks cRLSign"
        elif not signer.not_before <= inquiry.now <= signer.not_after:
            problem = f"certificate of the crl issuer {signer} is not valid now"
        elif not crl.is_signed_by(signer.public_key):
            problem = f"{crl} has a bad signature: it is not by the key of {signer}"
        else:
            return ""
    return problem


def _with_delta(inquiry: _Inquiry, crl: Crl) -> tuple[Entry | None, bool]:
    """The entry after the newest delta that builds upon ``crl``, and whether the answer is fresh."""
    serial, issuer = inquiry.subject.native.serial_number, inquiry.subject.issuer
    entry, fresh = crl.entry(serial, issuer), not crl.is_stale(inquiry.now)
    delta = next(_deltas(inquiry, crl), None)
    if delta is None:
        return entry, fresh
    inquiry.sources.keep_crl(delta)
    changed = delta.entry(serial, issuer)
    return (entry if changed is None else changed), True


def _deltas(inquiry: _Inquiry, crl: Crl) -> Iterator[Crl]:
    """Genuine delta CRLs, fresh and newer than ``crl``, that build upon it or an older one."""
    known = [one for one in inquiry.sources.crls((crl.issuer,)) if one.base_number is not None]
    yield from (one for one in known if _builds_upon(inquiry, one, crl))
    points = (*crl.freshest, *inquiry.subject.extensions.freshest)
    for uri in list(dict.fromkeys(uri for point in points for uri in point.uris))[:MAX_SOURCES]:
        try:
            delta = inquiry.sources.fetch_crl(uri)
        except (FetchError, MalformedRevocationError) as error:
            inquiry.note(f"fetching delta crl from '{uri}' failed: {error}")
            continue
        if _builds_upon(inquiry, delta, crl):
            yield delta


def _builds_upon(inquiry: _Inquiry, delta: Crl, crl: Crl) -> bool:
    """RFC 5280, 5.2.4 and 6.3.3 (c)."""
    base, number = delta.base_number, crl.number
    if base is None or number is None or base > number or (delta.number or 0) <= number:
        return False
    if delta.issuer != crl.issuer or delta.scope != crl.scope or delta.is_stale(inquiry.now):
        return False
    problem = _crl_problem(inquiry, delta)
    if problem:
        inquiry.note(problem)
    return not problem


def _revoked(subject: Certificate, entry: Entry, source: str) -> tuple[Status, str]:
    reason = entry.reason.value
    if entry.on_hold:
        return Status.ON_HOLD, f"certificate {subject} is on hold since {day(entry.date)}, says {source}"
    text = f"certificate {subject} was revoked on {day(entry.date)}, reason: {reason}, says {source}"
    return Status.REVOKED, text
