"""X.509 certificates (RFC 5280) as immutable values, read once and completely."""

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cygnet.base.errors import PeerError
from cygnet.base.identities import PERFECT, Identity, IdType
from cygnet.cert.der import names_of
from cygnet.cert.errors import CertificateLoadError, MalformedCertificateError
from cygnet.cert.extensions import Extensions, read_extensions
from cygnet.cert.name_constraints import constrained_names
from cygnet.cert.signed import PARSE_ERRORS, certificate_is_signed_by
from cygnet.crypto.signatures import PublicKey

__all__ = ["Certificate", "CertificateLoadError", "MalformedCertificateError", "load_certificates"]

MAX_OCTETS = 65535
MAX_IN_FILE = 1000
REMEMBERED = 64
"""Certificates that are kept as they were read, whoever asks next."""


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """A certificate; equal to another with the same DER.

    ``serial`` is the serial number's octets, times are POSIX seconds, ``hash_name`` names the hash of the
    issuer's signature (empty for EdDSA).
    """

    der: bytes
    subject: Identity
    issuer: Identity
    serial: bytes
    not_before: float
    not_after: float
    public_key: PublicKey
    extensions: Extensions
    hash_name: str
    native: x509.Certificate

    @classmethod
    def parse(cls, der: bytes) -> "Certificate":
        """The certificate in DER; raises :class:`MalformedCertificateError` for anything else."""
        if len(der) > MAX_OCTETS:
            raise MalformedCertificateError(f"certificate of {len(der)} octets")
        try:
            return _read(der)
        except PeerError as error:
            raise MalformedCertificateError(f"unusable certificate: {error}") from None
        except PARSE_ERRORS as error:
            text = str(error).partition("\n")[0][:120]
            raise MalformedCertificateError(f"malformed certificate: {text}") from None

    @property
    def alt_names(self) -> tuple[Identity, ...]:
        """Subject alternative names that are IKE identities: FQDN, RFC822, addresses, DNs."""
        return self.extensions.alt_names

    @property
    def names(self) -> tuple[Identity, ...]:
        """Everything this certificate speaks for: subject (unless empty) and alternative names."""
        subject = (self.subject,) if self.subject.data != _EMPTY_NAME else ()
        return (*subject, *self.alt_names)

    @property
    def constrained_names(self) -> tuple[x509.GeneralName, ...]:
        """Everything that name constraints of its issuers are about."""
        return tuple(constrained_names(self.native.subject, self.extensions.general_names))

    @property
    def is_ca(self) -> bool:
        """Whether basic constraints say CA."""
        return self.extensions.is_ca

    @property
    def path_length(self) -> int | None:
        """How many CAs may follow below, ``None`` without limit."""
        return self.extensions.path_length

    @property
    def key_id(self) -> bytes:
        """SHA-1 of SubjectPublicKeyInfo, which CERTREQ carries for a CA (RFC 7296, 3.7)."""
        return self.public_key.key_id

    @property
    def subject_key_id(self) -> bytes:
        """The subject key identifier, computed where the extension lacks."""
        return self.extensions.subject_key_id or self.public_key.subject_key_id

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return self.subject.data == self.issuer.data

    @property
    def is_self_signed(self) -> bool:
        """Whether the certificate's own key signed it."""
        return self.is_self_issued and _is_self_signed(self)

    @property
    def flags(self) -> tuple[str, ...]:
        """The words of the ``flags:`` line of ``listcerts``."""
        extensions = self.extensions
        words = ["CA"] if extensions.is_ca else []
        words += ["CRLSign"] if extensions.key_usage.crl_sign else []
        words += extensions.purposes
        words += ["self-signed"] if self.is_self_signed else []
        return tuple(words)

    def rank(self, pattern: Identity) -> int:
        """How well the best of our names fits a configured identity, wildcards included; 0: not at all."""
        if pattern.type == IdType.KEY_ID:
            return PERFECT if pattern.data in (self.subject_key_id, self.key_id) else 0
        return max((name.match(pattern) for name in self.names), default=0)

    def matches(self, identity: Identity) -> bool:
        """Whether the certificate speaks for exactly this identity.

        It comes from the peer, so a wildcard in it is no wildcard (in strongSwan it is one).
        """
        return self.rank(identity) >= PERFECT

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether the signature verifies with ``key``."""
        return certificate_is_signed_by(self.native, key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __str__(self) -> str:
        return _quoted(self.subject)


@lru_cache(maxsize=REMEMBERED)
def _read(der: bytes) -> Certificate:
    """The same certificate is asked for many times: a CA's with each peer, a peer's for all that is in it."""
    native = x509.load_der_x509_certificate(der)
    _ = (native.issuer, native.subject)  # what is malformed is found here, not in a verification
    issuer, subject = names_of(native.tbs_certificate_bytes)
    serial = native.serial_number
    digest = native.signature_hash_algorithm
    return Certificate(
        der=der,
        subject=Identity(IdType.DER_ASN1_DN, subject),
        issuer=Identity(IdType.DER_ASN1_DN, issuer),
        serial=serial.to_bytes(serial.bit_length() // 8 + 1, "big", signed=True).lstrip(b"\0") or b"\0",
        not_before=native.not_valid_before_utc.timestamp(),
        not_after=native.not_valid_after_utc.timestamp(),
        public_key=PublicKey.from_native(native.public_key()),
        extensions=read_extensions(native.extensions),
        hash_name=digest.name if digest else "",
        native=native,
    )


@lru_cache(maxsize=REMEMBERED)
def _is_self_signed(certificate: Certificate) -> bool:
    """A trusted CA is asked for it with each peer."""
    return certificate.is_signed_by(certificate.public_key)


def load_certificates(data: bytes) -> tuple[Certificate, ...]:
    """The certificates of a PEM file, or the one of a DER file; raises :class:`CertificateLoadError`."""
    try:
        return tuple(Certificate.parse(der) for der in _ders(data))
    except MalformedCertificateError as error:
        raise CertificateLoadError(str(error)) from None


def _ders(data: bytes) -> list[bytes]:
    if b"-----BEGIN" not in data:
        return [data]
    if b"-----BEGIN CERTIFICATE-----" not in data:
        raise CertificateLoadError("the file contains no certificate")
    if data.count(b"-----BEGIN CERTIFICATE-----") > MAX_IN_FILE:
        raise CertificateLoadError(f"more than {MAX_IN_FILE} certificates in one file")
    try:
        return [item.public_bytes(Encoding.DER) for item in x509.load_pem_x509_certificates(data)]
    except ValueError as error:
        raise CertificateLoadError(f"malformed PEM: {str(error).partition(chr(10))[0][:120]}") from None


@lru_cache(maxsize=4096)
def _quoted(subject: Identity) -> str:
    """Every check names its certificate, so that writing a name out is done often."""
    return f'"{subject}"'


_EMPTY_NAME = b"\x30\x00"
