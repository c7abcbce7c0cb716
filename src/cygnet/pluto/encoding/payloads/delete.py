"""Delete payload (RFC 2408, 3.15)."""

from dataclasses import dataclass
from struct import Struct
from typing import ClassVar

from cygnet.base.errors import MalformedError
from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType

MAX_SPIS = 1024

_HEAD = Struct("!IBBH")
IPSEC_DOI = 1


@dataclass(frozen=True, slots=True)
class Delete(Payload):
    """SAs of one protocol that the sender no longer has; the SPI of an ISAKMP SA is both its cookies."""

    payload_type: ClassVar[PayloadType] = PayloadType.D
    notation: ClassVar[str] = "D"

    protocol: int
    spis: tuple[bytes, ...]
    doi: int = IPSEC_DOI

    @classmethod
    def parse(cls, body: bytes) -> "Delete":
        """As many SPIs as counted, all of the size that is said; none is no sense."""
        if len(body) < _HEAD.size:
            raise MalformedError(f"delete payload: {len(body)} octets")
        doi, protocol, size, count = _HEAD.unpack_from(body)
        if not size or not 0 < count <= MAX_SPIS or len(body) != _HEAD.size + size * count:
            raise MalformedError(f"delete payload: {count} SPIs of {size} octets in {len(body)}")
        return cls(protocol, tuple(body[at : at + size] for at in range(_HEAD.size, len(body), size)), doi)

    def build(self) -> bytes:
        """All SPIs are of one size."""
        size = len(self.spis[0])
        return _HEAD.pack(self.doi, self.protocol, size, len(self.spis)) + b"".join(self.spis)
