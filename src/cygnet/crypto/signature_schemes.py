"""Signature schemes of AUTH payloads, one row each (RFC 7296, 3.8; RFC 4754; RFC 7427; RFC 8420)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey, Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from cygnet.crypto.errors import SignatureError

NativePrivateKey = RSAPrivateKey | ec.EllipticCurvePrivateKey | Ed25519PrivateKey | Ed448PrivateKey
NativePublicKey = RSAPublicKey | ec.EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey


class KeyKind(StrEnum):
    """What a key is good for; the values are printed by ``listcerts``."""

    RSA = "RSA"
    ECDSA = "ECDSA"
    ED25519 = "ED25519"
    ED448 = "ED448"


class Hash(IntEnum):
    """Hash algorithms of SIGNATURE_HASH_ALGORITHMS (RFC 7427, 7; RFC 8420, 2)."""

    SHA1 = 1
    SHA2_256 = 2
    SHA2_384 = 3
    SHA2_512 = 4
    IDENTITY = 5


class Operation(Protocol):
    """How a scheme signs and verifies; a key of the wrong kind raises as a bad signature does."""

    def sign(self, key: NativePrivateKey, data: bytes) -> bytes:
        """The signature of ``data``."""

    def verify(self, key: NativePublicKey, data: bytes, signature: bytes) -> None:
        """Raises ``InvalidSignature``, ``ValueError`` or :class:`SignatureError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureScheme:
    """One way to sign.

    ``name`` and ``label`` are charon's words for logs. ``identifier`` is the DER AlgorithmIdentifier of
    method 14 (RFC 7427), empty for a scheme that only exists as its own authentication ``method``.
    ``curve_bits`` ties the classic ECDSA methods to their curves (RFC 4754, 3).
    """

    name: str
    kind: KeyKind
    hash: Hash
    operation: Operation
    identifier: bytes = b""
    method: int = 14
    curve_bits: int = 0
    label: str = ""
    weak: str = ""

    def __str__(self) -> str:
        return self.label or self.name


class Pkcs1:
    """RSASSA-PKCS1-v1_5."""

    def __init__(self, digest: hashes.HashAlgorithm) -> None:
        self._digest = digest

    def sign(self, key: NativePrivateKey, data: bytes) -> bytes:
        """The signature of ``data``."""
        if not isinstance(key, RSAPrivateKey):
            raise SignatureError("not an RSA key")
        return key.sign(data, padding.PKCS1v15(), self._digest)

    def verify(self, key: NativePublicKey, data: bytes, signature: bytes) -> None:
        """Raises ``InvalidSignature``."""
        if not isinstance(key, RSAPublicKey):
            raise SignatureError("not an RSA key")
        key.verify(signature, data, padding.PKCS1v15(), self._digest)


class Pss:
    """RSASSA-PSS with MGF1 of the same hash and a salt as long as the hash (RFC 7427, A.4)."""

    def __init__(self, digest: hashes.HashAlgorithm) -> None:
        self._digest = digest
        self._padding = padding.PSS(padding.MGF1(digest), digest.digest_size)

    def sign(self, key: NativePrivateKey, data: bytes) -> bytes:
        """The signature of ``data``."""
        if not isinstance(key, RSAPrivateKey):
            raise SignatureError("not an RSA key")
        return key.sign(data, self._padding, self._digest)

    def verify(self, key: NativePublicKey, data: bytes, signature: bytes) -> None:
        """Raises ``InvalidSignature``."""
        if not isinstance(key, RSAPublicKey):
            raise SignatureError("not an RSA key")
        key.verify(signature, data, self._padding, self._digest)


class EcdsaDer:
    """ECDSA whose signature is DER (RFC 7427, A.3), deterministic after RFC 6979."""

    def __init__(self, digest: hashes.HashAlgorithm) -> None:
        self._sign = ec.ECDSA(digest, deterministic_signing=True)
        self._verify = ec.ECDSA(digest)

    def sign(self, key: NativePrivateKey, data: bytes) -> bytes:
        """The signature of ``data``."""
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise SignatureError("not an ECDSA key")
        return key.sign(data, self._sign)

    def verify(self, key: NativePublicKey, data: bytes, signature: bytes) -> None:
        """Raises ``InvalidSignature``."""
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise SignatureError("not an ECDSA key")
        key.verify(signature, data, self._verify)


class EcdsaConcatenated(EcdsaDer):
    """ECDSA on one curve whose signature is r and s side by side (RFC 4754, 7)."""

    def __init__(self, digest: hashes.HashAlgorithm, curve: ec.EllipticCurve) -> None:
        super().__init__(digest)
        self._curve = curve.name
        self._octets = (curve.key_size + 7) // 8

    def sign(self, key: NativePrivateKey, data: bytes) -> bytes:
        """The signature of ``data``."""
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != self._curve:
            raise SignatureError(f"not an ECDSA key on {self._curve}")
        r, s = decode_dss_signature(super().sign(key, data))
        return r.to_bytes(self._octets, "big") + s.to_bytes(self._octets, "big")

    def verify(self, key: NativePublicKey, data: bytes, signature: bytes) -> None:
        """Raises ``InvalidSignature``."""
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != self._curve:
            raise SignatureError(f"not an ECDSA key on {self._curve}")
        if len(signature) != 2 * self._octets:
            raise InvalidSignature
        r, s = signature[: self._octets], signature[self._octets :]
        super().verify(key, data, encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big")))


class Eddsa:
    """Ed25519 or Ed448 over the data itself (RFC 8420, 2)."""

    def __init__(self, kind: KeyKind) -> None:
        self._private, self._public = _EDWARDS[kind]
        self._kind = kind

    def sign(self, key: NativePrivateKey, data: bytes) -> bytes:
        """The signature of ``data``."""
        if not isinstance(key, (Ed25519PrivateKey, Ed448PrivateKey)) or not isinstance(key, self._private):
            raise SignatureError(f"not an {self._kind} key")
        return key.sign(data)

    def verify(self, key: NativePublicKey, data: bytes, signature: bytes) -> None:
        """Raises ``InvalidSignature``."""
        if not isinstance(key, (Ed25519PublicKey, Ed448PublicKey)) or not isinstance(key, self._public):
            raise SignatureError(f"not an {self._kind} key")
        key.verify(signature, data)


_EDWARDS = {
    KeyKind.ED25519: (Ed25519PrivateKey, Ed25519PublicKey),
    KeyKind.ED448: (Ed448PrivateKey, Ed448PublicKey),
}
_WEAK_SHA1 = "SHA-1; RFC 8247: MUST NOT within method 14, kept for peers that know only method 1"
_SHA1, _SHA256, _SHA384, _SHA512 = hashes.SHA1(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512()


def _hex(text: str) -> bytes:
    return bytes.fromhex(text)


def _pss_identifier(last_arc: int, salt: int, null: str = "0500", trailer: str = "a303020101") -> bytes:
    """RSASSA-PSS-params of a SHA-2 hash, its OID's last arc given (RFC 4055, 3.1; RFC 7427, A.4.3)."""
    digest = _sequence(f"06096086480165030402{last_arc:02x}" + null)
    mgf1 = _sequence("06092a864886f70d010108" + digest)
    body = _wrap("a0", digest) + _wrap("a1", mgf1) + f"a2030201{salt:02x}" + trailer
    return bytes.fromhex(_sequence("06092a864886f70d01010a" + _sequence(body)))


def _sequence(body: str) -> str:
    return _wrap("30", body)


def _wrap(tag: str, body: str) -> str:
    """A short DER element, in hexadecimal."""
    return f"{tag}{len(body) // 2:02x}{body}"


SCHEMES = (
    SignatureScheme(
        name="RSA_EMSA_PKCS1_SHA2_256", kind=KeyKind.RSA, hash=Hash.SHA2_256, operation=Pkcs1(_SHA256),
        identifier=_hex("300d06092a864886f70d01010b0500"),
    ),
    SignatureScheme(
        name="RSA_EMSA_PKCS1_SHA2_384", kind=KeyKind.RSA, hash=Hash.SHA2_384, operation=Pkcs1(_SHA384),
        identifier=_hex("300d06092a864886f70d01010c0500"),
    ),
    SignatureScheme(
        name="RSA_EMSA_PKCS1_SHA2_512", kind=KeyKind.RSA, hash=Hash.SHA2_512, operation=Pkcs1(_SHA512),
        identifier=_hex("300d06092a864886f70d01010d0500"),
    ),
    SignatureScheme(
        name="RSA_EMSA_PSS_SHA2_256", kind=KeyKind.RSA, hash=Hash.SHA2_256, operation=Pss(_SHA256),
        identifier=_pss_identifier(1, 32),
    ),
    SignatureScheme(
        name="RSA_EMSA_PSS_SHA2_384", kind=KeyKind.RSA, hash=Hash.SHA2_384, operation=Pss(_SHA384),
        identifier=_pss_identifier(2, 48),
    ),
    SignatureScheme(
        name="RSA_EMSA_PSS_SHA2_512", kind=KeyKind.RSA, hash=Hash.SHA2_512, operation=Pss(_SHA512),
        identifier=_pss_identifier(3, 64),
    ),
    SignatureScheme(
        name="ECDSA_WITH_SHA256_DER", kind=KeyKind.ECDSA, hash=Hash.SHA2_256, operation=EcdsaDer(_SHA256),
        identifier=_hex("300a06082a8648ce3d040302"),
    ),
    SignatureScheme(
        name="ECDSA_WITH_SHA384_DER", kind=KeyKind.ECDSA, hash=Hash.SHA2_384, operation=EcdsaDer(_SHA384),
        identifier=_hex("300a06082a8648ce3d040303"),
    ),
    SignatureScheme(
        name="ECDSA_WITH_SHA512_DER", kind=KeyKind.ECDSA, hash=Hash.SHA2_512, operation=EcdsaDer(_SHA512),
        identifier=_hex("300a06082a8648ce3d040304"),
    ),
    SignatureScheme(
        name="ED25519", kind=KeyKind.ED25519, hash=Hash.IDENTITY, operation=Eddsa(KeyKind.ED25519),
        identifier=_hex("300506032b6570"),
    ),
    SignatureScheme(
        name="ED448", kind=KeyKind.ED448, hash=Hash.IDENTITY, operation=Eddsa(KeyKind.ED448),
        identifier=_hex("300506032b6571"),
    ),
    SignatureScheme(
        name="RSA_EMSA_PKCS1_SHA1", kind=KeyKind.RSA, hash=Hash.SHA1, operation=Pkcs1(_SHA1),
        method=1, label="RSA signature", weak=_WEAK_SHA1,
    ),
    SignatureScheme(
        name="ECDSA-256", kind=KeyKind.ECDSA, hash=Hash.SHA2_256,
        operation=EcdsaConcatenated(_SHA256, ec.SECP256R1()), method=9, curve_bits=256,
        label="ECDSA-256 signature",
    ),
    SignatureScheme(
        name="ECDSA-384", kind=KeyKind.ECDSA, hash=Hash.SHA2_384,
        operation=EcdsaConcatenated(_SHA384, ec.SECP384R1()), method=10, curve_bits=384,
        label="ECDSA-384 signature",
    ),
    SignatureScheme(
        name="ECDSA-521", kind=KeyKind.ECDSA, hash=Hash.SHA2_512,
        operation=EcdsaConcatenated(_SHA512, ec.SECP521R1()), method=11, curve_bits=521,
        label="ECDSA-521 signature",
    ),
)  # fmt: skip


def other_identifiers() -> Iterator[tuple[bytes, str]]:
    """Identifiers as peers encode them besides our rows' own way: an absent NULL, no trailer field."""
    for number, (bits, salt) in enumerate(((256, 32), (384, 48), (512, 64)), 1):
        name = f"SHA2_{bits}"
        yield _hex(f"300b06092a864886f70d01010{10 + number:x}"), f"RSA_EMSA_PKCS1_{name}"
        for null in ("0500", ""):
            for trailer in ("a303020101", ""):
                yield _pss_identifier(number, salt, null, trailer), f"RSA_EMSA_PSS_{name}"
