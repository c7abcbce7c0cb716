"""Extensible Authentication payload (RFC 7296, 3.16; RFC 3748, 4)."""

from struct import Struct
from typing import Annotated, ClassVar

from cygnet.base.errors import MalformedError
from cygnet.base.records import record
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import rest

_HEAD = Struct("!BBH")
_CODE_NAMES = {1: "REQ", 2: "RES", 3: "SUCC", 4: "FAIL"}
_TYPE_NAMES = {
    1: "ID", 2: "NOT", 3: "NAK", 4: "MD5", 5: "OTP", 6: "GTC", 13: "TLS", 18: "SIM", 21: "TTLS", 23: "AKA",
    25: "PEAP", 26: "MSCHAPV2", 33: "MSTLV", 38: "TNC", 54: "PT", 254: "EXP",
}  # fmt: skip


@record
class Eap(Payload):
    """One EAP packet, length field included."""

    payload_type: ClassVar[PayloadType] = PayloadType.EAP
    notation: ClassVar[str] = "EAP"

    data: Annotated[bytes, rest]

    @classmethod
    def parse(cls, body: bytes) -> "Eap":
        """The packet's own length must be the payload's; a request or response has a type."""
        if len(body) < _HEAD.size:
            raise MalformedError(f"EAP payload: {len(body)} octets")
        code, _, length = _HEAD.unpack_from(body)
        if length != len(body) or (code in (1, 2) and length == _HEAD.size):
            raise MalformedError(f"EAP payload: packet with code {code} and length {length} in {len(body)}")
        return cls(body)

    @property
    def code(self) -> int:
        """1 request, 2 response, 3 success, 4 failure."""
        return self.data[0]

    @property
    def identifier(self) -> int:
        """Matches responses with requests."""
        return self.data[1]

    @property
    def method(self) -> int | None:
        """The EAP type of a request or response."""
        return self.data[4] if self.code in (1, 2) else None

    def describe(self) -> str:
        """``EAP/REQ/ID``, ``EAP/SUCC``."""
        text = f"EAP/{_CODE_NAMES.get(self.code, f'({self.code})')}"
        return text if self.method is None else f"{text}/{_TYPE_NAMES.get(self.method, f'({self.method})')}"
