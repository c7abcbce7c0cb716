"""Certificate Request payload (RFC 2408, 3.10)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import rest, u8


@dataclass(frozen=True, slots=True)
class CertificateRequest(Payload):
    """One authority whose certificates are wanted: its distinguished name in DER, empty for any."""

    payload_type: ClassVar[PayloadType] = PayloadType.CR
    notation: ClassVar[str] = "CERTREQ"

    encoding: Annotated[int, u8]
    authority: Annotated[bytes, rest]
