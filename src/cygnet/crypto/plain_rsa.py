"""RSA signatures of IKEv1: PKCS #1 padding around a hash, without the name of the hash (RFC 2409, 5.1)."""

import hmac

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import NoDigestInfo

from cygnet.crypto.errors import SignatureError
from cygnet.crypto.signature_schemes import Hash, KeyKind, NativePrivateKey, NativePublicKey, SignatureScheme


class PlainPkcs1:
    """Block type 1 around ``data``, which is a hash already; "private key encryption" in RFC 2409."""

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


PLAIN_RSA = SignatureScheme(
    name="RSA_EMSA_PKCS1_NULL", kind=KeyKind.RSA, hash=Hash.IDENTITY, operation=PlainPkcs1()
)
"""Not among the schemes of IKEv2, which cannot say it."""
