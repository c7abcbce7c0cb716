"""NAT-OA payload (RFC 3947, 5.2), and the number that the drafts before it gave it."""

from dataclasses import dataclass
from ipaddress import ip_address
from struct import Struct
from typing import ClassVar, Self

from cygnet.base.addresses import Address
from cygnet.base.errors import MalformedError
from cygnet.pluto.encoding.payloads.identification import SIZES, IdentificationType
from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType

_HEAD = Struct("!B3x")
_TYPES = {4: IdentificationType.IPV4_ADDR, 6: IdentificationType.IPV6_ADDR}


@dataclass(frozen=True, slots=True)
class NatOriginalAddress(Payload):
    """An address as one side sees it, before NATs change it."""

    payload_type: ClassVar[PayloadType] = PayloadType.NAT_OA
    notation: ClassVar[str] = "NAT-OA"

    address: Address

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """One IPv4 or IPv6 address."""
        kind, data = body[:1], body[_HEAD.size :]
        if kind not in (b"\1", b"\5") or len(data) != SIZES[kind[0]]:
            raise MalformedError(f"NAT-OA payload: {len(body)} octets are no address")
        return cls(ip_address(data))

    def build(self) -> bytes:
        """Type and address."""
        return _HEAD.pack(_TYPES[self.address.version]) + self.address.packed


@dataclass(frozen=True, slots=True)
class NatOriginalAddressDraft(NatOriginalAddress):
    """The same for peers that speak draft-ietf-ipsec-nat-t-ike-02 or -03."""

    payload_type: ClassVar[PayloadType] = PayloadType.NAT_OA_DRAFT
