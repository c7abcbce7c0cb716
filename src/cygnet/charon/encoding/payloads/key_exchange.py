"""Key Exchange payload (RFC 7296, 3.4)."""

from typing import Annotated, ClassVar

from cygnet.base.records import record
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import reserved, rest, u16


@record
class KeyExchange(Payload):
    """The public value of a key exchange method; its size is checked by the method."""

    payload_type: ClassVar[PayloadType] = PayloadType.KE
    notation: ClassVar[str] = "KE"

    method: Annotated[int, u16, reserved(2)]
    data: Annotated[bytes, rest]
