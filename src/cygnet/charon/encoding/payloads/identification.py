"""Identification payloads (RFC 7296, 3.5)."""

from struct import Struct
from typing import ClassVar, Self

from cygnet.base.errors import MalformedError
from cygnet.base.identities import Identity, IdType
from cygnet.base.records import record
from cygnet.charon.encoding.payloads.payload import Payload, PayloadType

_HEAD = Struct("!B3s")
_SIZES: dict[int, int] = {IdType.IPV4: 4, IdType.IPV6: 16, IdType.NULL: 0}


@record
class Identification(Payload):
    """Who one side says it is.

    The AUTH payload covers :meth:`build` (RFC 7296, 2.15). So the reserved octets, zero by the RFC, are
    kept as they came: the peer has signed them.
    """

    identity: Identity
    reserved: bytes = bytes(3)

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """An address must have the size of its type, ID_NULL no data at all (RFC 7619, 2.2).

        Type 0 is reserved, and means "anybody" inside.
        """
        if len(body) < _HEAD.size:
            raise MalformedError(f"{cls.notation} payload: {len(body)} octets")
        kind, data = body[0], body[_HEAD.size :]
        if kind == IdType.ANY or len(data) != _SIZES.get(kind, len(data)):
            raise MalformedError(f"{cls.notation} payload: type {kind} with {len(data)} octets of data")
        return cls(Identity(kind, data), body[1 : _HEAD.size])

    def build(self) -> bytes:
        """Type, reserved octets, data."""
        return _HEAD.pack(self.identity.type, self.reserved) + self.identity.data


@record
class IdentificationInitiator(Identification):
    """IDi."""

    payload_type: ClassVar[PayloadType] = PayloadType.IDI
    notation: ClassVar[str] = "IDi"


@record
class IdentificationResponder(Identification):
    """IDr."""

    payload_type: ClassVar[PayloadType] = PayloadType.IDR
    notation: ClassVar[str] = "IDr"
