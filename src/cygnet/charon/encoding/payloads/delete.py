"""Delete payload (RFC 7296, 3.11)."""

from struct import Struct
from typing import ClassVar

from cygnet.base.errors import MalformedError
from cygnet.base.records import record
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType
from cygnet.crypto.proposals import Protocol

SPI_SIZES: dict[int, int] = {Protocol.IKE: 0, Protocol.AH: 4, Protocol.ESP: 4}

_HEAD = Struct("!BBH")


@record
class Delete(Payload):
    """SAs that the sender no longer has: its inbound SPIs, or, without SPIs, this IKE_SA."""

    payload_type: ClassVar[PayloadType] = PayloadType.DELETE
    notation: ClassVar[str] = "D"

    protocol: int
    spis: tuple[bytes, ...] = ()

    @classmethod
    def parse(cls, body: bytes) -> "Delete":
        """SPIs must be of the protocol's size, and as many as counted."""
        if len(body) < _HEAD.size:
            raise MalformedError(f"delete payload: {len(body)} octets")
        protocol, size, count = _HEAD.unpack_from(body)
        if size != SPI_SIZES.get(protocol, size) or len(body) != _HEAD.size + size * count:
            raise MalformedError(f"delete payload: {count} SPIs of {size} octets in {len(body)}")
        if not size:
            if count:
                raise MalformedError(f"delete payload: {count} SPIs of no octets")
            return cls(protocol)
        return cls(protocol, tuple(body[at : at + size] for at in range(_HEAD.size, len(body), size)))

    def build(self) -> bytes:
        """All SPIs are of one size."""
        size = len(self.spis[0]) if self.spis else SPI_SIZES.get(self.protocol, 0)
        return _HEAD.pack(self.protocol, size, len(self.spis)) + b"".join(self.spis)
