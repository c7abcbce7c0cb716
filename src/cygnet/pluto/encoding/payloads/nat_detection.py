"""NAT-D payload (RFC 3947, 3.2), and the number that the drafts before it gave it."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import rest


@dataclass(frozen=True, slots=True)
class NatDetection(Payload):
    """A hash of cookies, address and port."""

    payload_type: ClassVar[PayloadType] = PayloadType.NAT_D
    notation: ClassVar[str] = "NAT-D"

    data: Annotated[bytes, rest]


@dataclass(frozen=True, slots=True)
class NatDetectionDraft(NatDetection):
    """The same for peers that speak draft-ietf-ipsec-nat-t-ike-02 or -03."""

    payload_type: ClassVar[PayloadType] = PayloadType.NAT_D_DRAFT
