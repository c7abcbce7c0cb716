"""Data attributes: pairs of type and value, basic or of variable length (RFC 2408, 3.3)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from struct import Struct

from cygnet.base.errors import MalformedError
from cygnet.wire.reader import Reader

MAX_ATTRIBUTES = 256
MAX_NUMBER_OCTETS = 8

_HEAD = Struct("!HH")
_BASIC = 0x8000
_TYPES = 0x7FFF


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute; ``basic`` ones hold two octets of value (format bit AF set)."""

    type: int
    value: bytes = b""
    basic: bool = False

    @classmethod
    def number_of(cls, type: int, number: int) -> "Attribute":
        """An attribute that holds a number, in the shortest form that RFC 2409, appendix A allows."""
        if number <= 0xFFFF:
            return cls(type, number.to_bytes(2, "big"), True)
        return cls(type, number.to_bytes(4 if number < 1 << 32 else MAX_NUMBER_OCTETS, "big"))

    @property
    def number(self) -> int:
        """The value as a number; raises :class:`MalformedError` if it is longer than eight octets."""
        if len(self.value) > MAX_NUMBER_OCTETS:
            raise MalformedError(f"attribute {self.type}: a number of {len(self.value)} octets")
        return int.from_bytes(self.value, "big")


def read_attributes(reader: Reader) -> tuple[Attribute, ...]:
    """All attributes up to the reader's end; raises :class:`MalformedError`."""
    found: list[Attribute] = []
    while reader.left:
        if len(found) == MAX_ATTRIBUTES:
            raise MalformedError(f"more than {MAX_ATTRIBUTES} attributes")
        kind, value = reader.unpack(_HEAD)
        if kind & _BASIC:
            found.append(Attribute(kind & _TYPES, value.to_bytes(2, "big"), True))
        else:
            found.append(Attribute(kind, reader.take(value)))
    return tuple(found)


def numbers_of(attributes: Iterable[Attribute], *, without: Collection[int]) -> dict[int, int]:
    """Types and numbers, in whatever form they travel; raises :class:`MalformedError`."""
    return {one.type: one.number for one in attributes if one.type not in without}


def build_attributes(attributes: Iterable[Attribute]) -> bytes:
    """The octets of attributes, each in the form that it has."""
    return b"".join(map(_build, attributes))


def _build(attribute: Attribute) -> bytes:
    if attribute.basic:
        return _HEAD.pack(attribute.type | _BASIC, int.from_bytes(attribute.value, "big"))
    return _HEAD.pack(attribute.type, len(attribute.value)) + attribute.value
