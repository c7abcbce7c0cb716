"""A whole PKI for tests: certificates of every shape, CRLs and OCSP answers, at one fixed moment."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from cygnet.base.identities import Identity
from cygnet.cert.certificates import Certificate
from cygnet.cert.crl import Crl
from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.revocation import FetchError

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
SIGN_ONLY = (True, False, False, False, False, False, False, False, False)
CERT_SIGN = (False, False, False, False, False, True, False, False, False)
ENCIPHER = (False, False, True, False, False, False, False, False, False)


@dataclass(frozen=True)
class Party:
    """A certificate and its key."""

    certificate: Certificate
    key: CertificateIssuerPrivateKeyTypes

    @property
    def native(self) -> x509.Certificate:
        return self.certificate.native


def common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How a certificate differs from an ordinary one."""

    key: CertificateIssuerPrivateKeyTypes | None = None
    ca: bool = True
    path_length: int | None = None
    begin: dt.timedelta = -DAY
    end: dt.timedelta = 30 * DAY
    usage: tuple[bool, ...] | None = None
    purposes: tuple[x509.ObjectIdentifier, ...] = ()
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    signed_by: CertificateIssuerPrivateKeyTypes | None = None
    digest: hashes.HashAlgorithm | None = None


def issue(name: str | x509.Name, issuer: Party | None = None, wish: Wish | None = None) -> Party:
    wish = wish or Wish()
    key = wish.key or Ed25519PrivateKey.generate()
    subject = common_name(name) if isinstance(name, str) else name
    signer = wish.signed_by or (issuer.key if issuer else key)
    issuer_name = issuer.certificate.native.subject if issuer else subject
    builder = x509.CertificateBuilder(
        issuer_name, subject, key.public_key(), x509.random_serial_number(), NOW + wish.begin, NOW + wish.end
    )
    builder = builder.add_extension(
        x509.BasicConstraints(wish.ca, wish.path_length if wish.ca else None), True
    )
    if wish.usage:
        builder = builder.add_extension(x509.KeyUsage(*wish.usage), True)
    if wish.purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(wish.purposes), False)
    for extension, critical in wish.extensions:
        builder = builder.add_extension(extension, critical)
    digest = wish.digest or (None if isinstance(signer, Ed25519PrivateKey) else hashes.SHA256())
    return Party(Certificate.parse(builder.sign(signer, digest).public_bytes(Encoding.DER)), key)


def leaf_of(issuer: Party | None, **wishes: object) -> Party:
    return issue("leaf", issuer, Wish(ca=False, **wishes))  # type: ignore[arg-type]


def digest_for(key: CertificateIssuerPrivateKeyTypes) -> hashes.HashAlgorithm | None:
    return None if isinstance(key, Ed25519PrivateKey) else hashes.SHA256()


@dataclass(frozen=True, kw_only=True)
class ListWish:
    """How a CRL differs from an ordinary, empty one."""

    revoked: tuple[tuple[Party, x509.ReasonFlags | None], ...] = ()
    begin: dt.timedelta = -DAY
    end: dt.timedelta = DAY
    number: int | None = 5
    base: int | None = None
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    entry_extensions: tuple[tuple[x509.ExtensionType, bool], ...] = ()
    signed_by: Party | None = None
    digest: hashes.HashAlgorithm | None = None


def list_of(issuer: Party, wish: ListWish | None = None) -> Crl:
    wish = wish or ListWish()
    builder = x509.CertificateRevocationListBuilder(issuer.native.subject, NOW + wish.begin, NOW + wish.end)
    for party, reason in wish.revoked:
        entry = x509.RevokedCertificateBuilder(party.native.serial_number, NOW - DAY)
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), False)
        for extension, critical in wish.entry_extensions:
            entry = entry.add_extension(extension, critical)
        builder = builder.add_revoked_certificate(entry.build())
    if wish.number is not None:
        builder = builder.add_extension(x509.CRLNumber(wish.number), False)
    if wish.base is not None:
        builder = builder.add_extension(x509.DeltaCRLIndicator(wish.base), True)
    for extension, critical in wish.extensions:
        builder = builder.add_extension(extension, critical)
    key = (wish.signed_by or issuer).key
    return Crl.parse(builder.sign(key, wish.digest or digest_for(key)).public_bytes(Encoding.DER))


