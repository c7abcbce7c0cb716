"""Questions to OCSP responders and what their answers are worth (RFC 6960; nonces RFC 8954)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from cygnet.base.identities import Identity, IdType
from cygnet.cert.certificates import Certificate
from cygnet.cert.checks import Check, day, first_failure, period, validity
from cygnet.cert.der import OCTET_STRING, SEQUENCE, Element, read
from cygnet.cert.errors import MalformedCertificateError, MalformedRevocationError
from cygnet.cert.signed import PARSE_ERRORS, WEAK_HASHES, is_signed_by

MAX_OCTETS = 1 << 20
MAX_CERTIFICATES = 10
MAX_SINGLE = 1000
UNSAID_LIFETIME_S = 30
"""How long an answer without nextUpdate is used, as in strongSwan."""
CLOCK_TOLERANCE_S = 300
"""How far a responder's clock may be ahead of ours."""


class Answer(Enum):
    """certStatus."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Single:
    """What a response says of one certificate; times are POSIX seconds."""

    answer: Answer
    this_update: float
    next_update: float | None
    revoked_at: float | None = None
    reason: x509.ReasonFlags | None = None

    @property
    def usable_until(self) -> float:
        """When it is stale."""
        return self.next_update if self.next_update is not None else self.this_update + UNSAID_LIFETIME_S


@dataclass(frozen=True)
class OcspResponse:
    """A successful response; equal to another with the same DER."""

    der: bytes
    native: ocsp.OCSPResponse

    @classmethod
    def parse(cls, data: bytes) -> "OcspResponse":
        """A response in DER; raises :class:`MalformedRevocationError`, also for one that is an error."""
        if len(data) > MAX_OCTETS:
            raise MalformedRevocationError(
                f"OCSP response of {len(data)} octets, at most {MAX_OCTETS} are read"
            )
        try:
            native = ocsp.load_der_ocsp_response(data)
            if native.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
                raise MalformedRevocationError(f"the responder answers '{_words(native.response_status)}'")
            response = cls(data, native)
            response._read_all()
        except PARSE_ERRORS as error:
            text = str(error).partition("\n")[0][:120]
            raise MalformedRevocationError(f"malformed OCSP response: {text}") from None
        return response

    @cached_property
    def responder(self) -> str:
        """Who signed, as the response says it."""
        name = self.native.responder_name
        if name is not None:
            return str(Identity(IdType.DER_ASN1_DN, name.public_bytes()))
        return (self.native.responder_key_hash or b"").hex(":")

    @cached_property
    def produced_at(self) -> float:
        """When it was signed."""
        return self.native.produced_at_utc.timestamp()

    @cached_property
    def nonce(self) -> bytes | None:
        """The nonce, if it holds one."""
        found = (one.value for one in self.native.extensions if isinstance(one.value, x509.OCSPNonce))
        return next((one.nonce for one in found), None)

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        """The certificates that came with it, unreadable ones left out."""
        found = []
        for native in self.native.certificates[:MAX_CERTIFICATES]:
            try:
                found.append(Certificate.parse(native.public_bytes(Encoding.DER)))
            except MalformedCertificateError:
                continue
        return tuple(found)

    def single(self, subject: Certificate, issuer: Certificate) -> Single | None:
        """The answer for this certificate."""
        for one in self.native.responses:
            if one.serial_number == subject.native.serial_number and _is_issuer(one, issuer):
                return _single(one)
        return None

    def singles(self) -> Iterator[tuple[int, Single]]:
        """All answers, each with its serial number."""
        for one in self.native.responses:
            yield one.serial_number, _single(one)

    def is_signed_by(self, key_of: Certificate) -> bool:
        """Whether the signature verifies with that certificate's key."""
        basic = self._basic
        return is_signed_by(basic[0].raw, basic[1].raw, basic[2].octets(), key_of.public_key)

    def names_responder(self, certificate: Certificate) -> bool:
        """Whether the response says that this certificate's key signed it."""
        name, key_hash = self.native.responder_name, self.native.responder_key_hash
        if name is not None:
            return bool(certificate.subject.match(Identity(IdType.DER_ASN1_DN, name.public_bytes())))
        return key_hash == certificate.public_key.subject_key_id

    @cached_property
    def _basic(self) -> tuple[Element, ...]:
        """The elements of BasicOCSPResponse: data, algorithm, signature."""
        body = read(self.der, SEQUENCE).children()[1].children()[0].children()[1]
        return read(body.expect(OCTET_STRING).content, SEQUENCE).children()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OcspResponse) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    def __str__(self) -> str:
        return f'ocsp response by "{self.responder}"'

    def _read_all(self) -> None:
        """Whatever is malformed is found here, not in the middle of a verification."""
        _ = (self.responder, self.produced_at, self.nonce, self._basic[2].octets(), self.certificates)
        for number, one in enumerate(self.native.responses):
            if number >= MAX_SINGLE:
                raise ValueError(f"more than {MAX_SINGLE} single responses")
            _ = (_single(one), one.hash_algorithm)
        _ = (self.native.signature_hash_algorithm, self.native.signature_algorithm_oid)


