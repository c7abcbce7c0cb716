"""CRLs, OCSP requests and responses and attribute certificates for people, as strongSwan shows them."""

from collections.abc import Iterator

from cryptography import x509
from cryptography.x509 import ocsp

from cygnet.base.durations import date, span
from cygnet.cert.attribute_certificates import AttributeCertificate
from cygnet.cert.crl import Crl
from cygnet.cert.ocsp import Answer, OcspResponse, Single
from cygnet.cert.printing import hexadecimal

REASONS = {
    x509.ReasonFlags.unspecified: "unspecified",
    x509.ReasonFlags.key_compromise: "key compromise",
    x509.ReasonFlags.ca_compromise: "ca compromise",
    x509.ReasonFlags.affiliation_changed: "affiliation changed",
    x509.ReasonFlags.superseded: "superseded",
    x509.ReasonFlags.cessation_of_operation: "cessation of operation",
    x509.ReasonFlags.certificate_hold: "certificate hold",
    x509.ReasonFlags.remove_from_crl: "remove from crl",
    x509.ReasonFlags.privilege_withdrawn: "privilege withdrawn",
    x509.ReasonFlags.aa_compromise: "aa compromise",
}


def crl_lines(crl: Crl, now: float, utc: bool = False) -> list[str]:
    """One field a line, then one entry a line. ``now`` is POSIX seconds."""
    lines = [f'issuer:   "{crl.issuer}"', *_update(crl.this_update, crl.next_update, now, utc)]
    if crl.number is not None:
        lines.append(f"serial:    {hexadecimal(crl.number)}")
    if crl.base_number is not None:
        lines.append(f"delta CRL: for serial {hexadecimal(crl.base_number)}")
    if crl.authority_key_id:
        lines.append(f"authKeyId: {crl.authority_key_id.hex(':')}")
    uris = [uri for point in crl.freshest for uri in point.uris]
    lines += [f"{'' if place else 'freshest:':<11}{uri}" for place, uri in enumerate(uris)]
    entries = list(crl.entries())
    plural = "" if len(entries) == 1 else "s"
    lines.append(f"{len(entries)} revoked certificate{plural}{':' if entries else ''}")
    return lines + [
        f"  {hexadecimal(serial)}: {date(one.date, utc)}, {REASONS[one.reason]}" for serial, one in entries
    ]


def ocsp_lines(response: OcspResponse, now: float, utc: bool = False) -> list[str]:
    """The responder, when it answered, and its answers."""
    singles = list(response.singles())
    lines = [f'issuer:   "{response.responder}"']
    if singles:
        lines += _update(singles[0][1].this_update, singles[0][1].next_update, now, utc)
    if response.nonce:
        lines.append(f"nonce:     {response.nonce.hex(':')}")
    return lines + [
        f"{'' if place else 'responses:':<11}{hexadecimal(serial)}: {_status(single, utc)}"
        for place, (serial, single) in enumerate(singles)
    ]


def ocsp_request_lines(request: ocsp.OCSPRequest) -> list[str]:
    """What is asked."""
    nonces = [one.value.nonce for one in request.extensions if isinstance(one.value, x509.OCSPNonce)]
    return [
        *(f"nonce:     {nonce.hex(':')}" for nonce in nonces),
        f"serial:    {hexadecimal(request.serial_number)}",
        f"issuer:    keyHash:  {request.issuer_key_hash.hex(':')}",
        f"           nameHash: {request.issuer_name_hash.hex(':')}",
    ]


def attribute_lines(one: AttributeCertificate, now: float, utc: bool = False) -> list[str]:
    """Holder, issuer, validity and groups."""
    fields = one.fields
    lines = [f'subject:  "{fields.holder_name}"'] if fields.holder_name is not None else []
    lines += [f'issuer:   "{fields.issuer}"', *_validity(fields.not_before, fields.not_after, now, utc)]
    lines.append(f"serial:    {hexadecimal(fields.serial)}")
    if fields.holder_issuer is not None:
        lines += [f'hissuer:  "{fields.holder_issuer}"', f"hserial:   {hexadecimal(fields.holder_serial)}"]
    lines += [f"{'' if place else 'groups:':<11}{group}" for place, group in enumerate(fields.groups)]
    if fields.authority_key_id:
        lines.append(f"authkey:  {fields.authority_key_id.hex(':')}")
    return lines


def _update(begin: float, end: float | None, now: float, utc: bool) -> Iterator[str]:
    begun = "ok" if now >= begin else f"not valid yet (valid in {span(begin - now)})"
    yield f"update:    this on {date(begin, utc)}, {begun}"
    if end is not None:
        over = f"ok (expires in {span(end - now)})" if now <= end else f"expired ({span(now - end)} ago)"
        yield f"           next on {date(end, utc)}, {over}"


def _validity(begin: float, end: float, now: float, utc: bool) -> Iterator[str]:
    begun = "ok" if now >= begin else f"not valid yet (valid in {span(begin - now)})"
    over = f"ok (expires in {span(end - now)})" if now <= end else f"expired ({span(now - end)} ago)"
    yield f"validity:  not before {date(begin, utc)}, {begun}"
    yield f"           not after  {date(end, utc)}, {over}"


def _status(single: Single, utc: bool) -> str:
    if single.answer is Answer.REVOKED and single.revoked_at is not None:
        reason = REASONS[single.reason or x509.ReasonFlags.unspecified]
        return f"revoked on {date(single.revoked_at, utc)}, {reason}"
    return single.answer.value
