"""Vendor ID payload (RFC 7296, 3.12)."""

from typing import Annotated, ClassVar

from cygnet.base.records import record
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import rest


@record
class VendorId(Payload):
    """A constant that says what the sender is or can do; unknown ones are ignored."""

    payload_type: ClassVar[PayloadType] = PayloadType.VENDOR
    notation: ClassVar[str] = "V"

    data: Annotated[bytes, rest]
