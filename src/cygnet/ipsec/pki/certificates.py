"""``--self`` and ``--issue``: certificates with all that their options ask for."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.x509 import oid

from cygnet.cert import address_blocks, der
from cygnet.cert.address_blocks import AddressBlocks
from cygnet.cert.extensions import POLICY_MAPPINGS
from cygnet.ipsec.pki import keys, loading, names, options
from cygnet.ipsec.pki.errors import PkiError
from cygnet.ipsec.pki.keys import PrivateKey, PublicKey, digest_for, padding_for

FLAGS = {
    "serverAuth": oid.ExtendedKeyUsageOID.SERVER_AUTH,
    "clientAuth": oid.ExtendedKeyUsageOID.CLIENT_AUTH,
    "ikeIntermediate": x509.ObjectIdentifier("1.3.6.1.5.5.8.2.2"),
    "ocspSigning": oid.ExtendedKeyUsageOID.OCSP_SIGNING,
    "msSmartcardLogon": oid.ExtendedKeyUsageOID.SMARTCARD_LOGON,
}
OTHER_FLAGS = ("crlSign",)

Extension = tuple[x509.ExtensionType, bool]


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: name, key, and its certificate unless it signs itself."""

    name: x509.Name
    key: PrivateKey
    certificate: x509.Certificate | None = None


def self_signed(chosen: Namespace) -> bytes:
    """``--self``."""
    key = private_key(chosen)
    subject = names.subject(chosen.dn)
    made = build(subject, key.public_key(), Issuer(subject, key), chosen)
    return made.public_bytes(keys.ENCODINGS[chosen.outform])


def issued(chosen: Namespace) -> bytes:
    """``--issue``."""
    authority, key = loading.issuer(chosen.cacert, chosen.cakey, chosen.cakeyid)
    subject, public, requested = _applicant(chosen)
    if requested and not chosen.san:
        chosen.san = list(requested)
    made = build(subject, public, Issuer(authority.subject, key, authority), chosen)
    return made.public_bytes(keys.ENCODINGS[chosen.outform])


def build(subject: x509.Name, key: PublicKey, issuer: Issuer, chosen: Namespace) -> x509.Certificate:
    """A signed certificate for ``key``; raises :class:`PkiError`."""
    start, end = validity(
        chosen.not_before, chosen.not_after, chosen.dateform, timedelta(days=chosen.lifetime)
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(key)
        .serial_number(serial(chosen.serial))
        .not_valid_before(start)
        .not_valid_after(end)
    )
    try:
        for extension, critical in extensions(key, issuer, chosen):
            builder = builder.add_extension(extension, critical)
        digest = digest_for(issuer.key, chosen.digest)
        padding = padding_for(issuer.key, chosen.rsa_padding, digest)
        return builder.sign(issuer.key, digest, rsa_padding=padding)
    except (ValueError, TypeError) as error:
        raise PkiError(f"the certificate cannot be made: {error}") from None


def extensions(key: PublicKey, issuer: Issuer, chosen: Namespace) -> Iterator[Extension]:
    """The extensions the options ask for, each with its critical flag (RFC 5280, 4.2.1)."""
    yield x509.SubjectKeyIdentifier.from_public_key(key), False
    if issuer.certificate is not None:
        yield authority_key_identifier(issuer.certificate), False
    if chosen.ca:
        yield x509.BasicConstraints(True, chosen.pathlen), True
        yield key_usage(signs_certificates=True), True
    elif "crlSign" in chosen.flag:
        yield key_usage(signs_certificates=False), True
    yield from requested_extensions(chosen)
    yield from _access(chosen)
    yield from _constraints(chosen)
    yield from _policies(chosen)
    if chosen.critical:
        unknown = x509.UnrecognizedExtension(names.identifier(chosen.critical), der.encode(der.NULL))
        yield unknown, True


def requested_extensions(chosen: Namespace) -> Iterator[Extension]:
    """Those that a request can hold too."""
    usages = [FLAGS[flag] for flag in chosen.flag if flag in FLAGS]
    if usages:
        yield x509.ExtendedKeyUsage(usages), False
    if chosen.san:
        found = [names.general_name(one) if isinstance(one, str) else one for one in chosen.san]
        yield x509.SubjectAlternativeName(found), False


def _access(chosen: Namespace) -> Iterator[Extension]:
    points: list[x509.DistributionPoint] = []
    for kind, text in getattr(chosen, "points", ()):
        if kind == "crl":
            points.append(_point(text, None))
        elif points:
            point = points.pop()
            points.append(_point(_uri(point), names.subject(text)))
        else:
            raise PkiError("--crlissuer follows the --crl that it is about")
    if points:
        yield x509.CRLDistributionPoints(points), False
    responders = [
        x509.AccessDescription(oid.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(uri))
        for uri in chosen.ocsp
    ]
    if responders:
        yield x509.AuthorityInformationAccess(responders), False


