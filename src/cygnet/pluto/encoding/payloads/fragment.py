"""Fragment payload, as Cisco, Microsoft and strongSwan have it (no RFC)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from cygnet.base.errors import MalformedError
from cygnet.pluto.encoding.payloads.payload import Payload, PayloadType
from cygnet.wire.fields import plan_of, rest, u8, u16

LAST = 0x01


@dataclass(frozen=True, slots=True)
class Fragment(Payload):
    """A part of a whole ISAKMP message, header included.

    ``number`` counts from 1; bit 0 of flags is "last".
    """

    payload_type: ClassVar[PayloadType] = PayloadType.FRAG
    notation: ClassVar[str] = "FRAG"

    id: Annotated[int, u16]
    number: Annotated[int, u8]
    flags: Annotated[int, u8]
    data: Annotated[bytes, rest]

    @classmethod
    def parse(cls, body: bytes) -> "Fragment":
        """Numbers begin with 1."""
        parsed: Fragment = plan_of(cls).parse(body)
        if not parsed.number:
            raise MalformedError("fragment payload: number 0")
        return parsed

    @property
    def is_last(self) -> bool:
        """Whether no further fragment follows."""
        return bool(self.flags & LAST)

    def describe(self) -> str:
        """``FRAG(1)``, ``FRAG(2/2)`` for the last."""
        return f"FRAG({self.number}/{self.number})" if self.is_last else f"FRAG({self.number})"
