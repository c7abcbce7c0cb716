"""Configuration payload (RFC 7296, 3.15)."""

from enum import IntEnum
from struct import Struct
from typing import ClassVar

from cygnet.base.errors import MalformedError
from cygnet.base.records import record
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.reader import Reader

MAX_ATTRIBUTES = 256

_HEAD = Struct("!B3x")
_ATTRIBUTE = Struct("!HH")


class ConfigurationType(IntEnum):
    """What is done with the attributes."""

    REQUEST = 1
    REPLY = 2
    SET = 3
    ACK = 4


class AttributeType(IntEnum):
    """Configuration attributes (RFC 7296, 3.15.1; RFC 7651; RFC 8598; RFC 9464)."""

    INTERNAL_IP4_ADDRESS = 1
    INTERNAL_IP4_NETMASK = 2
    INTERNAL_IP4_DNS = 3
    INTERNAL_IP4_NBNS = 4
    INTERNAL_IP4_DHCP = 6
    APPLICATION_VERSION = 7
    INTERNAL_IP6_ADDRESS = 8
    INTERNAL_IP6_DNS = 10
    INTERNAL_IP6_DHCP = 12
    INTERNAL_IP4_SUBNET = 13
    SUPPORTED_ATTRIBUTES = 14
    INTERNAL_IP6_SUBNET = 15
    INTERNAL_DNS_DOMAIN = 25
    INTERNAL_DNSSEC_TA = 26
    ENCDNS_IP4 = 27
    ENCDNS_IP6 = 28
    ENCDNS_DIGEST_INFO = 29


_TYPE_NAMES = {1: "CPRQ", 2: "CPRP", 3: "CPS", 4: "CPA"}
_ATTRIBUTE_NAMES = {
    1: "ADDR", 2: "MASK", 3: "DNS", 4: "NBNS", 6: "DHCP", 7: "VER", 8: "ADDR6", 10: "DNS6", 12: "DHCP6",
    13: "SUBNET", 14: "SUP", 15: "SUBNET6", 25: "DOMAIN", 26: "DNSSEC_TA",
    27: "ENCDNS", 28: "ENCDNS6", 29: "ENCDNS_DIGEST",
}  # fmt: skip


@record
class Attribute:
    """One attribute; an empty value in a request asks for any."""

    type: int
    value: bytes = b""


@record
class Configuration(Payload):
    """Addresses and other settings asked for or given."""

    payload_type: ClassVar[PayloadType] = PayloadType.CP
    notation: ClassVar[str] = "CP"

    type: int
    attributes: tuple[Attribute, ...] = ()

    @classmethod
    def parse(cls, body: bytes) -> "Configuration":
        """Values of any size: what an attribute demands is for its user to check."""
        reader = Reader(body, "configuration payload")
        (kind,) = reader.unpack(_HEAD)
        attributes: list[Attribute] = []
        while reader.left:
            if len(attributes) == MAX_ATTRIBUTES:
                raise MalformedError(f"configuration payload: more than {MAX_ATTRIBUTES} attributes")
            number, size = reader.unpack(_ATTRIBUTE)
            attributes.append(Attribute(number & 0x7FFF, reader.take(size)))
        return cls(kind, tuple(attributes))

    def build(self) -> bytes:
        """The reserved bit of every attribute is zero."""
        return _HEAD.pack(self.type) + b"".join(
            _ATTRIBUTE.pack(attribute.type, len(attribute.value)) + attribute.value
            for attribute in self.attributes
        )

    def values(self, attribute_type: int) -> tuple[bytes, ...]:
        """The values of all attributes of one type."""
        return tuple(attribute.value for attribute in self.attributes if attribute.type == attribute_type)

    def describe(self) -> str:
        """``CPRQ(ADDR DNS)``."""
        names = (_ATTRIBUTE_NAMES.get(one.type, f"({one.type})") for one in self.attributes)
        return f"{_TYPE_NAMES.get(self.type, f'CP({self.type})')}({' '.join(names)})"
