"""Private and public keys: what kind, how strong, signing, verifying, reading from files."""

import hashlib
from typing import ClassVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import SubjectKeyIdentifier

from cygnet.base.errors import LocalError
from cygnet.base.secret import Secret
from cygnet.crypto.errors import MalformedKeyError, SignatureError
from cygnet.crypto.signature_schemes import KeyKind, NativePrivateKey, NativePublicKey, SignatureScheme

MAX_RSA_BITS = 16384


class KeyLoadError(LocalError):
    """A private key of ours cannot be used; the text says why."""

    notify: ClassVar[int | None] = 24


class PublicKey:
    """A public key. ``bits`` is the size of the modulus or of the curve."""

    __slots__ = ("_native", "bits", "key_id", "kind", "spki")

    def __init__(self, native: NativePublicKey) -> None:
        self._native = native
        self.kind = _kind(native)
        self.bits = _bits(native)
        self.spki = native.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key_id = hashlib.sha1(self.spki, usedforsecurity=False).digest()

    @classmethod
    def from_spki(cls, der: bytes) -> "PublicKey":
        """The key in a SubjectPublicKeyInfo; raises :class:`MalformedKeyError`."""
        try:
            native = serialization.load_der_public_key(der)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise MalformedKeyError("unreadable public key") from None
        return cls.from_native(native)

    @classmethod
    def from_native(cls, native: object) -> "PublicKey":
        """A key of the ``cryptography`` package; raises :class:`MalformedKeyError` if of no use for IKE."""
        if not isinstance(native, NativePublicKey):
            raise MalformedKeyError(f"public key of an unsupported kind ({type(native).__name__})")
        if isinstance(native, RSAPublicKey) and native.key_size > MAX_RSA_BITS:
            raise MalformedKeyError(f"RSA key of {native.key_size} bits")
        try:
            return cls(native)
        except ValueError:
            raise MalformedKeyError("unreadable public key") from None

    @property
    def native(self) -> NativePublicKey:
        """The object of the ``cryptography`` package."""
        return self._native

    @property
    def subject_key_id(self) -> bytes:
        """SHA-1 of the key without its algorithm (RFC 5280, 4.2.1.2, method 1; ``subjkey`` in lists)."""
        return SubjectKeyIdentifier.from_public_key(self._native).digest

    def verify(self, scheme: SignatureScheme, data: bytes, signature: bytes) -> None:
        """Raises :class:`SignatureError` unless ``signature`` is this key's over ``data``."""
        try:
            scheme.operation.verify(self._native, data, signature)
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            raise SignatureError(f"{scheme} does not verify with this {self} key") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and self.spki == other.spki

    def __hash__(self) -> int:
        return hash(self.spki)

    def __str__(self) -> str:
        return f"{self.kind} {self.bits} bits"


class PrivateKey:
    """A private key with its public half."""

    __slots__ = ("_native", "public_key")

    def __init__(self, native: NativePrivateKey) -> None:
        self._native = native
        self.public_key = PublicKey(native.public_key())

    @classmethod
    def load(cls, data: bytes, passphrase: Secret | None = None) -> "PrivateKey":
        """Read PEM or DER: PKCS #1, PKCS #8 (encrypted as well), SEC 1. Raises :class:`KeyLoadError`."""
        read = serialization.load_pem_private_key if _is_pem(data) else serialization.load_der_private_key
        if b"-----BEGIN CERTIFICATE" in data and b"PRIVATE KEY-----" not in data:
            raise KeyLoadError("this is a certificate, not a private key")
        native: object
        try:
            native = read(data, None)
        except TypeError:  # it is encrypted
            native = cls._decrypt(data, passphrase)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyLoadError(f"no private key can be read: {_first_sentence(error)}") from None
        if not isinstance(native, NativePrivateKey):
            raise KeyLoadError("private key is neither RSA, ECDSA, Ed25519 nor Ed448")
        return cls(native)

    @staticmethod
    def _decrypt(data: bytes, passphrase: Secret | None) -> object:
        if not passphrase:
            raise KeyLoadError("private key is encrypted and no passphrase is configured")
        read = serialization.load_pem_private_key if _is_pem(data) else serialization.load_der_private_key
        try:
            return read(data, passphrase.reveal())
        except (ValueError, TypeError):
            raise KeyLoadError("passphrase does not decrypt the private key") from None
        except UnsupportedAlgorithm:
            raise KeyLoadError("private key is encrypted with an unsupported cipher") from None

    @property
    def native(self) -> NativePrivateKey:
        """The object of the ``cryptography`` package."""
        return self._native

    @property
    def kind(self) -> KeyKind:
        """RSA, ECDSA, Ed25519 or Ed448."""
        return self.public_key.kind

    @property
    def bits(self) -> int:
        """Size of the modulus or of the curve."""
        return self.public_key.bits

    @property
    def public_der(self) -> bytes:
        """SubjectPublicKeyInfo of the public half."""
        return self.public_key.spki

    def sign(self, scheme: SignatureScheme, data: bytes) -> bytes:
        """The signature of ``data``; raises :class:`KeyLoadError` where the key does not suit the scheme."""
        try:
            return scheme.operation.sign(self._native, data)
        except (SignatureError, ValueError, UnsupportedAlgorithm, OverflowError) as error:
            raise KeyLoadError(f"{scheme} is not possible with this {self.public_key} key: {error}") from None

    def __repr__(self) -> str:
        return f"PrivateKey({self.public_key})"


def _is_pem(data: bytes) -> bool:
    return b"-----BEGIN" in data


def _first_sentence(error: Exception) -> str:
    return str(error).partition(". ")[0].partition("\n")[0][:120] or "unknown format"


def _kind(native: NativePublicKey) -> KeyKind:
    for kind, of in _KINDS:
        if isinstance(native, of):
            return kind
    raise MalformedKeyError("public key of an unsupported kind")


def _bits(native: NativePublicKey) -> int:
    if isinstance(native, (RSAPublicKey, ec.EllipticCurvePublicKey)):
        return native.key_size
    return 256 if isinstance(native, Ed25519PublicKey) else 448


_KINDS = (
    (KeyKind.RSA, RSAPublicKey),
    (KeyKind.ECDSA, ec.EllipticCurvePublicKey),
    (KeyKind.ED25519, Ed25519PublicKey),
    (KeyKind.ED448, Ed448PublicKey),
)
