"""What the extensions of a certificate say, as far as IKE and chain building care (RFC 5280, 4.2)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

from cygnet.base.identities import Identity, IdType
from cygnet.cert import address_blocks, der
from cygnet.cert.address_blocks import AddressBlocks
from cygnet.cert.name_constraints import NameConstraints

_E = TypeVar("_E", bound=x509.ExtensionType)
_T = TypeVar("_T")

POLICY_MAPPINGS = ExtensionOID.POLICY_MAPPINGS
OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"

_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME, ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CRL_DISTRIBUTION_POINTS, ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.CERTIFICATE_POLICIES, POLICY_MAPPINGS, ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.INHIBIT_ANY_POLICY, ExtensionOID.FRESHEST_CRL, ExtensionOID.OCSP_NO_CHECK,
        x509.ObjectIdentifier(address_blocks.EXTENSION_OID),
    }
)  # fmt: skip

# The words of ``listcerts`` for extended key usages.
_PURPOSES = {
    OCSP_SIGNING: "ocspSigning",
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.8.2.2": "ikeIntermediate",
    "1.3.6.1.4.1.311.20.2.2": "msSmartcardLogon",
}


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """The key usages that matter here (RFC 5280, 4.2.1.3); not ``stated``: the extension is absent."""

    digital_signature: bool = True
    non_repudiation: bool = True
    certificate_sign: bool = True
    crl_sign: bool = False
    stated: bool = False


@dataclass(frozen=True, slots=True)
class DistributionPoint:
    """Where a CRL is (RFC 5280, 4.2.1.13): its URIs, who signs it if not the certificate's issuer."""

    uris: tuple[str, ...] = ()
    crl_issuer: Identity | None = None


@dataclass(frozen=True, slots=True)
class PolicyExtensions:
    """Policies of a certificate and what it says of those below it (RFC 5280, 4.2.1.4, .5, .11, .14).

    ``policies`` is ``None`` without the extension, ``mappings`` go from the issuer's to the subject's.
    """

    policies: tuple[str, ...] | None = None
    mappings: tuple[tuple[str, str], ...] = ()
    require_explicit: int | None = None
    inhibit_mapping: int | None = None
    inhibit_any: int | None = None


@dataclass(frozen=True, slots=True)
class Extensions:
    """Extensions as values; what a certificate does not have is at its default.

    ``general_names`` are all subject alternative names, ``alt_names`` those that IKE has an ID type for.
    ``unknown_critical`` are OIDs of critical extensions that we do not understand.
    """

    is_ca: bool = False
    path_length: int | None = None
    key_usage: KeyUsage = field(default_factory=KeyUsage)
    purposes: tuple[str, ...] = ()
    general_names: tuple[x509.GeneralName, ...] = ()
    alt_names: tuple[Identity, ...] = ()
    subject_key_id: bytes = b""
    authority_key_id: bytes = b""
    distribution_points: tuple[DistributionPoint, ...] = ()
    freshest: tuple[DistributionPoint, ...] = ()
    ocsp_uris: tuple[str, ...] = ()
    name_constraints: NameConstraints | None = None
    policy: PolicyExtensions = field(default_factory=PolicyExtensions)
    addresses: AddressBlocks | None = None
    unknown_critical: tuple[str, ...] = ()

    @property
    def crl_uris(self) -> tuple[str, ...]:
        """The URIs of all CRL distribution points."""
        return tuple(uri for point in self.distribution_points for uri in point.uris)


def read_extensions(extensions: x509.Extensions) -> Extensions:
    """Raises ``ValueError`` and what ``cryptography`` raises for malformed ones."""
    basic = _find(extensions, x509.BasicConstraints)
    constraints = _find(extensions, x509.NameConstraints)
    subject_key = _find(extensions, x509.SubjectKeyIdentifier)
    authority_key = _find(extensions, x509.AuthorityKeyIdentifier)
    names = tuple(_find(extensions, x509.SubjectAlternativeName) or ())
    return Extensions(
        is_ca=bool(basic and basic.ca),
        path_length=basic.path_length if basic else None,
        key_usage=_key_usage(_find(extensions, x509.KeyUsage)),
        purposes=_purposes(_find(extensions, x509.ExtendedKeyUsage)),
        general_names=names,
        alt_names=tuple(identity for name in names if (identity := identity_of(name))),
        subject_key_id=subject_key.digest if subject_key else b"",
        authority_key_id=(authority_key.key_identifier or b"") if authority_key else b"",
        distribution_points=distribution_points(_find(extensions, x509.CRLDistributionPoints)),
        freshest=distribution_points(_find(extensions, x509.FreshestCRL)),
        ocsp_uris=_ocsp_uris(_find(extensions, x509.AuthorityInformationAccess)),
        name_constraints=NameConstraints.of(constraints) if constraints else None,
        policy=_policy(extensions),
        addresses=_unrecognised(extensions, address_blocks.EXTENSION_OID, AddressBlocks.parse),
        unknown_critical=unknown_critical(extensions, _UNDERSTOOD),
    )


