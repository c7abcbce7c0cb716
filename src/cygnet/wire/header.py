"""The header of every IKE message (RFC 7296, 3.1); IKEv1's has the same shape (RFC 2408, 3.1)."""

from struct import Struct

from cygnet.base.errors import MalformedError
from cygnet.base.records import record

HEADER_SIZE = 28
FLAG_INITIATOR = 0x08
FLAG_VERSION = 0x10
FLAG_RESPONSE = 0x20
NO_SPI = bytes(8)

_LAYOUT = Struct("!8s8sBBBBII")


@record
class Header:
    """The fields of the header. ``length`` counts the whole message, header included, in octets."""

    spi_i: bytes
    spi_r: bytes
    next_payload: int
    major: int
    minor: int
    exchange: int
    flags: int
    message_id: int
    length: int

    @classmethod
    def parse(cls, data: bytes) -> "Header":
        """The header of the message ``data``; raises :class:`MalformedError` unless sizes agree.

        Versions, flags and SPIs are taken as they are: who receives the message decides about them.
        A message longer than its length field is refused as well as a shorter one: no IKE
        implementation sends such, and what follows would not be authenticated.
        """
        if len(data) < HEADER_SIZE:
            raise MalformedError(f"IKE header: {len(data)} octets of {HEADER_SIZE}")
        spi_i, spi_r, first, version, exchange, flags, message_id, length = _LAYOUT.unpack_from(data)
        if length != len(data):
            raise MalformedError(f"IKE header: length {length} in a message of {len(data)} octets")
        return cls(spi_i, spi_r, first, version >> 4, version & 15, exchange, flags, message_id, length)

    def build(self) -> bytes:
        """The 28 octets."""
        return _LAYOUT.pack(
            self.spi_i, self.spi_r, self.next_payload, self.major << 4 | self.minor,
            self.exchange, self.flags, self.message_id, self.length,
        )  # fmt: skip

    @property
    def from_initiator(self) -> bool:
        """Whether the original initiator of the IKE_SA sent it (flag I)."""
        return bool(self.flags & FLAG_INITIATOR)

    @property
    def is_response(self) -> bool:
        """Whether it answers a request (flag R)."""
        return bool(self.flags & FLAG_RESPONSE)