@dataclass(frozen=True, kw_only=True)
class AnswerWish:
    """How an OCSP answer differs from "good", signed by the CA now."""

    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD
    reason: x509.ReasonFlags | None = None
    begin: dt.timedelta = dt.timedelta(0)
    end: dt.timedelta | None = DAY
    signer: Party | None = None
    signed_by: Party | None = None
    enclosed: tuple[Party, ...] = ()
    nonce: bytes | None = None
    by_name: bool = False
    digest: hashes.HashAlgorithm | None = None


def answer_of(subject: Party, issuer: Party, wish: AnswerWish | None = None) -> bytes:
    wish = wish or AnswerWish()
    revoked = wish.status is ocsp.OCSPCertStatus.REVOKED
    signer = wish.signer or issuer
    encoding = ocsp.OCSPResponderEncoding.NAME if wish.by_name else ocsp.OCSPResponderEncoding.HASH
    builder = ocsp.OCSPResponseBuilder().add_response(
        subject.native,
        issuer.native,
        hashes.SHA1(),
        wish.status,
        NOW + wish.begin,
        None if wish.end is None else NOW + wish.end,
        NOW - DAY if revoked else None,
        wish.reason if revoked else None,
    )
    builder = builder.responder_id(encoding, signer.native)
    if wish.enclosed:
        builder = builder.certificates([one.native for one in wish.enclosed])
    if wish.nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(wish.nonce), False)
    key = (wish.signed_by or signer).key
    return builder.sign(key, wish.digest or digest_for(key)).public_bytes(Encoding.DER)


@dataclass
class FakeSources:
    """What is known of revocations in a test; ``served`` are the octets behind each URI."""

    known_responses: tuple = ()
    known_crls: tuple[Crl, ...] = ()
    served: dict[str, bytes] = field(default_factory=dict)
    trusted: tuple[Certificate, ...] = ()
    signers: tuple[Certificate, ...] = ()
    configured_ocsp: tuple[str, ...] = ()
    configured_crl: tuple[str, ...] = ()
    a_nonce: bytes = b"nonce of a test "
    asked: list[str] = field(default_factory=list)
    kept: list[object] = field(default_factory=list)

    def responses(self, issuer: Certificate) -> tuple:
        return self.known_responses

    def crls(self, issuers: Sequence[Identity]) -> tuple[Crl, ...]:
        return tuple(one for one in self.known_crls if any(one.issuer.match(name) for name in issuers))

    def ocsp_uris(self, issuer: Certificate) -> tuple[str, ...]:
        return self.configured_ocsp

    def crl_uris(self, issuer: Certificate) -> tuple[str, ...]:
        return self.configured_crl

    def responders(self) -> tuple[Certificate, ...]:
        return self.trusted

    def crl_signers(self) -> tuple[Certificate, ...]:
        return self.signers

    def nonce(self) -> bytes:
        return self.a_nonce

    def fetch_crl(self, uri: str) -> Crl:
        return Crl.parse(self._get(uri))

    def ask(self, uri: str, request: bytes) -> OcspResponse:
        return OcspResponse.parse(self._get(uri))

    def keep_crl(self, crl: Crl) -> None:
        self.kept.append(crl)

    def keep_response(self, issuer: Certificate, response: OcspResponse) -> None:
        self.kept.append(response)

    def _get(self, uri: str) -> bytes:
        self.asked.append(uri)
        if uri not in self.served:
            raise FetchError("connection refused")
        return self.served[uri]
