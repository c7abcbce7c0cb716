"""What the extensions of a certificate say, as far as IKE and chain building care (RFC 5280, 4.2)."""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

from cygnet.base.identities import Identity, IdType
from cygnet.cert.name_constraints import NameConstraints

_E = TypeVar("_E", bound=x509.ExtensionType)

_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME, ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CRL_DISTRIBUTION_POINTS, ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)  # fmt: skip

# The words of ``listcerts`` for extended key usages.
_PURPOSES = {
    "1.3.6.1.5.5.7.3.9": "ocspSigning",
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.8.2.2": "ikeIntermediate",
    "1.3.6.1.4.1.311.20.2.2": "msSmartcardLogon",
}


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """The key usages that matter here (RFC 5280, 4.2.1.3)."""

    digital_signature: bool = True
    non_repudiation: bool = True
    certificate_sign: bool = True
    crl_sign: bool = False


@dataclass(frozen=True, slots=True)
class Extensions:
    """Extensions as values; what a certificate does not have is at its default.

    ``unknown_critical`` are OIDs of critical extensions that we do not understand.
    """

    is_ca: bool = False
    path_length: int | None = None
    key_usage: KeyUsage = field(default_factory=KeyUsage)
    purposes: tuple[str, ...] = ()
    alt_names: tuple[Identity, ...] = ()
    subject_key_id: bytes = b""
    authority_key_id: bytes = b""
    crl_uris: tuple[str, ...] = ()
    ocsp_uris: tuple[str, ...] = ()
    name_constraints: NameConstraints | None = None
    unknown_critical: tuple[str, ...] = ()


def read_extensions(extensions: x509.Extensions) -> Extensions:
    """Raises ``ValueError`` and what ``cryptography`` raises for malformed ones."""
    basic = _find(extensions, x509.BasicConstraints)
    constraints = _find(extensions, x509.NameConstraints)
    subject_key = _find(extensions, x509.SubjectKeyIdentifier)
    authority_key = _find(extensions, x509.AuthorityKeyIdentifier)
    return Extensions(
        is_ca=bool(basic and basic.ca),
        path_length=basic.path_length if basic else None,
        key_usage=_key_usage(_find(extensions, x509.KeyUsage)),
        purposes=_purposes(_find(extensions, x509.ExtendedKeyUsage)),
        alt_names=_alt_names(_find(extensions, x509.SubjectAlternativeName)),
        subject_key_id=subject_key.digest if subject_key else b"",
        authority_key_id=(authority_key.key_identifier or b"") if authority_key else b"",
        crl_uris=_crl_uris(_find(extensions, x509.CRLDistributionPoints)),
        ocsp_uris=_ocsp_uris(_find(extensions, x509.AuthorityInformationAccess)),
        name_constraints=NameConstraints.of(constraints) if constraints else None,
        unknown_critical=tuple(
            item.oid.dotted_string for item in extensions if item.critical and item.oid not in _UNDERSTOOD
        ),
    )


def identity_of(name: x509.GeneralName) -> Identity | None:
    """The identity a subject alternative name stands for; kinds that IKE has no ID type for are left out."""
    if isinstance(name, x509.DNSName):
        return Identity(IdType.FQDN, name.value.encode())
    if isinstance(name, x509.RFC822Name):
        return Identity(IdType.RFC822, name.value.encode())
    if isinstance(name, x509.IPAddress) and isinstance(name.value, (IPv4Address, IPv6Address)):
        return Identity.from_address(name.value)
    if isinstance(name, x509.DirectoryName):
        return Identity(IdType.DER_ASN1_DN, name.value.public_bytes())
    return None


def _find(extensions: x509.Extensions, kind: type[_E]) -> _E | None:
    return next((item.value for item in extensions if isinstance(item.value, kind)), None)


def _key_usage(usage: x509.KeyUsage | None) -> KeyUsage:
    if usage is None:
        return KeyUsage()
    return KeyUsage(usage.digital_signature, usage.content_commitment, usage.key_cert_sign, usage.crl_sign)


def _purposes(usage: x509.ExtendedKeyUsage | None) -> tuple[str, ...]:
    oids = {oid.dotted_string for oid in usage or ()}
    return tuple(word for oid, word in _PURPOSES.items() if oid in oids)


def _alt_names(names: x509.SubjectAlternativeName | None) -> tuple[Identity, ...]:
    return tuple(identity for name in names or () if (identity := identity_of(name)))


def _crl_uris(points: x509.CRLDistributionPoints | None) -> tuple[str, ...]:
    names = (name for point in points or () for name in point.full_name or ())
    return tuple(name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))


def _ocsp_uris(access: x509.AuthorityInformationAccess | None) -> tuple[str, ...]:
    return tuple(
        item.access_location.value
        for item in access or ()
        if item.access_method == AuthorityInformationAccessOID.OCSP
        and isinstance(item.access_location, x509.UniformResourceIdentifier)
    )
