"""Message authentication codes, keyed once.

HMAC (RFC 2104, RFC 4868), AES-CMAC (RFC 4494), AES-XCBC (RFC 3566).
"""

import hmac

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC

from cygnet.crypto.interfaces import Mac

_BLOCK = 16


class HmacMac:
    """HMAC; the key's inner and outer blocks are hashed once and copied for each message."""

    __slots__ = ("_keyed", "_size")

    def __init__(self, digest: str, key: bytes, size: int) -> None:
        self._keyed = hmac.new(key, digestmod=digest)
        self._size = size

    def __call__(self, *parts: bytes) -> bytes:
        """The code over the parts in order."""
        code = self._keyed.copy()
        for part in parts:
            code.update(part)
        return code.digest()[: self._size]


class CmacMac:
    """AES-128-CMAC (NIST SP 800-38B, RFC 4493)."""

    __slots__ = ("_keyed", "_size")

    def __init__(self, key: bytes, size: int) -> None:
        self._keyed = CMAC(AES(key))
        self._size = size

    def __call__(self, *parts: bytes) -> bytes:
        """The code over the parts in order."""
        code = self._keyed.copy()
        for part in parts:
            code.update(part)
        return code.finalize()[: self._size]


class XcbcMac:
    """AES-XCBC-MAC (RFC 3566, 4): a CBC-MAC whose last block is masked with a derived key."""

    __slots__ = ("_cipher", "_full", "_padded", "_size")

    def __init__(self, key: bytes, size: int) -> None:
        encryptor = Cipher(AES(key), ECB()).encryptor()
        derived = encryptor.update(b"\1" * _BLOCK + b"\2" * _BLOCK + b"\3" * _BLOCK)
        self._cipher = AES(derived[:_BLOCK])
        self._full = derived[_BLOCK : 2 * _BLOCK]
        self._padded = derived[2 * _BLOCK :]
        self._size = size

    def __call__(self, *parts: bytes) -> bytes:
        """The code over the parts in order."""
        message = b"".join(parts)
        head = max(0, (len(message) - 1) // _BLOCK) * _BLOCK
        last, mask = message[head:], self._full
        if len(last) < _BLOCK:
            last, mask = last + b"\x80" + bytes(_BLOCK - 1 - len(last)), self._padded
        masked = bytes(a ^ b for a, b in zip(last, mask, strict=True))
        encryptor = Cipher(self._cipher, CBC(bytes(_BLOCK))).encryptor()
        return encryptor.update(message[:head] + masked)[-_BLOCK:][: self._size]


def hmac_md5(key: bytes, size: int) -> Mac:
    """HMAC-MD5 (RFC 2403)."""
    return HmacMac("md5", key, size)


def hmac_sha1(key: bytes, size: int) -> Mac:
    """HMAC-SHA-1 (RFC 2404)."""
    return HmacMac("sha1", key, size)


def hmac_sha2_256(key: bytes, size: int) -> Mac:
    """HMAC-SHA-256 (RFC 4868)."""
    return HmacMac("sha256", key, size)


def hmac_sha2_384(key: bytes, size: int) -> Mac:
    """HMAC-SHA-384 (RFC 4868)."""
    return HmacMac("sha384", key, size)


def hmac_sha2_512(key: bytes, size: int) -> Mac:
    """HMAC-SHA-512 (RFC 4868)."""
    return HmacMac("sha512", key, size)


def aes_cmac(key: bytes, size: int) -> Mac:
    """AES-128-CMAC; as a PRF it takes any key (RFC 4615, 3)."""
    return CmacMac(key if len(key) == _BLOCK else CmacMac(bytes(_BLOCK), _BLOCK)(key), size)


def aes_xcbc(key: bytes, size: int) -> Mac:
    """AES-128-XCBC; as a PRF it takes any key (RFC 4434, 2)."""
    if len(key) > _BLOCK:
        key = XcbcMac(bytes(_BLOCK), _BLOCK)(key)
    return XcbcMac(key.ljust(_BLOCK, b"\0"), size)
