"""What all payloads have in common."""

from enum import IntEnum
from typing import ClassVar, Self, cast

from cygnet.wire.fields import plan_of


class PayloadType(IntEnum):
    """The payload types that are implemented (RFC 2408, 3.1; RFC 3947; drafts and vendors').

    NAT_D and NAT_OA have other numbers in the drafts before RFC 3947.
    """

    NONE = 0
    SA = 1
    KE = 4
    ID = 5
    CERT = 6
    CR = 7
    HASH = 8
    SIG = 9
    NONCE = 10
    N = 11
    D = 12
    VID = 13
    ATTR = 14
    NAT_D = 20
    NAT_OA = 21
    NAT_D_DRAFT = 130
    NAT_OA_DRAFT = 131
    FRAG = 132


class Payload:
    """A payload without its generic header (RFC 2408, 3.2).

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
        """How a message's log line shows the payload."""
        return self.notation
