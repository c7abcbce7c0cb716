"""Signature payload (RFC 2408, 3.12)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import rest


@dataclass(frozen=True, slots=True)
class SignaturePayload(Payload):
    """SIG_I or SIG_R (RFC 2409, 5.1)."""

    payload_type: ClassVar[PayloadType] = PayloadType.SIG
    notation: ClassVar[str] = "SIG"

    data: Annotated[bytes, rest]