def build_request(subject: Certificate, issuer: Certificate, nonce: bytes) -> bytes:
    """An OCSPRequest for one certificate in DER; an empty nonce is left out. SHA-1 as RFC 5019 has it."""
    builder = ocsp.OCSPRequestBuilder().add_certificate(subject.native, issuer.native, hashes.SHA1())
    if nonce:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def judge(
    response: OcspResponse,
    pair: tuple[Certificate, Certificate],
    trusted: Iterable[Certificate],
    now: float,
    nonce: bytes = b"",
) -> tuple[Single | None, tuple[Check, ...]]:
    """What a response is worth for ``pair``, a certificate and its issuer.

    ``trusted`` are responders' certificates that we have been told to trust (``ipsec.d/ocspcerts``);
    ``nonce`` is the one we asked with. The answer counts only if all checks passed. A response without a
    nonce is accepted, since responders may sign ahead (RFC 6960, 4.4.1); one with another is not.
    """
    subject, issuer = pair
    checks = [_nonce(response, nonce), _signer(response, issuer, trusted, now), _hash(response)]
    single = response.single(subject, issuer)
    if single is None:
        checks.append(Check("ocsp answer", False, f"{response} does not say anything about {subject}"))
        return None, tuple(checks)
    ahead = single.this_update - now - CLOCK_TOLERANCE_S
    when = f"is from the future, in {period(ahead)}" if ahead > 0 else f"is of {day(single.this_update)}"
    checks.append(Check("ocsp validity", ahead <= 0, f"{response} {when}"))
    return (None if first_failure(checks) else single), tuple(checks)


def _nonce(response: OcspResponse, nonce: bytes) -> Check:
    if nonce and response.nonce is not None and response.nonce != nonce:
        return Check("ocsp nonce", False, f"{response} has another nonce than the request: it is replayed")
    return Check("ocsp nonce", True, f"{response} is not a replay")


def _hash(response: OcspResponse) -> Check:
    digest = response.native.signature_hash_algorithm
    weak = WEAK_HASHES.get(digest.name, "") if digest else ""
    text = f"is signed with {weak}, which is weak" if weak else "is not signed with a weak hash"
    return Check("ocsp hash", not weak, f"{response} {text}")


def _signer(response: OcspResponse, issuer: Certificate, trusted: Iterable[Certificate], now: float) -> Check:
    """The CA itself, somebody to whom the CA delegated it, or a trusted responder (RFC 6960, 4.2.2.2)."""
    if response.names_responder(issuer) and response.is_signed_by(issuer):
        return Check("ocsp signer", True, f"{response} is signed by the CA {issuer}")
    for one in trusted:
        if response.names_responder(one) and response.is_signed_by(one):
            valid = validity(f"trusted ocsp signer {one}", one.not_before, one.not_after, now)
            text = f"{response} is signed by the trusted responder {one}" if valid.ok else valid.text
            return Check("ocsp signer", valid.ok, text)
    named = [one for one in response.certificates if response.names_responder(one)]
    for one in named:
        problem = _delegation_problem(one, issuer, now)
        if not problem and response.is_signed_by(one):
            return Check("ocsp signer", True, f"{response} is signed by {one}, delegated by {issuer}")
        text = problem or f"{response} has a bad signature: it is not by the key of {one}"
        return Check("ocsp signer", False, text)
    text = f"{response} is signed neither by {issuer}, nor by a delegate of it, nor by a trusted responder"
    return Check("ocsp signer", False, text)


def _delegation_problem(signer: Certificate, issuer: Certificate, now: float) -> str:
    """Why a certificate may not sign for the CA, empty if it may."""
    if not signer.issuer.match(issuer.subject) or not signer.is_signed_by(issuer.public_key):
        return f"ocsp signer {signer} was not issued by {issuer}, whose certificate is asked about"
    if "ocspSigning" not in signer.extensions.purposes:
        return f"ocsp signer {signer} lacks the extended key usage ocspSigning"
    if signer.extensions.unknown_critical:
        return f"ocsp signer {signer} has critical extensions that are not supported"
    checked = validity(f"ocsp signer {signer}", signer.not_before, signer.not_after, now)
    return "" if checked.ok else checked.text


def _is_issuer(one: ocsp.OCSPSingleResponse, issuer: Certificate) -> bool:
    digest = hashes.Hash(one.hash_algorithm)
    digest.update(issuer.subject.data)
    return one.issuer_name_hash == digest.finalize() and one.issuer_key_hash == _key_hash(one, issuer)


def _key_hash(one: ocsp.OCSPSingleResponse, issuer: Certificate) -> bytes:
    """The hash of the CA's key without its algorithm."""
    if isinstance(one.hash_algorithm, hashes.SHA1):
        return issuer.public_key.subject_key_id
    digest = hashes.Hash(one.hash_algorithm)
    digest.update(read(issuer.public_key.spki, SEQUENCE).children()[1].octets())
    return digest.finalize()


def _single(one: ocsp.OCSPSingleResponse) -> Single:
    revoked, following = one.revocation_time_utc, one.next_update_utc
    return Single(
        Answer[one.certificate_status.name],
        one.this_update_utc.timestamp(),
        following.timestamp() if following else None,
        revoked.timestamp() if revoked else None,
        one.revocation_reason,
    )


def _words(status: ocsp.OCSPResponseStatus) -> str:
    return status.name.lower().replace("_", " ")
