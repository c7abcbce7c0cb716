"""Field kinds: how the annotated fields of a frozen dataclass lie on the wire.

A record says its layout in its annotations, in wire order::

    @dataclass(frozen=True, slots=True)
    class Example:
        method: Annotated[int, u16, reserved(2)]
        data: Annotated[bytes, rest]

The plan of a class is read once; the fields of fixed size become one ``struct`` layout. Fields that are
not annotated are not on the wire.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from struct import Struct
from typing import Any, get_type_hints

from cygnet.base.errors import MalformedError


@dataclass(frozen=True, slots=True)
class Fixed:
    """Octets of fixed size; ``code`` is their ``struct`` code, in network order."""

    code: str


@dataclass(frozen=True, slots=True)
class Rest:
    """Everything up to the end; only the last field may be of this kind."""


u8 = Fixed("B")
u16 = Fixed("H")
u32 = Fixed("I")
u64 = Fixed("Q")
rest = Rest()

_PLANS: dict[type, "Plan"] = {}


def octets(size: int) -> Fixed:
    """Exactly ``size`` octets."""
    return Fixed(f"{size}s")


def reserved(size: int) -> Fixed:
    """Octets sent as zero and ignored on receipt (RFC 7296, 2.5)."""
    return Fixed(f"{size}x")


class Plan:
    """How one class is read and written."""

    __slots__ = ("_build", "_has_rest", "_layout", "_record")

    def __init__(self, record: type) -> None:
        names, codes, self._has_rest = _layout_of(record)
        self._record: Callable[..., Any] = record
        self._layout = Struct("!" + codes)
        self._build = _builder(self._layout, names, self._has_rest)

    def parse(self, body: bytes) -> Any:
        """The record in ``body``; raises :class:`MalformedError` when its size is wrong."""
        size = self._layout.size
        if len(body) < size or (len(body) > size and not self._has_rest):
            name = getattr(self._record, "__name__", "")
            raise MalformedError(f"{name}: {len(body)} octets, the fixed part has {size}")
        if self._has_rest:
            return self._record(*self._layout.unpack_from(body), body[size:])
        return self._record(*self._layout.unpack(body))

    def build(self, record: Any) -> bytes:
        """The octets of ``record``."""
        return self._build(record)


def plan_of(record: type) -> Plan:
    """The plan of a class; there is one per class in the source, so the table is bounded."""
    plan = _PLANS.get(record)
    if plan is None:
        plan = _PLANS[record] = Plan(record)
    return plan


def _layout_of(record: type) -> tuple[list[str], str, bool]:
    names: list[str] = []
    codes = ""
    has_rest = False
    for name, hint in get_type_hints(record, include_extras=True).items():
        kinds = getattr(hint, "__metadata__", ())
        if not kinds:
            continue
        if has_rest:
            raise TypeError(f"{record.__name__}.{name} follows a field that takes the rest")
        names.append(name)
        has_rest = rest in kinds
        codes += "".join(kind.code for kind in kinds if isinstance(kind, Fixed))
    return names, codes, has_rest


def _builder(layout: Struct, names: list[str], has_rest: bool) -> Callable[[Any], bytes]:
    if not has_rest:
        return lambda record: layout.pack(*(getattr(record, name) for name in names))
    if len(names) == 1:
        return attrgetter(names[0])
    values = attrgetter(*names)

    def build(record: Any) -> bytes:
        *fixed, last = values(record)
        return bytes(layout.pack(*fixed) + last)

    return build
