"""Private keys that never leave their token, in the classes that ``cryptography`` has for keys.

What signs and decrypts is the token; what only a key in memory can do is refused.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric import utils as asymmetric

from cygnet.runtime.tokens.references import TokenError

Sign = Callable[[bytes, str, Any], bytes]
"""Data, the mechanism's name, its parameter: the signature. Raises :class:`TokenError`."""
Decrypt = Callable[[bytes], bytes]
"""RSA with PKCS #1 v1.5 padding. Raises :class:`TokenError`."""

_RSA_MECHANISMS = {"sha1": "SHA1_RSA_PKCS", "sha256": "SHA256_RSA_PKCS", "sha384": "SHA384_RSA_PKCS",
                   "sha512": "SHA512_RSA_PKCS"}  # fmt: skip


class TokenRsaKey(rsa.RSAPrivateKey):
    """An RSA key on a token, with its CKA_ID there."""

    def __init__(self, public: rsa.RSAPublicKey, sign: Sign, decrypt: Decrypt, key_id: bytes) -> None:
        self._public, self._sign, self._decrypt = public, sign, decrypt
        self.key_id = key_id

    @property
    def key_size(self) -> int:
        """Bits of the modulus."""
        return self._public.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        """The public half."""
        return self._public

    def sign(
        self,
        data: Any,
        padding: padding.AsymmetricPadding,
        algorithm: hashes.HashAlgorithm | asymmetric.Prehashed | asymmetric.NoDigestInfo,
    ) -> bytes:
        """The token hashes and signs; raises ``ValueError`` for what it has no mechanism for."""
        mechanism = _RSA_MECHANISMS.get(getattr(algorithm, "name", ""))
        if mechanism is None:
            raise ValueError("no PKCS#11 mechanism for this hash")
        parameter = None
        if not isinstance(padding, PKCS1):
            mechanism, parameter = mechanism + "_PSS", _salt(padding, algorithm)
        return self._sign(bytes(data), mechanism, parameter)

    def decrypt(self, ciphertext: bytes, padding: padding.AsymmetricPadding) -> bytes:
        """The token decrypts; raises ``ValueError`` for a padding other than PKCS #1 v1.5."""
        if not isinstance(padding, PKCS1):
            raise ValueError("tokens decrypt with the padding of PKCS #1 v1.5 only")
        return self._decrypt(ciphertext)

    def private_numbers(self) -> rsa.RSAPrivateNumbers:
        """They stay on the token."""
        _refuse()

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> bytes:
        """They stay on the token."""
        _refuse()

    def __copy__(self) -> "TokenRsaKey":
        return self

    def __deepcopy__(self, memo: dict[Any, Any]) -> "TokenRsaKey":
        return self


class TokenEcKey(ec.EllipticCurvePrivateKey):
    """A key on an elliptic curve on a token."""

    def __init__(self, public: ec.EllipticCurvePublicKey, sign: Sign) -> None:
        self._public, self._sign = public, sign

    @property
    def curve(self) -> ec.EllipticCurve:
        """Its curve."""
        return self._public.curve

    @property
    def key_size(self) -> int:
        """Bits of the curve."""
        return self._public.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        return self._public

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Hashed here, since few tokens do, and signed there."""
        algorithm = signature_algorithm.algorithm
        if not isinstance(algorithm, hashes.HashAlgorithm):
            raise ValueError("prehashed data is not signed by tokens here")
        digest = hashes.Hash(algorithm)
        digest.update(bytes(data))
        signature = self._sign(digest.finalize(), "ECDSA", None)
        half = len(signature) // 2
        r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        return asymmetric.encode_dss_signature(r, s)

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        """Not done here."""
        _refuse()

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        """They stay on the token."""
        _refuse()

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> bytes:
        """They stay on the token."""
        _refuse()

    def __copy__(self) -> "TokenEcKey":
        return self

    def __deepcopy__(self, memo: dict[Any, Any]) -> "TokenEcKey":
        return self


PKCS1 = padding.PKCS1v15


def _salt(pss: padding.AsymmetricPadding, algorithm: Any) -> tuple[str, int]:
    """Name of the hash, and octets of the salt."""
    length = getattr(pss, "_salt_length", None)
    return algorithm.name, length if isinstance(length, int) else algorithm.digest_size


def _refuse() -> NoReturn:
    raise TokenError("a private key on a token does not leave it")
