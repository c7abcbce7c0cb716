"""Identification payload (RFC 2408, 3.8; RFC 2407, 4.6.2): identities in phase 1, selectors in phase 2."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, ClassVar

from cygnet.base.errors import MalformedError
from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import plan_of, rest, u8, u16


class IdentificationType(IntEnum):
    """ID types (RFC 2407, 4.6.2.1; RFC 3554 for LIST)."""

    IPV4_ADDR = 1
    FQDN = 2
    USER_FQDN = 3
    IPV4_ADDR_SUBNET = 4
    IPV6_ADDR = 5
    IPV6_ADDR_SUBNET = 6
    IPV4_ADDR_RANGE = 7
    IPV6_ADDR_RANGE = 8
    DER_ASN1_DN = 9
    DER_ASN1_GN = 10
    KEY_ID = 11
    LIST = 12


SIZES: dict[int, int] = {
    IdentificationType.IPV4_ADDR: 4,
    IdentificationType.IPV4_ADDR_SUBNET: 8,
    IdentificationType.IPV4_ADDR_RANGE: 8,
    IdentificationType.IPV6_ADDR: 16,
    IdentificationType.IPV6_ADDR_SUBNET: 32,
    IdentificationType.IPV6_ADDR_RANGE: 32,
}


@dataclass(frozen=True, slots=True)
class Identification(Payload):
    """``protocol`` and ``port`` 0 are any; in phase 1 they are 0, or UDP and 500."""

    payload_type: ClassVar[PayloadType] = PayloadType.ID
    notation: ClassVar[str] = "ID"

    id_type: Annotated[int, u8]
    protocol: Annotated[int, u8]
    port: Annotated[int, u16]
    data: Annotated[bytes, rest]

    @classmethod
    def parse(cls, body: bytes) -> "Identification":
        """Addresses must have the size of their type."""
        parsed: Identification = plan_of(cls).parse(body)
        if len(parsed.data) != SIZES.get(parsed.id_type, len(parsed.data)):
            raise MalformedError(f"ID payload: type {parsed.id_type} with {len(parsed.data)} octets of data")
        return parsed
