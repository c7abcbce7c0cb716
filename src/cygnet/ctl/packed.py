"""Frozen records as octets: their fields in the order of declaration, each by its declared type.

A flag is one octet, a whole number eight (signed), a time or other fraction a double, a text its length in
four octets and UTF-8, a tuple of texts its length in two octets and the texts, a record its fields. All
numbers are in network byte order. Both ends must have the same records; whoever frames them says which.
"""

import struct
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any, TypeVar

from cygnet.ctl.frames import ControlError

R = TypeVar("R")

TEXT_LIMIT = 1 << 16
TUPLE_LIMIT = 1 << 10

_LENGTH, _COUNT = struct.Struct(">I"), struct.Struct(">H")
_NUMBER, _FRACTION = struct.Struct(">q"), struct.Struct(">d")


class Octets:
    """What is left to read of a message."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    def take(self, size: int) -> bytes:
        """The next ``size`` octets; raises :class:`ControlError` if there are not so many."""
        begin, self._place = self._place, self._place + size
        if self._place > len(self._data):
            raise ControlError("message is cut short")
        return self._data[begin : self._place]

    def number(self, form: struct.Struct) -> Any:
        """The next number of this form."""
        return form.unpack(self.take(form.size))[0]

    def end(self) -> None:
        """Raises :class:`ControlError` if something is left."""
        if self._place != len(self._data):
            raise ControlError(f"message has {len(self._data) - self._place} octets too many")


def pack(record: Any) -> bytes:
    """The octets of a record; raises :class:`ControlError` for a text or number that is too large."""
    return b"".join(_packed(entry.type, getattr(record, entry.name)) for entry in fields(record))


def unpack(cls: type[R], octets: Octets) -> R:
    """The record of class ``cls`` that comes next; raises :class:`ControlError`."""
    return cls(*[_read(entry.type, octets) for entry in fields(cls)])  # type: ignore[arg-type]


def _packed(kind: Any, value: Any) -> bytes:
    if is_dataclass(kind):
        return pack(value)
    try:
        return _KINDS[kind][0](value)
    except (struct.error, OverflowError):
        raise ControlError(f"{value!r:.40} does not fit into a message") from None


def _read(kind: Any, octets: Octets) -> Any:
    if is_dataclass(kind):
        return unpack(kind, octets)  # type: ignore[arg-type]
    return _KINDS[kind][1](octets)


def _pack_text(text: str) -> bytes:
    data = text.encode(errors="replace")
    if len(data) > TEXT_LIMIT:
        raise ControlError(f"text of {len(data)} octets is longer than {TEXT_LIMIT}")
    return _LENGTH.pack(len(data)) + data


def _read_text(octets: Octets) -> str:
    length = octets.number(_LENGTH)
    if length > TEXT_LIMIT:
        raise ControlError(f"text of {length} octets is longer than {TEXT_LIMIT}")
    try:
        return octets.take(length).decode()
    except UnicodeDecodeError:
        raise ControlError("text is not UTF-8") from None


def _pack_texts(texts: tuple[str, ...]) -> bytes:
    if len(texts) > TUPLE_LIMIT:
        raise ControlError(f"{len(texts)} texts are more than {TUPLE_LIMIT}")
    return _COUNT.pack(len(texts)) + b"".join(map(_pack_text, texts))


def _read_texts(octets: Octets) -> tuple[str, ...]:
    count = octets.number(_COUNT)
    if count > TUPLE_LIMIT:
        raise ControlError(f"{count} texts are more than {TUPLE_LIMIT}")
    return tuple(_read_text(octets) for _ in range(count))


def _read_flag(octets: Octets) -> bool:
    octet = octets.take(1)
    if octet not in (b"\0", b"\1"):
        raise ControlError(f"{octet[0]} is no flag")
    return octet == b"\1"


def _read_fraction(octets: Octets) -> float:
    value: float = octets.number(_FRACTION)
    if not isfinite(value):
        raise ControlError(f"{value} is no number")
    return value


def _read_number(octets: Octets) -> int:
    value: int = octets.number(_NUMBER)
    return value


_KINDS: dict[Any, tuple[Callable[[Any], bytes], Callable[[Octets], Any]]] = {
    bool: (lambda flag: b"\1" if flag else b"\0", _read_flag),
    int: (_NUMBER.pack, _read_number),
    float: (_FRACTION.pack, _read_fraction),
    str: (_pack_text, _read_text),
    tuple[str, ...]: (_pack_texts, _read_texts),
}
