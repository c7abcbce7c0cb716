"""Refusing a method and naming others (RFC 3748, 5.3)."""

from collections.abc import Iterable

from cygnet.base.errors import MalformedError
from cygnet.eap.packets import NAK, Code, EapPacket, EapType, build_expanded, parse_expanded
from cygnet.wire.reader import Reader

MAX_TYPES = 64

_NONE = EapType(0)


def build_nak(request: EapPacket, wanted: Iterable[EapType]) -> EapPacket:
    """The refusal of ``request`` with the methods we would take instead.

    A Legacy Nak has room for types of the IETF; where the request's type was written in the long form the
    Expanded Nak may answer, which has room for all (5.3.2).
    """
    types = tuple(wanted)[:MAX_TYPES]
    if request.expanded:
        data = b"".join(map(build_expanded, types or (_NONE,)))
        return EapPacket(Code.RESPONSE, request.identifier, NAK, data, expanded=True)
    numbers = bytes(kind.number for kind in types if not kind.vendor)
    return EapPacket(Code.RESPONSE, request.identifier, NAK, numbers or b"\x00")


def parse_nak(response: EapPacket) -> tuple[EapType, ...]:
    """What the peer would take instead, its order kept; none at all if it has no other method."""
    if not response.expanded:
        types = [EapType(number) for number in response.data[:MAX_TYPES]]
    else:
        types = _parse_expanded(Reader(response.data[: MAX_TYPES * 8], "Expanded Nak"))
    return tuple(kind for kind in types if kind != _NONE)


def _parse_expanded(entries: Reader) -> list[EapType]:
    types = []
    while entries.left:
        if entries.take(1) != b"\xfe":
            raise MalformedError("Expanded Nak: an entry does not begin with 254")
        types.append(parse_expanded(entries))
    return types
