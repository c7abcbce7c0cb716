"""AEADs as IPsec uses them: the nonce is the salt from the keying material and the IV of the packet.

RFC 5282 (IKEv2), RFC 4106 (AES-GCM), RFC 4309 (AES-CCM), RFC 7634 (ChaCha20-Poly1305), RFC 4543 (GMAC).
"""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM

from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.interfaces import Octets, Sealer, Work
from cygnet.crypto.one_by_one import OneByOne

_FAILED = "integrity check failed"


class AeadSealer:
    """A full-length AEAD of OpenSSL; this is the path every ESP packet takes, so it does nothing else.

    OpenSSL's object comes with the first packet, which many an SA never has: it is a third of an SA's memory
    and a tenth of what it costs to install one. Until then the slots of its calls are empty.
    """

    __slots__ = ("_decrypt", "_decrypt_into", "_encrypt", "_encrypt_into", "_make", "_salt", "icv_size")

    iv_size = 8
    block_size = 1
    counter_mode = True
    aead = True

    def __init__(self, make: "Callable[[], _Aead]", salt: bytes, icv_size: int) -> None:
        self._make: Callable[[], _Aead] | None = make
        self._salt = salt
        self.icv_size = icv_size

    def seal(self, iv: bytes, plaintext: bytes, aad: bytes, trailer: bytes = b"") -> bytes:
        """Ciphertext and tag."""
        try:
            return self._encrypt(self._salt + iv, plaintext, aad)
        except AttributeError:
            return self._begun().seal(iv, plaintext, aad)

    def open(self, iv: bytes, sealed: bytes, aad: bytes, trailer: bytes = b"") -> bytes:
        """The plaintext; raises :class:`IntegrityError`."""
        try:
            return self._decrypt(self._salt + iv, sealed, aad)
        except AttributeError:
            return self._begun().open(iv, sealed, aad)
        except (InvalidTag, ValueError):
            raise IntegrityError(_FAILED) from None

    def seal_all(self, work: Work) -> None:
        """Ciphertext and tag of each."""
        encrypt, salt = self._begun()._encrypt_into, self._salt
        for iv, plaintext, aad, _, place in work:
            encrypt(salt + iv, plaintext, aad, place)

    def open_all(self, work: Work) -> list[int]:
        """The plaintext of each; which ones fail."""
        decrypt, salt = self._begun()._decrypt_into, self._salt
        failed = []
        for number, (iv, sealed, aad, _, place) in enumerate(work):
            try:
                decrypt(salt + iv, sealed, aad, place)
            except (InvalidTag, ValueError):
                failed.append(number)
        return failed

    def _begun(self) -> "AeadSealer":
        """Itself, with OpenSSL's object."""
        if self._make is not None:
            cipher, self._make = self._make(), None
            self._encrypt, self._encrypt_into = cipher.encrypt, cipher.encrypt_into
            self._decrypt, self._decrypt_into = cipher.decrypt, cipher.decrypt_into
        return self


class ShortGcmSealer(OneByOne):
    """AES-GCM with an ICV of 8 or 12 octets (RFC 4106, 6)."""

    __slots__ = ("_cipher", "_encrypt", "_salt", "icv_size")

    iv_size = 8
    block_size = 1
    counter_mode = True
    aead = True

    def __init__(self, key: bytes, salt: bytes, icv_size: int) -> None:
        self._encrypt = AESGCM(key).encrypt
        self._cipher = AES(key)
        self._salt = salt
        self.icv_size = icv_size

    def seal(self, iv: bytes, plaintext: bytes, aad: bytes, trailer: bytes = b"") -> bytes:
        """Ciphertext and the first octets of the tag."""
        return self._encrypt(self._salt + iv, plaintext, aad)[: len(plaintext) + self.icv_size]

    def open(self, iv: bytes, sealed: bytes, aad: bytes, trailer: bytes = b"") -> bytes:
        """The plaintext; raises :class:`IntegrityError`."""
        body, tag = sealed[: -self.icv_size], sealed[-self.icv_size :]
        try:
            mode = GCM(self._salt + iv, tag, min_tag_length=self.icv_size)
            decryptor = Cipher(self._cipher, mode).decryptor()
            decryptor.authenticate_additional_data(aad)
            return decryptor.update(body) + decryptor.finalize()
        except (InvalidTag, ValueError):
            raise IntegrityError(_FAILED) from None


class GmacSealer(OneByOne):
    """ENCR_NULL_AUTH_AES_GMAC: the payload travels in clear under a GMAC (RFC 4543, 3). ESP only."""

    __slots__ = ("_cipher", "_salt")

    iv_size = 8
    icv_size = 16
    block_size = 1
    counter_mode = True
    aead = True

    def __init__(self, key: bytes, salt: bytes) -> None:
        self._cipher = AESGCM(key)
        self._salt = salt

    def seal(self, iv: bytes, plaintext: bytes, aad: bytes, trailer: bytes = b"") -> bytes:
        """The plaintext and its tag."""
        return plaintext + self._cipher.encrypt(self._salt + iv, b"", aad + iv + plaintext)

    def open(self, iv: bytes, sealed: bytes, aad: bytes, trailer: bytes = b"") -> bytes:
        """The plaintext; raises :class:`IntegrityError`."""
        body, tag = sealed[:-16], sealed[-16:]
        try:
            self._cipher.decrypt(self._salt + iv, tag, aad + iv + body)
        except (InvalidTag, ValueError):
            raise IntegrityError(_FAILED) from None
        return body


def aes_gcm(key: bytes, salt: bytes, icv_size: int) -> Sealer:
    """AES-GCM with an ICV of 8, 12 or 16 octets."""
    if icv_size == 16:
        return AeadSealer(partial(AESGCM, key), salt, icv_size)
    return ShortGcmSealer(key, salt, icv_size)


def aes_ccm(key: bytes, salt: bytes, icv_size: int) -> Sealer:
    """AES-CCM with an ICV of 8, 12 or 16 octets; the salt has three octets (RFC 4309, 4)."""
    return AeadSealer(partial(AESCCM, key, icv_size), salt, icv_size)


def chacha20_poly1305(key: bytes, salt: bytes, icv_size: int) -> Sealer:
    """ChaCha20-Poly1305 (RFC 7634, 2)."""
    return AeadSealer(partial(ChaCha20Poly1305, key), salt, icv_size)


def aes_gmac(key: bytes, salt: bytes, icv_size: int) -> Sealer:
    """NULL encryption under AES-GMAC (RFC 4543)."""
    return GmacSealer(key, salt)


class _Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...

    def encrypt_into(self, nonce: bytes, data: Octets, associated_data: Octets, buf: memoryview) -> int: ...

    def decrypt_into(self, nonce: bytes, data: Octets, associated_data: Octets, buf: memoryview) -> int: ...
