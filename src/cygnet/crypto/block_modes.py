"""Ciphers without integrity of their own, and their union with a MAC over the ciphertext.

RFC 3602 (AES-CBC), RFC 3686 and RFC 5930 (AES-CTR), RFC 5529 (Camellia), RFC 2451 (3DES), RFC 2405 (DES),
RFC 2410 (NULL).
"""

import hmac

from cryptography.hazmat.decrepit.ciphers.algorithms import Camellia, TripleDES
from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, CTR

from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.interfaces import BlockMode, Mac
from cygnet.crypto.one_by_one import OneByOne

_FIRST_COUNTER = (1).to_bytes(4, "big")


class CbcMode:
    """Cipher block chaining."""

    __slots__ = ("_algorithm",)

    def __init__(self, algorithm: BlockCipherAlgorithm) -> None:
        self._algorithm = algorithm

    def encrypt(self, iv: bytes, plaintext: bytes) -> bytes:
        """The ciphertext of whole blocks."""
        encryptor = Cipher(self._algorithm, CBC(iv)).encryptor()
        return encryptor.update(plaintext) + encryptor.finalize()

    def decrypt(self, iv: bytes, ciphertext: bytes) -> bytes:
        """The plaintext of whole blocks."""
        decryptor = Cipher(self._algorithm, CBC(iv)).decryptor()
        return decryptor.update(ciphertext) + decryptor.finalize()


class CtrMode:
    """Counter mode: nonce from the keying material, IV of the packet, a counter from 1 (RFC 3686, 4)."""

    __slots__ = ("_algorithm", "_nonce")

    def __init__(self, algorithm: AES, nonce: bytes) -> None:
        self._algorithm = algorithm
        self._nonce = nonce

    def encrypt(self, iv: bytes, plaintext: bytes) -> bytes:
        """The ciphertext; decryption is the same operation."""
        encryptor = Cipher(self._algorithm, CTR(self._nonce + iv + _FIRST_COUNTER)).encryptor()
        return encryptor.update(plaintext) + encryptor.finalize()

    decrypt = encrypt


class NullMode:
    """No encryption at all (RFC 2410)."""

    __slots__ = ()

    def encrypt(self, iv: bytes, plaintext: bytes) -> bytes:
        """The plaintext."""
        return plaintext

    def decrypt(self, iv: bytes, ciphertext: bytes) -> bytes:
        """The ciphertext."""
        return ciphertext


class EncryptThenMac(OneByOne):
    """A block mode and a MAC over what precedes the IV, the IV, the ciphertext and the trailer.

    That is the integrity check of RFC 7296, 3.14 as well as of RFC 4303, 2.8.
    """

    __slots__ = ("_mac", "_mode", "block_size", "counter_mode", "icv_size", "iv_size")

    aead = False

    def __init__(self, mode: BlockMode, mac: Mac, sizes: tuple[int, int, int], counter_mode: bool) -> None:
        """``sizes`` are those of IV, ICV and block."""
        self._mode = mode
        self._mac = mac
        self.iv_size, self.icv_size, self.block_size = sizes
        self.counter_mode = counter_mode

    def seal(self, iv: bytes, plaintext: bytes, aad: bytes, trailer: bytes = b"") -> bytes:
        """Ciphertext and ICV."""
        ciphertext = self._mode.encrypt(iv, plaintext)
        return ciphertext + self._mac(aad, iv, ciphertext, trailer)

    def open(self, iv: bytes, sealed: bytes, aad: bytes, trailer: bytes = b"") -> bytes:
        """The plaintext; raises :class:`IntegrityError` before anything is decrypted."""
        split = len(sealed) - self.icv_size
        ciphertext = sealed[:split]
        if split < 0 or split % self.block_size or len(iv) != self.iv_size:
            raise IntegrityError("not a whole number of blocks")
        if not hmac.compare_digest(self._mac(aad, iv, ciphertext, trailer), sealed[split:]):
            raise IntegrityError("integrity check failed")
        return self._mode.decrypt(iv, ciphertext)


def aes_cbc(key: bytes, salt: bytes) -> BlockMode:
    """AES-CBC (RFC 3602)."""
    return CbcMode(AES(key))


def aes_ctr(key: bytes, salt: bytes) -> BlockMode:
    """AES-CTR (RFC 3686)."""
    return CtrMode(AES(key), salt)


def camellia_cbc(key: bytes, salt: bytes) -> BlockMode:
    """Camellia-CBC (RFC 5529)."""
    return CbcMode(Camellia(key))


def triple_des_cbc(key: bytes, salt: bytes) -> BlockMode:
    """3DES-CBC (RFC 2451)."""
    return CbcMode(TripleDES(key))


def des_cbc(key: bytes, salt: bytes) -> BlockMode:
    """DES-CBC (RFC 2405), as 3DES with the one key three times."""
    return CbcMode(TripleDES(key * 3))


def null(key: bytes, salt: bytes) -> BlockMode:
    """NULL (RFC 2410)."""
    return NullMode()