def _uri(point: x509.DistributionPoint) -> str:
    return str(next(iter(point.full_name or ())).value)


def _point(uri: str, issuer: x509.Name | None) -> x509.DistributionPoint:
    issuers = [x509.DirectoryName(issuer)] if issuer is not None else None
    return x509.DistributionPoint([x509.UniformResourceIdentifier(uri)], None, None, issuers)


def _constraints(chosen: Namespace) -> Iterator[Extension]:
    permitted = [names.constraint(text) for text in chosen.nc_permitted]
    excluded = [names.constraint(text) for text in chosen.nc_excluded]
    if permitted or excluded:
        yield x509.NameConstraints(permitted or None, excluded or None), True
    try:
        ranges = tuple(address_blocks.parse_range(text) for text in chosen.addrblock)
    except ValueError as error:
        raise PkiError(f"--addrblock: {error}") from None
    if ranges:
        oid_ = x509.ObjectIdentifier(address_blocks.EXTENSION_OID)
        ordered = sorted(ranges, key=lambda one: (one.first.version, int(one.first)))
        yield x509.UnrecognizedExtension(oid_, AddressBlocks(tuple(ordered)).build()), True


def _policies(chosen: Namespace) -> Iterator[Extension]:
    infos: list[tuple[x509.ObjectIdentifier, list[str | x509.UserNotice]]] = []
    for kind, text in chosen.policies:
        if kind == "cert-policy":
            infos.append((names.identifier(text), []))
        elif not infos:
            raise PkiError(f"--{kind} follows the --cert-policy that it is about")
        else:
            infos[-1][1].append(text if kind == "cps-uri" else x509.UserNotice(None, text))
    if infos:
        found = [x509.PolicyInformation(policy, qualifiers or None) for policy, qualifiers in infos]
        yield x509.CertificatePolicies(found), False
    pairs = [text.partition(":") for text in chosen.policy_mapping]
    if pairs:
        if not all(colon for _, colon, _ in pairs):
            raise PkiError("--policy-mapping is written ISSUER-OID:SUBJECT-OID")
        items = [_pair(issuer, subject) for issuer, _, subject in pairs]
        yield x509.UnrecognizedExtension(POLICY_MAPPINGS, der.sequence(*items)), False
    if chosen.policy_explicit is not None or chosen.policy_inhibit is not None:
        yield x509.PolicyConstraints(chosen.policy_explicit, chosen.policy_inhibit), True
    if chosen.policy_any is not None:
        yield x509.InhibitAnyPolicy(chosen.policy_any), True


def _pair(issuer: str, subject: str) -> bytes:
    both = (names.identifier(text).dotted_string for text in (issuer, subject))
    return der.sequence(*(der.identifier(one) for one in both))


def key_usage(signs_certificates: bool) -> x509.KeyUsage:
    """keyCertSign (for a CA) and cRLSign."""
    return x509.KeyUsage(False, False, False, False, False, signs_certificates, True, False, False)


def authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """The issuer's own key identifier where it has one (RFC 5280, 4.2.1.1)."""
    try:
        known = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(known)


def validity(begin: str | None, end: str | None, form: str, lifetime: timedelta) -> tuple[datetime, datetime]:
    """From ``begin`` (now) to ``end`` (``lifetime`` later); raises :class:`PkiError`."""
    start = date(begin, form) or now()
    finish = date(end, form) or start + lifetime
    if finish <= start:
        raise PkiError(f"it would end ({finish}) before it begins ({start})")
    return start, finish


def date(text: str | None, form: str) -> datetime | None:
    """A date as ``--dateform`` has it; raises :class:`PkiError`."""
    if text is None:
        return None
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        raise PkiError(f"'{text}' does not fit the date form '{form}'") from None


def now() -> datetime:
    """A command runs at the time it is run."""
    return datetime.now(UTC).replace(microsecond=0)  # noqa: TID251


def serial(text: str | None) -> int:
    """The serial number in hexadecimal, or a random one (RFC 5280, 4.1.2.2)."""
    if text is None:
        return x509.random_serial_number()
    try:
        number = int(text.removeprefix("0x").replace(":", ""), 16)
    except ValueError:
        raise PkiError(f"'{text}' is no hexadecimal serial number") from None
    if not 0 < number < 1 << 159:
        raise PkiError("a serial number is positive and has at most 20 octets")
    return number


def private_key(chosen: Namespace) -> PrivateKey:
    """``--in`` with ``--type``, or ``--keyid``."""
    if chosen.keyid:
        return keys.from_token(chosen.keyid)
    return keys.load_private(options.read_input(chosen.input), chosen.type)


