"""Notification payload (RFC 2408, 3.14)."""

from dataclasses import dataclass
from struct import Struct
from typing import ClassVar

from cygnet.base.errors import MalformedError
from cygnet.pluto.encoding.notify import is_error, short_name
from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType

_HEAD = Struct("!IBBH")
IPSEC_DOI = 1


@dataclass(frozen=True, slots=True)
class Notification(Payload):
    """An error or a status about an SA. ``spi`` is that SA's: for an ISAKMP SA both cookies.

    By hand, since the SPI's size stands before the type and the SPI after it.
    """

    payload_type: ClassVar[PayloadType] = PayloadType.N
    notation: ClassVar[str] = "N"

    type: int
    data: bytes = b""
    protocol: int = 1
    spi: bytes = b""
    doi: int = IPSEC_DOI

    @classmethod
    def parse(cls, body: bytes) -> "Notification":
        """SPI and data of any size, and any DOI: what a type demands is for its user to check."""
        if len(body) < _HEAD.size:
            raise MalformedError(f"notification payload: {len(body)} octets")
        doi, protocol, spi_size, kind = _HEAD.unpack_from(body)
        at = _HEAD.size + spi_size
        if at > len(body):
            raise MalformedError(f"notification payload: SPI of {spi_size} octets in {len(body)}")
        return cls(kind, body[at:], protocol, body[_HEAD.size : at], doi)

    def build(self) -> bytes:
        """Head, SPI, data."""
        return _HEAD.pack(self.doi, self.protocol, len(self.spi), self.type) + self.spi + self.data

    @property
    def is_error(self) -> bool:
        """Whether the type is an error type (below 16384)."""
        return is_error(self.type)

    def describe(self) -> str:
        """``N(NO_PROP)``."""
        return f"N({short_name(self.type)})"
