"""Nonce payload (RFC 2408, 3.13; RFC 2409, 5)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from cygnet.base.errors import MalformedError
from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import rest

MIN_SIZE = 8
MAX_SIZE = 256


@dataclass(frozen=True, slots=True)
class Nonce(Payload):
    """8 to 256 random octets."""

    payload_type: ClassVar[PayloadType] = PayloadType.NONCE
    notation: ClassVar[str] = "No"

    data: Annotated[bytes, rest]

    @classmethod
    def parse(cls, body: bytes) -> "Nonce":
        """Checks the size."""
        if not MIN_SIZE <= len(body) <= MAX_SIZE:
            raise MalformedError(f"nonce of {len(body)} octets")
        return cls(body)