def _applicant(chosen: Namespace) -> tuple[x509.Name, PublicKey, tuple[x509.GeneralName, ...]]:
    """Name, key and requested names of the one who gets the certificate."""
    data = options.read_input(chosen.input)
    if chosen.type == "pkcs10":
        found = loading.request(data)
        subject = names.subject(chosen.dn) if chosen.dn else found.subject
        return subject, keys.checked_public(found.public_key()), _requested_names(found)
    if not chosen.dn:
        raise PkiError('the subject is missing; give --dn "C=CH, O=Lab, CN=moon"')
    if chosen.type == "pub":
        return names.subject(chosen.dn), keys.load_public(data), ()
    return names.subject(chosen.dn), keys.load_private(data, chosen.type).public_key(), ()


def _requested_names(found: x509.CertificateSigningRequest) -> tuple[x509.GeneralName, ...]:
    try:
        return tuple(found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return ()
    except ValueError as error:
        raise PkiError(f"the extensions of the PKCS#10 request are malformed: {error}") from None


def add_subject(parser: ArgumentParser, flags: tuple[str, ...], what: str) -> None:
    """What a certificate and a request have in common."""
    parser.add_argument(
        "--san", "-a", action="append", default=[], metavar="subjectAltName",
        help=f"subjectAltName to include in {what}",
    )  # fmt: skip
    parser.add_argument(
        "--flag", "-e", action="append", default=[], choices=flags, help="include extendedKeyUsage flag"
    )


def _add_certificate(parser: ArgumentParser) -> None:
    add_subject(parser, (*FLAGS, *OTHER_FLAGS), "certificate")
    parser.add_argument(
        "--lifetime", "-l", type=int, default=1095, metavar="days",
        help="days the certificate is valid, default: 1095",
    )  # fmt: skip
    options.add_dates(parser, ("not-before", "F"), ("not-after", "T"), "the validity of the cert")
    parser.add_argument("--serial", "-s", metavar="hex", help="serial number in hex, default: random")
    parser.add_argument("--ca", "-b", action="store_true", help="include CA basicConstraint, default: no")
    parser.add_argument("--pathlen", "-p", type=int, metavar="len", help="set path length constraint")
    several = (
        ("addrblock", "B", "block", "RFC 3779 addrBlock to include"),
        ("nc-permitted", "n", "name", "add permitted NameConstraint"),
        ("nc-excluded", "N", "name", "add excluded NameConstraint"),
        ("policy-mapping", "M", "issuer-oid:subject-oid", "policyMapping from issuer to subject OID"),
        ("ocsp", "o", "uri", "OCSP AuthorityInfoAccess URI to include"),
    )
    for long, short, metavar, text in several:
        parser.add_argument(f"--{long}", f"-{short}", action="append", default=[], metavar=metavar, help=text)
    options.listed(parser, "cert-policy", "P", "policies", "certificatePolicy OID to include")
    options.listed(
        parser, "cps-uri", "C", "policies", "Certification Practice statement URI for certificatePolicy"
    )
    options.listed(parser, "user-notice", "U", "policies", "user notice for certificatePolicy")
    for long, short, text in (
        ("policy-explicit", "E", "requireExplicitPolicy constraint"),
        ("policy-inhibit", "H", "inhibitPolicyMapping constraint"),
        ("policy-any", "A", "inhibitAnyPolicy constraint"),
    ):
        parser.add_argument(f"--{long}", f"-{short}", type=int, metavar="len", help=text)
    options.add_signature(parser, tuple(keys.DIGESTS))
    parser.add_argument("--critical", "-X", metavar="oid", help="critical extension OID to include")
    options.add_output(parser, "generated cert")


def self_options(parser: ArgumentParser) -> None:
    """``--self``."""
    options.add_input(parser, "private key input file")
    parser.add_argument("--keyid", "-x", metavar="hex", help="smartcard private key object handle")
    options.add_type(parser, keys.KEY_TYPES, "priv", "type of input key")
    parser.add_argument(
        "--dn",
        "-d",
        required=True,
        metavar="distinguished-name",
        help="subject and issuer distinguished name",
    )
    _add_certificate(parser)


def issue_options(parser: ArgumentParser) -> None:
    """``--issue``."""
    options.add_input(parser, "key/request file to issue")
    options.add_type(parser, ("pub", "pkcs10", *keys.KEY_TYPES), "pub", "type of input")
    parser.add_argument("--cacert", "-c", required=True, metavar="file", help="CA certificate file")
    parser.add_argument("--cakey", "-k", metavar="file", help="CA private key file")
    parser.add_argument("--cakeyid", "-x", metavar="hex", help="smartcard CA private key object handle")
    parser.add_argument("--dn", "-d", metavar="subject-dn", help="distinguished name to include as subject")
    options.listed(parser, "crl", "u", "points", "CRL distribution point URI to include")
    options.listed(parser, "crlissuer", "I", "points", "CRL Issuer for CRL at distribution point")
    _add_certificate(parser)
