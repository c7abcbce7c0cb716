"""Certificate revocation lists, complete, delta and indirect (RFC 5280, 5 and 6.3)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from cygnet.base.identities import Identity, IdType
from cygnet.cert.checks import Check, validity
from cygnet.cert.errors import MalformedRevocationError
from cygnet.cert.extensions import DistributionPoint, distribution_points, unknown_critical, uris_of
from cygnet.cert.signed import PARSE_ERRORS, WEAK_HASHES, crl_is_signed_by
from cygnet.crypto.signatures import PublicKey

_E = TypeVar("_E", bound=x509.ExtensionType)

MAX_OCTETS = 16 << 20
_UNDERSTOOD = (
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER, ExtensionOID.CRL_NUMBER, ExtensionOID.DELTA_CRL_INDICATOR,
    ExtensionOID.ISSUING_DISTRIBUTION_POINT, ExtensionOID.FRESHEST_CRL, ExtensionOID.ISSUER_ALTERNATIVE_NAME,
)  # fmt: skip
_UNDERSTOOD_ENTRY = (
    CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE,
    CRLEntryExtensionOID.CERTIFICATE_ISSUER,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """What a CRL says of one certificate; ``date`` is POSIX seconds."""

    date: float
    reason: x509.ReasonFlags = x509.ReasonFlags.unspecified

    @property
    def removed(self) -> bool:
        """Whether a delta CRL says that the certificate is revoked no more."""
        return self.reason is x509.ReasonFlags.remove_from_crl

    @property
    def on_hold(self) -> bool:
        """Whether the revocation may be taken back."""
        return self.reason is x509.ReasonFlags.certificate_hold


@dataclass(frozen=True)
class Crl:
    """A CRL; equal to another with the same DER. Times are POSIX seconds."""

    native: x509.CertificateRevocationList

    @classmethod
    def parse(cls, data: bytes) -> "Crl":
        """The CRL in DER or PEM; raises :class:`MalformedRevocationError` for anything else."""
        if len(data) > MAX_OCTETS:
            raise MalformedRevocationError(f"CRL of {len(data)} octets, at most {MAX_OCTETS} are read")
        try:
            pem = data.lstrip()[:11] == b"-----BEGIN "
            native = x509.load_pem_x509_crl(data) if pem else x509.load_der_x509_crl(data)
            crl = cls(native)
            crl._read_all()
        except PARSE_ERRORS as error:
            text = str(error).partition("\n")[0][:120]
            raise MalformedRevocationError(f"malformed CRL: {text}") from None
        return crl

    @cached_property
    def der(self) -> bytes:
        """The CRL as it is signed and stored."""
        return self.native.public_bytes(Encoding.DER)

    @cached_property
    def issuer(self) -> Identity:
        """Who signed it."""
        return Identity(IdType.DER_ASN1_DN, self.native.issuer.public_bytes())

    @cached_property
    def this_update(self) -> float:
        """When it was made."""
        return self.native.last_update_utc.timestamp()

    @cached_property
    def next_update(self) -> float | None:
        """Until when the next one is made."""
        moment = self.native.next_update_utc
        return moment.timestamp() if moment else None

    @cached_property
    def number(self) -> int | None:
        """The CRL number (RFC 5280, 5.2.3)."""
        found = self._extension(x509.CRLNumber)
        return found.crl_number if found else None

    @cached_property
    def base_number(self) -> int | None:
        """Of a delta CRL, the number of the CRL that it builds upon (RFC 5280, 5.2.4)."""
        found = self._extension(x509.DeltaCRLIndicator)
        return found.crl_number if found else None

    @cached_property
    def authority_key_id(self) -> bytes:
        """The key that signed it, empty if it does not say."""
        found = self._extension(x509.AuthorityKeyIdentifier)
        return (found.key_identifier or b"") if found else b""

    @cached_property
    def freshest(self) -> tuple[DistributionPoint, ...]:
        """Where delta CRLs are (RFC 5280, 5.2.6)."""
        return distribution_points(self._extension(x509.FreshestCRL))

    @cached_property
    def scope(self) -> x509.IssuingDistributionPoint | None:
        """What the CRL covers, ``None`` for everything its issuer issues (RFC 5280, 5.2.5)."""
        return self._extension(x509.IssuingDistributionPoint)

    @property
    def is_indirect(self) -> bool:
        """Whether entries may be of other issuers."""
        return bool(self.scope and self.scope.indirect_crl)

    @cached_property
    def unreadable(self) -> str:
        """Why its entries cannot be read, empty if they can.

        Apart from :meth:`parse`, since a long list takes time that an unsigned one is not worth.
        """
        try:
            for _ in self.entries():
                pass
        except PARSE_ERRORS as error:
            return str(error).partition("\n")[0][:120]
        return ""

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether the signature verifies with ``key``."""
        return crl_is_signed_by(self.native, key)

    def is_newer_than(self, other: "Crl") -> bool:
        """By number where both have one, else by date (as strongSwan compares them)."""
        if self.number is not None and other.number is not None:
            return self.number > other.number
        return self.this_update > other.this_update

    def entry(self, serial: int, issuer: Identity) -> Entry | None:
        """What it says of the certificate with this serial number and issuer; raises ``ValueError``."""
        if not self.is_indirect:
            found = self.native.get_revoked_certificate_by_serial_number(serial)
            return _entry(found) if found is not None else None
        current = self.issuer
        for revoked in self.native:
            named = _find(revoked.extensions, x509.CertificateIssuer)
            for name in named or ():
                if isinstance(name, x509.DirectoryName):
                    current = Identity(IdType.DER_ASN1_DN, name.value.public_bytes())
            if revoked.serial_number == serial and current.match(issuer):
                return _entry(revoked)
        return None

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """All serial numbers that are revoked."""
        for revoked in self.native:
            yield revoked.serial_number, _entry(revoked)

    def checks(self, now: float, allow_weak: bool) -> Iterator[Check]:
        """What can be said of the CRL alone."""
        unknown = ", ".join(unknown_critical(self.native.extensions, _UNDERSTOOD)[:4])
        text = f"has critical extensions that are not supported: {unknown}" if unknown else "has none unknown"
        yield Check("crl extensions", not unknown, f"{self} {text}")
        digest = self.native.signature_hash_algorithm
        weak = "" if allow_weak or digest is None else WEAK_HASHES.get(digest.name, "")
        text = f"is signed with {weak}, which is weak" if weak else "is not signed with a weak hash"
        yield Check("crl hash", not weak, f"{self} {text}")
        begun = validity(str(self), self.this_update, None, now)
        yield Check("crl validity", begun.ok, begun.text)

    def is_stale(self, now: float) -> bool:
        """Whether its successor is due."""
        return self.next_update is not None and now > self.next_update

    def excludes(self, is_ca: bool) -> str:
        """Why its scope holds no certificate of this kind; empty if it does (RFC 5280, 5.2.5)."""
        scope = self.scope
        if scope is None:
            return ""
        if scope.only_contains_attribute_certs:
            return "it covers attribute certificates only"
        if scope.only_contains_user_certs and is_ca:
            return "it covers no CA certificates"
        if scope.only_contains_ca_certs and not is_ca:
            return "it covers CA certificates only"
        return ""

    def missing(self, uris: Iterable[str]) -> str:
        """Why a certificate that it does not list may be revoked all the same; empty if it cannot.

        ``uris`` are the certificate's distribution points, and where the CRL was fetched.
        """
        scope = self.scope
        if scope is None:
            return ""
        if scope.only_some_reasons:
            return "it covers some reasons only"
        names = frozenset(uris_of(scope.full_name))
        if scope.relative_name or (scope.full_name and not names & frozenset(uris)):
            return f"it is that of another distribution point ({', '.join(sorted(names)[:2]) or 'not a URI'})"
        return ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Crl) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __str__(self) -> str:
        kind = "crl" if self.base_number is None else "delta crl"
        return f'{kind} of "{self.issuer}"'

    def _extension(self, kind: type[_E]) -> _E | None:
        return _find(self.native.extensions, kind)

    def _read_all(self) -> None:
        """Whatever is malformed is found here, not in the middle of a verification."""
        _ = (self.issuer, self.this_update, self.next_update, self.number, self.base_number)
        _ = (self.authority_key_id, self.freshest, self.scope, self.native.signature_hash_algorithm)


def _entry(revoked: x509.RevokedCertificate) -> Entry:
    unknown = unknown_critical(revoked.extensions, _UNDERSTOOD_ENTRY)
    if unknown:
        raise ValueError(f"entry with a critical extension that is not supported: {unknown[0]}")
    reason = _find(revoked.extensions, x509.CRLReason)
    date = revoked.revocation_date_utc.timestamp()
    return Entry(date, reason.reason if reason else x509.ReasonFlags.unspecified)


def _find(extensions: x509.Extensions, kind: type[_E]) -> _E | None:
    return next((item.value for item in extensions if isinstance(item.value, kind)), None)
