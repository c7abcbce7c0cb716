"""Pseudorandom functions and the stretching of their output (RFC 7296, 2.13)."""

import hmac

from cygnet.crypto import tables
from cygnet.crypto.errors import UnsupportedAlgorithmError
from cygnet.crypto.interfaces import Mac
from cygnet.crypto.tables import PrfAlgorithm

__all__ = ["MAX_BLOCKS", "Prf", "prf", "prf_plus"]

MAX_BLOCKS = 255


class Prf:
    """A negotiated PRF.

    ``size`` is its output and preferred key in octets; ``nonce_octets`` of each nonce make SKEYSEED's key
    (RFC 7296, 2.14: 8 of each where the PRF's key has a fixed length), 0 for all of them.
    """

    __slots__ = ("_row", "name", "nonce_octets", "size")

    def __init__(self, row: PrfAlgorithm) -> None:
        self._row = row
        self.name = row.name
        self.size = row.size
        self.nonce_octets = row.nonce_octets

    def __call__(self, key: bytes, data: bytes) -> bytes:
        """prf(key, data); HMAC in one step, which takes half the time of keying it for one message."""
        digest = self._row.digest
        return hmac.digest(key, data, digest) if digest else self.keyed(key)(data)

    def keyed(self, key: bytes) -> Mac:
        """The function with its key set, for several messages."""
        return self._row.mac(key, self.size)

    def nonce_key(self, nonce_i: bytes, nonce_r: bytes) -> bytes:
        """The key of prf(Ni | Nr, g^ir), with the rule for fixed-length keys (RFC 7296, 2.14)."""
        limit = self.nonce_octets or None
        return nonce_i[:limit] + nonce_r[:limit]


def prf(number: int) -> Prf:
    """The PRF of that number; raises :class:`UnsupportedAlgorithmError`."""
    row = tables.prf_algorithm(number)
    if row is None:
        raise UnsupportedAlgorithmError(f"PRF {number} is not supported")
    return Prf(row)


def prf_plus(function: Prf, key: bytes, seed: bytes, length: int) -> bytes:
    """prf+(key, seed): T1 | T2 | ... up to ``length`` octets (RFC 7296, 2.13).

    Raises ``ValueError`` beyond 255 blocks, which the counter octet cannot number.
    """
    if length > MAX_BLOCKS * function.size:
        raise ValueError(f"prf+ yields at most {MAX_BLOCKS} blocks")
    block, output = b"", b""
    for counter in range(1, -(-length // function.size) + 1):
        block = function(key, block + seed + bytes((counter,)))
        output += block
    return output[:length]
