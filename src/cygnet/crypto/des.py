"""Single blocks of DES with keys of 56 bits: broken, and kept for MSCHAPv2 only (RFC 2759, 8.6).

``cryptography`` keeps no DES; it is 3DES with the one key three times.
"""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import ECB


def encrypt_block(key: bytes, block: bytes) -> bytes:
    """``block`` (8 octets) under ``key`` (7 octets, without parity bits)."""
    encryptor = Cipher(TripleDES(_with_parity(key) * 3), ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


def _with_parity(key: bytes) -> bytes:
    """Eight octets of seven key bits each; DES ignores the eighth, the parity bit, which stays zero."""
    bits = int.from_bytes(key, "big")
    return bytes((bits >> shift & 0x7F) << 1 for shift in range(49, -1, -7))
