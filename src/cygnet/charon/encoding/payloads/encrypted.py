"""Encrypted payload and Encrypted Fragment payload (RFC 7296, 3.14; RFC 7383, 2.5).

Both take the type of the first payload inside from the generic header's next-payload field; they are
always the last payload. ``data`` is initialization vector, ciphertext and integrity check value.
"""

from struct import Struct
from typing import ClassVar

from cygnet.base.records import record
from cygnet.charon.encoding.errors import InvalidFragmentError
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType

_FRAGMENT = Struct("!HH")


@record
class Encrypted(Payload):
    """SK."""

    payload_type: ClassVar[PayloadType] = PayloadType.SK
    notation: ClassVar[str] = "E"

    next: int
    data: bytes

    @classmethod
    def parse(cls, body: bytes, following: int = 0) -> "Encrypted":
        """``following`` is the generic header's next-payload field."""
        return cls(following, body)

    def build(self) -> bytes:
        """The data as it is."""
        return self.data


@record
class EncryptedFragment(Payload):
    """SKF: part ``number`` of ``total``, counted from 1. ``next`` counts in the first part only."""

    payload_type: ClassVar[PayloadType] = PayloadType.SKF
    notation: ClassVar[str] = "EF"

    next: int
    number: int
    total: int
    data: bytes

    @classmethod
    def parse(cls, body: bytes, following: int = 0) -> "EncryptedFragment":
        """Raises :class:`InvalidFragmentError` for numbers that are to be silently discarded."""
        if len(body) < _FRAGMENT.size:
            raise InvalidFragmentError(f"fragment of {len(body)} octets")
        number, total = _FRAGMENT.unpack_from(body)
        if not 0 < number <= total:
            raise InvalidFragmentError(f"fragment {number} of {total}")
        return cls(following, number, total, body[_FRAGMENT.size :])

    def build(self) -> bytes:
        """Numbers and data."""
        return _FRAGMENT.pack(self.number, self.total) + self.data

    def describe(self) -> str:
        """``EF(1/3)``."""
        return f"EF({self.number}/{self.total})"