def unknown_critical(
    extensions: x509.Extensions, understood: Iterable[x509.ObjectIdentifier]
) -> tuple[str, ...]:
    """The OIDs of the critical extensions that are not among ``understood``."""
    known = frozenset(understood)
    return tuple(item.oid.dotted_string for item in extensions if item.critical and item.oid not in known)


def distribution_points(
    points: x509.CRLDistributionPoints | x509.FreshestCRL | None,
) -> tuple[DistributionPoint, ...]:
    """The distribution points of an extension; those without a full name have no URIs."""
    return tuple(
        DistributionPoint(uris_of(point.full_name), _directory_name(point.crl_issuer))
        for point in points or ()
    )


def uris_of(names: Iterable[x509.GeneralName] | None) -> tuple[str, ...]:
    """The URIs among general names."""
    return tuple(name.value for name in names or () if isinstance(name, x509.UniformResourceIdentifier))


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


def policy_mappings(value: bytes) -> tuple[tuple[str, str], ...]:
    """PolicyMappings, for which ``cryptography`` has no class (RFC 5280, 4.2.1.5)."""
    pairs = [pair.expect(der.SEQUENCE).children() for pair in der.read(value, der.SEQUENCE).children()]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("policy mapping is not a pair")
    return tuple((issuer.oid(), subject.oid()) for issuer, subject in pairs)


def _find(extensions: x509.Extensions, kind: type[_E]) -> _E | None:
    """By its very type: the library's base class makes ``isinstance`` slow, and none has a subclass."""
    return next((one.value for one in extensions if type(one.value) is kind), None)


def _unrecognised(extensions: x509.Extensions, oid: str, parse: Callable[[bytes], _T]) -> _T | None:
    """An extension that ``cryptography`` leaves as octets."""
    for item in extensions:
        if item.oid.dotted_string == oid and isinstance(item.value, x509.UnrecognizedExtension):
            return parse(item.value.value)
    return None


def _policy(extensions: x509.Extensions) -> PolicyExtensions:
    policies = _find(extensions, x509.CertificatePolicies)
    constraints = _find(extensions, x509.PolicyConstraints)
    inhibit = _find(extensions, x509.InhibitAnyPolicy)
    return PolicyExtensions(
        policies=tuple(one.policy_identifier.dotted_string for one in policies) if policies else None,
        mappings=_unrecognised(extensions, POLICY_MAPPINGS.dotted_string, policy_mappings) or (),
        require_explicit=constraints.require_explicit_policy if constraints else None,
        inhibit_mapping=constraints.inhibit_policy_mapping if constraints else None,
        inhibit_any=inhibit.skip_certs if inhibit else None,
    )


def _key_usage(usage: x509.KeyUsage | None) -> KeyUsage:
    if usage is None:
        return KeyUsage()
    return KeyUsage(
        usage.digital_signature, usage.content_commitment, usage.key_cert_sign, usage.crl_sign, True
    )


def _purposes(usage: x509.ExtendedKeyUsage | None) -> tuple[str, ...]:
    oids = {oid.dotted_string for oid in usage or ()}
    return tuple(word for oid, word in _PURPOSES.items() if oid in oids)


def _directory_name(names: Iterable[x509.GeneralName] | None) -> Identity | None:
    found = (identity_of(name) for name in names or () if isinstance(name, x509.DirectoryName))
    return next(found, None)


def _ocsp_uris(access: x509.AuthorityInformationAccess | None) -> tuple[str, ...]:
    items = (item for item in access or () if item.access_method == AuthorityInformationAccessOID.OCSP)
    return uris_of(item.access_location for item in items)
