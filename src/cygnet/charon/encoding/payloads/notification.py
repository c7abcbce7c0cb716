"""Notify payload (RFC 7296, 3.10)."""

from struct import Struct
from typing import ClassVar

from cygnet.base.errors import MalformedError
from cygnet.base.records import record
from cygnet.charon.encoding.notify import is_error, short_name
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType

_HEAD = Struct("!BBH")


@record
class Notify(Payload):
    """An error or a status. ``type`` is the notify message type; unknown ones survive.

    By hand, since the SPI's size stands before the type and the SPI after it.
    """

    payload_type: ClassVar[PayloadType] = PayloadType.NOTIFY
    notation: ClassVar[str] = "N"

    type: int
    data: bytes = b""
    protocol: int = 0
    spi: bytes = b""

    @classmethod
    def parse(cls, body: bytes) -> "Notify":
        """SPI and data of any size: what a type demands is for its user to check."""
        if len(body) < _HEAD.size:
            raise MalformedError(f"notify payload: {len(body)} octets")
        protocol, spi_size, kind = _HEAD.unpack_from(body)
        at = _HEAD.size + spi_size
        if at > len(body):
            raise MalformedError(f"notify payload: SPI of {spi_size} octets in {len(body)}")
        return cls(kind, body[at:], protocol, body[_HEAD.size : at])

    def build(self) -> bytes:
        """Head, SPI, data."""
        return _HEAD.pack(self.protocol, len(self.spi), self.type) + self.spi + self.data

    @property
    def is_error(self) -> bool:
        """Whether the type is an error type (below 16384)."""
        return is_error(self.type)

    def describe(self) -> str:
        """``N(NATD_S_IP)``."""
        return f"N({short_name(self.type)})"
