"""``--signcrl``: certificate revocation lists."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from cygnet.cert import der
from cygnet.cert.crl import Crl
from cygnet.ipsec.pki import keys, loading, names, options
from cygnet.ipsec.pki.certificates import authority_key_identifier, now, serial, validity
from cygnet.ipsec.pki.errors import PkiError

REASONS = {
    "key-compromise": x509.ReasonFlags.key_compromise,
    "ca-compromise": x509.ReasonFlags.ca_compromise,
    "affiliation-changed": x509.ReasonFlags.affiliation_changed,
    "superseded": x509.ReasonFlags.superseded,
    "cessation-of-operation": x509.ReasonFlags.cessation_of_operation,
    "certificate-hold": x509.ReasonFlags.certificate_hold,
}


def sign(chosen: Namespace) -> bytes:
    """A CRL, complete or (with ``--basecrl``) delta."""
    authority, key = loading.issuer(chosen.cacert, chosen.cakey, chosen.cakeyid)
    begin, end = validity(
        chosen.this_update, chosen.next_update, chosen.dateform, timedelta(days=chosen.lifetime)
    )
    last = loading.crl(Path(chosen.lastcrl).read_bytes()) if chosen.lastcrl else None
    base = loading.crl(Path(chosen.basecrl).read_bytes()) if chosen.basecrl else None
    builder = x509.CertificateRevocationListBuilder(authority.subject, begin, end)
    for entry in _entries(chosen, last):
        builder = builder.add_revoked_certificate(entry)
    number = max((one.number or 0 for one in (last, base) if one), default=0) + 1
    builder = builder.add_extension(authority_key_identifier(authority), False)
    builder = builder.add_extension(x509.CRLNumber(number), False)
    if base is not None:
        builder = builder.add_extension(x509.DeltaCRLIndicator(base.number or 0), True)
    if chosen.crluri:
        points = [
            x509.DistributionPoint([x509.UniformResourceIdentifier(uri)], None, None, None)
            for uri in chosen.crluri
        ]
        builder = builder.add_extension(x509.FreshestCRL(points), False)
    if chosen.critical:
        unknown = x509.UnrecognizedExtension(names.identifier(chosen.critical), der.encode(der.NULL))
        builder = builder.add_extension(unknown, True)
    digest = keys.digest_for(key, chosen.digest)
    padding = keys.padding_for(key, chosen.rsa_padding, digest)
    try:
        made = builder.sign(key, digest, rsa_padding=padding)
    except ValueError as error:
        raise PkiError(f"the CRL cannot be made: {error}") from None
    return made.public_bytes(keys.ENCODINGS[chosen.outform])


def _entries(chosen: Namespace, last: Crl | None) -> Iterator[x509.RevokedCertificate]:
    """Those that the options name, then those of the last CRL; each serial number once."""
    seen: set[int] = set()
    for number, reason, date in _named(chosen.revoked):
        if number not in seen:
            seen.add(number)
            yield _entry(number, reason, date)
    for number, entry in last.entries() if last else ():
        if number not in seen:
            seen.add(number)
            yield _entry(number, entry.reason, datetime.fromtimestamp(entry.date, UTC))


def _named(words: list[tuple[str, str]]) -> Iterator[tuple[int, x509.ReasonFlags, datetime]]:
    """``--reason`` and ``--date`` are about the next ``--cert`` or ``--serial``."""
    reason, date = x509.ReasonFlags.unspecified, now()
    for kind, text in words:
        if kind == "reason":
            if text not in REASONS:
                raise PkiError(f"'{text}' is no reason; known are {', '.join(REASONS)}")
            reason = REASONS[text]
        elif kind == "date":
            date = _moment(text)
        else:
            is_file = kind == "cert"
            number = loading.certificate(Path(text).read_bytes()).serial_number if is_file else serial(text)
            yield number, reason, date
            reason, date = x509.ReasonFlags.unspecified, now()


def _moment(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise PkiError(f"'{text}' is no Unix timestamp") from None


def _entry(number: int, reason: x509.ReasonFlags, date: datetime) -> x509.RevokedCertificate:
    builder = x509.RevokedCertificateBuilder(number, date)
    if reason is not x509.ReasonFlags.unspecified:  # RFC 5280, 5.3.1: should be absent then
        builder = builder.add_extension(x509.CRLReason(reason), False)
    return builder.build()


def sign_options(parser: ArgumentParser) -> None:
    """``--signcrl``."""
    parser.add_argument("--cacert", "-c", required=True, metavar="file", help="CA certificate file")
    parser.add_argument("--cakey", "-k", metavar="file", help="CA private key file")
    parser.add_argument("--cakeyid", "-x", metavar="hex", help="smartcard CA private key object handle")
    parser.add_argument(
        "--lifetime",
        "-l",
        type=int,
        default=15,
        metavar="days",
        help="days the CRL gets a nextUpdate, default: 15",
    )
    options.add_dates(parser, ("this-update", "F"), ("next-update", "T"), "the validity of the CRL")
    parser.add_argument("--lastcrl", "-a", metavar="crl", help="CRL of lastUpdate to copy revocations from")
    parser.add_argument("--basecrl", "-b", metavar="crl", help="base CRL to create a delta CRL for")
    parser.add_argument(
        "--crluri", "-u", action="append", default=[], metavar="uri", help="freshest delta CRL URI to include"
    )
    options.listed(parser, "cert", "z", "revoked", "certificate file to revoke")
    options.listed(parser, "serial", "s", "revoked", "hex encoded certificate serial number to revoke")
    options.listed(parser, "reason", "r", "revoked", "reason for certificate revocation")
    options.listed(parser, "date", "d", "revoked", "revocation date as unix timestamp, default: now")
    options.add_signature(parser, tuple(keys.DIGESTS))
    parser.add_argument(
        "--critical", "-X", metavar="oid", help="critical extension OID to include for test purposes"
    )
    options.add_output(parser, "generated crl")
