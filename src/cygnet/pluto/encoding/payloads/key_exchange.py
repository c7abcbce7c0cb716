"""Key Exchange payload (RFC 2408, 3.7)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import rest


@dataclass(frozen=True, slots=True)
class KeyExchange(Payload):
    """A public value, as long as its group says (RFC 2409, 5)."""

    payload_type: ClassVar[PayloadType] = PayloadType.KE
    notation: ClassVar[str] = "KE"

    data: Annotated[bytes, rest]
