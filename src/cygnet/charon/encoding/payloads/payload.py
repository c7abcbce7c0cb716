"""What all payloads have in common."""

from enum import IntEnum
from typing import ClassVar, Self, cast

from cygnet.wire.fields import plan_of


class PayloadType(IntEnum):
    """The payload types that are implemented (RFC 7296, 3.2; RFC 7383, 2.5)."""

    NONE = 0
    SA = 33
    KE = 34
    IDI = 35
    IDR = 36
    CERT = 37
    CERTREQ = 38
    AUTH = 39
    NONCE = 40
    NOTIFY = 41
    DELETE = 42
    VENDOR = 43
    TSI = 44
    TSR = 45
    SK = 46
    CP = 47
    EAP = 48
    SKF = 53


class Payload:
    """A payload without its generic header (RFC 7296, 3.2).

    A subclass is a frozen dataclass. One whose fields are annotated with field kinds inherits ``parse``
    and ``build``; one with an irregular grammar writes both by hand.
    """

    __slots__ = ()

    payload_type: ClassVar[PayloadType]
    notation: ClassVar[str]

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """The payload in ``body``; raises :class:`MalformedError`."""
        return cast(Self, plan_of(cls).parse(body))

    def build(self) -> bytes:
        """The octets after the generic header."""
        return plan_of(type(self)).build(self)

    def describe(self) -> str:
        """How charon's log shows the payload in a message's line."""
        return self.notation
