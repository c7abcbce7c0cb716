"""Nonce payload (RFC 7296, 3.9)."""

from typing import Annotated, ClassVar

from cygnet.base.errors import MalformedError
from cygnet.base.records import record
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import rest

MIN_SIZE = 16
MAX_SIZE = 256


@record
class Nonce(Payload):
    """16 to 256 random octets. That they are half a PRF key is for who knows the PRF to check."""

    payload_type: ClassVar[PayloadType] = PayloadType.NONCE
    notation: ClassVar[str] = "No"

    data: Annotated[bytes, rest]

    @classmethod
    def parse(cls, body: bytes) -> "Nonce":
        """Checks the size."""
        if not MIN_SIZE <= len(body) <= MAX_SIZE:
            raise MalformedError(f"nonce of {len(body)} octets")
        return cls(body)
