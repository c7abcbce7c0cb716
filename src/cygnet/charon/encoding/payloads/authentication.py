"""Authentication payload (RFC 7296, 3.8)."""

from enum import IntEnum
from typing import Annotated, ClassVar

from cygnet.base.records import record
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import reserved, rest, u8


class AuthenticationMethod(IntEnum):
    """How the AUTH data is made (RFC 7296, 3.8; RFC 4754; RFC 7619; RFC 7427)."""

    RSA = 1
    SHARED_KEY = 2
    DSS = 3
    ECDSA_256 = 9
    ECDSA_384 = 10
    ECDSA_521 = 11
    PASSWORD = 12
    NULL = 13
    DIGITAL_SIGNATURE = 14


@record
class Authentication(Payload):
    """The proof that the sender is who its identity says."""

    payload_type: ClassVar[PayloadType] = PayloadType.AUTH
    notation: ClassVar[str] = "AUTH"

    method: Annotated[int, u8, reserved(3)]
    data: Annotated[bytes, rest]
