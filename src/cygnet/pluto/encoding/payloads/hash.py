"""Hash payload (RFC 2408, 3.11)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import rest


@dataclass(frozen=True, slots=True)
class HashPayload(Payload):
    """Output of the negotiated PRF: HASH_I, HASH_R, or HASH(1) to HASH(3) (RFC 2409, 5)."""

    payload_type: ClassVar[PayloadType] = PayloadType.HASH
    notation: ClassVar[str] = "HASH"

    data: Annotated[bytes, rest]
