"""Certificates: names, extensions, self-signing and issuing."""

from argparse import Namespace
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.x509 import oid

from cygnet.base import distinguished_names
from cygnet.base.identities import Identity, IdType
from cygnet.ipsec.pki.keys import PkiError, PrivateKey, PublicKey, digest_for

FLAGS = {
    "serverAuth": oid.ExtendedKeyUsageOID.SERVER_AUTH,
    "clientAuth": oid.ExtendedKeyUsageOID.CLIENT_AUTH,
    "ikeIntermediate": x509.ObjectIdentifier("1.3.6.1.5.5.8.2.2"),
    "ocspSigning": oid.ExtendedKeyUsageOID.OCSP_SIGNING,
    "msSmartcardLogon": oid.ExtendedKeyUsageOID.SMARTCARD_LOGON,
}
OTHER_FLAGS = ("crlSign",)
DATE_FORM = "%d.%m.%y %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: name, key, and its certificate unless it signs itself."""

    name: x509.Name
    key: PrivateKey
    certificate: x509.Certificate | None = None


def build(
    subject: x509.Name, key: PublicKey, issuer: Issuer, options: Namespace, now: datetime
) -> x509.Certificate:
    """A signed certificate for ``key`` after the command's options; raises :class:`PkiError`."""
    start, end = validity(options, now)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(key)
        .serial_number(serial(options.serial))
        .not_valid_before(start)
        .not_valid_after(end)
    )
    for extension, critical in extensions(key, issuer, options):
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer.key, digest_for(issuer.key, options.digest))


def extensions(key: PublicKey, issuer: Issuer, options: Namespace) -> list[tuple[x509.ExtensionType, bool]]:
    """The extensions the options ask for, each with its critical flag (RFC 5280, 4.2.1)."""
    found: list[tuple[x509.ExtensionType, bool]] = [(x509.SubjectKeyIdentifier.from_public_key(key), False)]
    if issuer.certificate is not None:
        found.append((authority_key_identifier(issuer.certificate), False))
    if options.ca:
        found.append((x509.BasicConstraints(True, options.pathlen), True))
        found.append((key_usage(signs_certificates=True), True))
    elif "crlSign" in options.flag:
        found.append((key_usage(signs_certificates=False), True))
    usages = [FLAGS[flag] for flag in options.flag if flag in FLAGS]
    if usages:
        found.append((x509.ExtendedKeyUsage(usages), False))
    if options.san:
        found.append((x509.SubjectAlternativeName([general_name(text) for text in options.san]), False))
    return found + _access(options)


def _access(options: Namespace) -> list[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = []
    points = [
        x509.DistributionPoint([x509.UniformResourceIdentifier(uri)], None, None, None) for uri in options.crl
    ]
    if points:
        found.append((x509.CRLDistributionPoints(points), False))
    responders = [
        x509.AccessDescription(oid.AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(uri))
        for uri in options.ocsp
    ]
    if responders:
        found.append((x509.AuthorityInformationAccess(responders), False))
    return found


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


def name(text: str) -> x509.Name:
    """A subject from ``C=CH, O=Lab, CN=moon``; raises :class:`PkiError`."""
    try:
        rdns = distinguished_names.parse_der(distinguished_names.parse_text(text))
        return x509.Name([_attribute(rdn) for rdn in rdns])
    except ValueError as error:
        raise PkiError(
            f"'{text}' is no distinguished name: {error}; write it as \"C=CH, O=Lab, CN=moon\""
        ) from None


def _attribute(rdn: distinguished_names.Rdn) -> x509.NameAttribute[str]:
    return x509.NameAttribute(x509.ObjectIdentifier(rdn.oid), rdn.text())


def general_name(text: str) -> x509.GeneralName:
    """A subjectAltName of the kind that ``leftid=`` would make of the text."""
    if text.startswith(("http://", "https://", "uri:", "urn:")):
        return x509.UniformResourceIdentifier(text.removeprefix("uri:"))
    identity = Identity.parse(text)
    if identity.type in (IdType.IPV4, IdType.IPV6):
        return x509.IPAddress(ip_address(identity.data))
    if identity.type == IdType.RFC822:
        return x509.RFC822Name(identity.data.decode())
    if identity.type == IdType.FQDN:
        return x509.DNSName(identity.data.decode())
    if identity.type == IdType.DER_ASN1_DN:
        return x509.DirectoryName(name(text))
    raise PkiError(f"'{text}' cannot be a subjectAltName; use a DNS name, an address or user@domain")


def validity(options: Namespace, now: datetime) -> tuple[datetime, datetime]:
    """When the certificate holds: ``--not-before``, ``--not-after``, or ``--lifetime`` in days."""
    start = _date(options.not_before, options.dateform) or now.replace(microsecond=0)
    end = _date(options.not_after, options.dateform) or start + timedelta(days=options.lifetime)
    if end <= start:
        raise PkiError(f"the certificate would end ({end}) before it begins ({start})")
    return start, end


def _date(text: str | None, form: str) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        raise PkiError(f"'{text}' does not fit the date form '{form}'") from None


def serial(text: str | None) -> int:
    """The serial number in hexadecimal, or a random one (RFC 5280, 4.1.2.2)."""
    if text is None:
        return x509.random_serial_number()
    try:
        number = int(text, 16)
    except ValueError:
        raise PkiError(f"'{text}' is no hexadecimal serial number") from None
    if not 0 < number < 1 << 159:
        raise PkiError("a serial number is positive and has at most 20 octets")
    return number


def load(data: bytes) -> x509.Certificate:
    """A certificate in PEM or DER; raises :class:`PkiError`."""
    try:
        if data.lstrip().startswith(b"-----"):
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except ValueError as error:
        raise PkiError(f"the input is no certificate in PEM or DER form ({error})") from None
