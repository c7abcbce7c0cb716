"""Attributes payload (draft-dukes-ike-mode-cfg-02, 3.2; draft-beaulieu-ike-xauth-02, 6)."""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import ClassVar

from cygnet.pluto.encoding.attributes import Attribute, build_attributes, read_attributes
from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.reader import Reader

_HEAD = Struct("!BxH")


class ConfigurationType(IntEnum):
    """What is done with the attributes (draft-dukes-ike-mode-cfg-02, 3.3)."""

    REQUEST = 1
    REPLY = 2
    SET = 3
    ACK = 4


class AttributeType(IntEnum):
    """Attributes (draft-dukes-ike-mode-cfg-02, 3.4; draft-beaulieu-ike-xauth-02, 6.2; Cisco Unity's)."""

    short: str

    def __new__(cls, number: int, short: str) -> "AttributeType":
        row = int.__new__(cls, number)
        row._value_ = number
        row.short = short
        return row

    INTERNAL_IP4_ADDRESS = 1, "ADDR"
    INTERNAL_IP4_NETMASK = 2, "MASK"
    INTERNAL_IP4_DNS = 3, "DNS"
    INTERNAL_IP4_NBNS = 4, "NBNS"
    INTERNAL_ADDRESS_EXPIRY = 5, "EXP"
    INTERNAL_IP4_DHCP = 6, "DHCP"
    APPLICATION_VERSION = 7, "VER"
    INTERNAL_IP6_ADDRESS = 8, "ADDR6"
    INTERNAL_IP6_NETMASK = 9, "MASK6"
    INTERNAL_IP6_DNS = 10, "DNS6"
    INTERNAL_IP6_NBNS = 11, "NBNS6"
    INTERNAL_IP6_DHCP = 12, "DHCP6"
    INTERNAL_IP4_SUBNET = 13, "SUBNET"
    SUPPORTED_ATTRIBUTES = 14, "SUP"
    INTERNAL_IP6_SUBNET = 15, "SUBNET6"
    XAUTH_TYPE = 16520, "X_TYPE"
    XAUTH_USER_NAME = 16521, "X_USER"
    XAUTH_USER_PASSWORD = 16522, "X_PWD"
    XAUTH_PASSCODE = 16523, "X_CODE"
    XAUTH_MESSAGE = 16524, "X_MSG"
    XAUTH_CHALLENGE = 16525, "X_CHALL"
    XAUTH_DOMAIN = 16526, "X_DOMAIN"
    XAUTH_STATUS = 16527, "X_STATUS"
    XAUTH_NEXT_PIN = 16528, "X_PIN"
    XAUTH_ANSWER = 16529, "X_ANSWER"
    UNITY_BANNER = 28672, "U_BANNER"
    UNITY_SAVE_PASSWD = 28673, "U_SAVEPWD"
    UNITY_DEF_DOMAIN = 28674, "U_DEFDOM"
    UNITY_SPLITDNS_NAME = 28675, "U_SPLITDNS"
    UNITY_SPLIT_INCLUDE = 28676, "U_SPLITINC"
    UNITY_NATT_PORT = 28677, "U_NATTPORT"
    UNITY_LOCAL_LAN = 28678, "U_LOCALLAN"
    UNITY_PFS = 28679, "U_PFS"
    UNITY_FW_TYPE = 28680, "U_FWTYPE"
    UNITY_BACKUP_SERVERS = 28681, "U_BKPSRV"
    UNITY_DDNS_HOSTNAME = 28682, "U_DDNSHOST"


_SHORT_TYPES = {1: "CPRQ", 2: "CPRP", 3: "CPS", 4: "CPA"}
_SHORT = {int(row): row.short for row in AttributeType}


@dataclass(frozen=True, slots=True)
class Configuration(Payload):
    """Attributes asked for or given; ``identifier`` is the transaction's, for XAUTH in several exchanges."""

    payload_type: ClassVar[PayloadType] = PayloadType.ATTR
    notation: ClassVar[str] = "CP"

    type: int
    attributes: tuple[Attribute, ...] = ()
    identifier: int = 0

    @classmethod
    def parse(cls, body: bytes) -> "Configuration":
        """Values of any size: what an attribute demands is for its user to check."""
        reader = Reader(body, "attributes payload")
        kind, identifier = reader.unpack(_HEAD)
        return cls(kind, read_attributes(reader), identifier)

    def build(self) -> bytes:
        """Type, identifier, attributes."""
        return _HEAD.pack(self.type, self.identifier) + build_attributes(self.attributes)

    def values(self, attribute_type: int) -> tuple[bytes, ...]:
        """The values of all attributes of one type."""
        return tuple(one.value for one in self.attributes if one.type == attribute_type)

    def first(self, attribute_type: int) -> Attribute | None:
        """The first attribute of one type."""
        return next((one for one in self.attributes if one.type == attribute_type), None)

    def describe(self) -> str:
        """``CPRQ(ADDR DNS)``."""
        names = (_SHORT.get(one.type, f"({one.type})") for one in self.attributes)
        return f"{_SHORT_TYPES.get(self.type, f'CP({self.type})')}({' '.join(names)})"
