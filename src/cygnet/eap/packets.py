"""EAP packets (RFC 3748, 4) and method types (5, 5.7)."""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from cygnet.base.errors import MalformedError
from cygnet.wire.reader import Reader

MAX_PACKET = 0xFFFF

_HEADER = Struct("!BBH")
_EXPANDED = Struct("!II")
_EXPANDED_TYPE = 254


class Code(IntEnum):
    """What a packet is."""

    REQUEST = 1
    RESPONSE = 2
    SUCCESS = 3
    FAILURE = 4


class EapType(NamedTuple):
    """A method type. ``vendor`` 0 is the IETF, whose numbers below 254 fit in one octet."""

    number: int
    vendor: int = 0

    def __str__(self) -> str:
        if self.vendor:
            return f"EAP type {self.number} of vendor {self.vendor}"
        return NAMES.get(self, f"EAP type {self.number}")


IDENTITY = EapType(1)
NOTIFICATION = EapType(2)
NAK = EapType(3)
MD5 = EapType(4)
GTC = EapType(6)
TLS = EapType(13)
TTLS = EapType(21)
PEAP = EapType(25)
MSCHAPV2 = EapType(26)
EXTENSIONS = EapType(33)

NAMES = {
    IDENTITY: "EAP-Identity",
    NOTIFICATION: "EAP-Notification",
    NAK: "EAP-Nak",
    MD5: "EAP-MD5",
    GTC: "EAP-GTC",
    TLS: "EAP-TLS",
    TTLS: "EAP-TTLS",
    PEAP: "EAP-PEAP",
    MSCHAPV2: "EAP-MSCHAPv2",
    EXTENSIONS: "EAP-Extensions",
}


@dataclass(frozen=True, slots=True)
class EapPacket:
    """One packet. ``type`` is set in requests and responses only.

    ``expanded`` says that an IETF type is written in the long form of RFC 3748, 5.7, which means the same.
    """

    code: Code
    identifier: int
    type: EapType | None = None
    data: bytes = b""
    expanded: bool = False

    def build(self) -> bytes:
        """The octets."""
        body = b"" if self.type is None else _build_type(self.type, self.expanded) + self.data
        size = _HEADER.size + len(body)
        return _HEADER.pack(self.code, self.identifier, size) + body

    def reply(self, data: bytes) -> "EapPacket":
        """The response of the same type to this request."""
        return EapPacket(Code.RESPONSE, self.identifier, self.type, data, self.expanded)


def parse_packet(octets: bytes) -> EapPacket:
    """The packet in ``octets``; what follows its length is padding, ignored by RFC 3748, 4.1."""
    header = Reader(octets, "EAP packet")
    number, identifier, size = header.unpack(_HEADER)
    if size < _HEADER.size:
        raise MalformedError(f"EAP packet: length {size} is less than that of its header")
    body = Reader(header.take(size - _HEADER.size), "EAP packet")
    if number not in Code.__members__.values():
        raise MalformedError(f"EAP packet: unknown code {number}")
    code = Code(number)
    if code in (Code.SUCCESS, Code.FAILURE):
        body.finish()
        return EapPacket(code, identifier)
    kind, expanded = _parse_type(body)
    return EapPacket(code, identifier, kind, body.rest(), expanded)


def _parse_type(body: Reader) -> tuple[EapType, bool]:
    number = body.take(1)[0]
    if number != _EXPANDED_TYPE:
        return EapType(number), False
    return parse_expanded(body), True


def parse_expanded(body: Reader) -> EapType:
    """What follows the number 254: three octets of vendor, four of type."""
    vendor, number = _EXPANDED.unpack(b"\x00" + body.take(7))
    return EapType(number, vendor)


def _build_type(type: EapType, expanded: bool) -> bytes:
    if type.vendor or expanded:
        return build_expanded(type)
    return bytes([type.number])


def build_expanded(type: EapType) -> bytes:
    """The long form: 254, vendor, type."""
    return bytes([_EXPANDED_TYPE]) + _EXPANDED.pack(type.vendor, type.number)[1:]
