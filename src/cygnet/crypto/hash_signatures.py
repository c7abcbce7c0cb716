"""Signatures of IKEv1, over HASH_I or HASH_R as it is, without hashing that again (RFC 2409, 5.1).

RSA is PKCS #1 padding around the hash, without the name of the hash ("private key encryption" in RFC 2409).
ECDSA takes the hash for the digest; RFC 4754, 3 ties hashes to curves, and strongSwan does as here.
"""

import hmac

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    NoDigestInfo,
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)

from cygnet.crypto.errors import SignatureError
from cygnet.crypto.signature_schemes import Hash, KeyKind, NativePrivateKey, NativePublicKey, SignatureScheme

_BY_SIZE: dict[int, hashes.HashAlgorithm] = {
    20: hashes.SHA1(), 32: hashes.SHA256(), 48: hashes.SHA384(), 64: hashes.SHA512()
}  # fmt: skip


class PlainPkcs1:
    """Block type 1 around ``data``, which is a hash already."""

    def sign(self, key: NativePrivateKey, data: bytes) -> bytes:
        """The signature of ``data``."""
        if not isinstance(key, RSAPrivateKey):
            raise SignatureError("not an RSA key")
        return key.sign(data, PKCS1v15(), NoDigestInfo())

    def verify(self, key: NativePublicKey, data: bytes, signature: bytes) -> None:
        """Raises ``InvalidSignature`` or :class:`SignatureError`."""
        if not isinstance(key, RSAPublicKey):
            raise SignatureError("not an RSA key")
        recovered = key.recover_data_from_signature(signature, PKCS1v15(), None)
        if not hmac.compare_digest(recovered, data):
            raise SignatureError("the RSA signature is over something else")


class PlainEcdsa:
    """``data`` is the digest; r and s side by side, each as long as the curve (RFC 4754, 7)."""

    def sign(self, key: NativePrivateKey, data: bytes) -> bytes:
        """The signature of ``data``."""
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise SignatureError("not an ECDSA key")
        size = (key.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(data, _ecdsa(data)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def verify(self, key: NativePublicKey, data: bytes, signature: bytes) -> None:
        """Raises ``InvalidSignature`` or :class:`SignatureError`."""
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise SignatureError("not an ECDSA key")
        size = (key.key_size + 7) // 8
        if len(signature) != 2 * size:
            raise InvalidSignature
        r, s = (int.from_bytes(one, "big") for one in (signature[:size], signature[size:]))
        key.verify(encode_dss_signature(r, s), data, _ecdsa(data))


def _ecdsa(data: bytes) -> ec.ECDSA:
    algorithm = _BY_SIZE.get(len(data))
    if algorithm is None:
        raise SignatureError(f"{len(data)} octets are no hash that ECDSA could sign")
    return ec.ECDSA(Prehashed(algorithm))


PLAIN_RSA = SignatureScheme(
    name="RSA_EMSA_PKCS1_NULL", kind=KeyKind.RSA, hash=Hash.IDENTITY, operation=PlainPkcs1()
)
PLAIN_ECDSA = SignatureScheme(
    name="ECDSA_WITH_NULL", kind=KeyKind.ECDSA, hash=Hash.IDENTITY, operation=PlainEcdsa()
)
"""Not among the schemes of IKEv2, which cannot say them."""
