"""Vendor ID payload (RFC 2408, 3.16)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import rest


@dataclass(frozen=True, slots=True)
class VendorId(Payload):
    """A constant that says what the sender is or can do (``vendor_ids``); unknown ones are ignored."""

    payload_type: ClassVar[PayloadType] = PayloadType.VID
    notation: ClassVar[str] = "V"

    data: Annotated[bytes, rest]
