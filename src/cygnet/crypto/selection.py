"""Choosing between the peer's proposals and ours, with the reasons where none fits (RFC 7296, 2.7)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from cygnet.base.records import record
from cygnet.crypto import tables
from cygnet.crypto.tables import TransformType
from cygnet.crypto.transforms import (
    TYPE_NAMES,
    Proposal,
    Protocol,
    Transform,
    protocol_name,
    transform_types,
)

MAX_REASONS = 16


@record
class Selection:
    """The proposal chosen, or for each pair what kept it from being chosen."""

    proposal: Proposal | None
    reasons: tuple[str, ...] = ()


def select(
    offered: Sequence[Proposal],
    ours: Sequence[Proposal],
    *,
    prefer_ours: bool = True,
    ignore_ke: bool = False,
) -> Selection:
    """The first acceptable pair, in our order or the peer's (``prefer_ours``), with one transform a type.

    The result has the peer's proposal number and SPI. ``ignore_ke`` leaves key exchanges out, as for the
    CHILD_SA made within IKE_AUTH (RFC 7296, 1.2).
    """
    firsts, seconds = (ours, offered) if prefer_ours else (offered, ours)
    reasons: dict[str, None] = {}
    for first in firsts:
        for second in seconds:
            theirs, mine = (second, first) if prefer_ours else (first, second)
            result = _match(Proposal(theirs.protocol, theirs.transforms), mine, prefer_ours, ignore_ke)
            if isinstance(result, Proposal):
                return Selection(Proposal(result.protocol, result.transforms, theirs.spi, theirs.number))
            reasons.setdefault(result)
    return Selection(None, tuple(reasons)[:MAX_REASONS] or ("no proposal to choose from",))


@lru_cache(maxsize=512)
def _match(theirs: Proposal, ours: Proposal, prefer_ours: bool, ignore_ke: bool) -> Proposal | str:
    """The transforms both have, or why there are none; clients of one configuration all offer the same."""
    if theirs.protocol != ours.protocol:
        return (
            f"no acceptable protocol found "
            f"(received {protocol_name(theirs.protocol)}, configured {protocol_name(ours.protocol)})"
        )
    kinds = transform_types(theirs, ours)
    unknown = [kind for kind in kinds if kind not in TYPE_NAMES]
    if unknown:
        return f"transform type {unknown[0]} is not supported (received {theirs})"
    chosen: list[Transform] = []
    for kind in kinds:
        if ignore_ke and (kind == TransformType.KE or kind >= TransformType.ADDKE1):
            continue
        found = _common(theirs, ours, kind, prefer_ours)
        if kind == TransformType.INTEG and _is_aead(chosen):
            found = found if found and found.is_none else Transform(kind, 0)
        elif kind == TransformType.INTEG and found and found.is_none:
            found = None
        if found is None:
            return _reason(theirs, ours, kind)
        if found in theirs.transforms:
            chosen.append(found)
    missing = _missing(ours.protocol, chosen)
    if missing:
        return f"{TYPE_NAMES[missing]} is lacking (received {theirs})"
    return replace(theirs, transforms=tuple(chosen))


def _common(theirs: Proposal, ours: Proposal, kind: int, prefer_ours: bool) -> Transform | None:
    """The best transform of a type that both offer; leaving out a type that may be is offering 0 of it."""
    absent = (Transform(kind, 0),) if kind in _OPTIONAL else ()
    received, configured = theirs.of_type(kind) or absent, ours.of_type(kind) or absent
    first, second = (configured, received) if prefer_ours else (received, configured)
    return next((item for item in first if item in second), None)


def _reason(theirs: Proposal, ours: Proposal, kind: int) -> str:
    received = "/".join(map(str, theirs.of_type(kind))) or "none"
    configured = "/".join(map(str, ours.of_type(kind))) or "none"
    return f"no acceptable {TYPE_NAMES[kind]} found (received {received}, configured {configured})"


def _missing(protocol: int, chosen: Iterable[Transform]) -> int:
    """The type a protocol cannot do without and ``chosen`` lacks, 0 if none (RFC 7296, 3.3.3)."""
    present = {item.type for item in chosen if not item.is_none}
    needed = _MANDATORY.get(protocol, ())
    absent = [kind for kind in needed if kind not in present]
    if not absent and protocol != Protocol.AH and not _is_aead(chosen) and TransformType.INTEG not in present:
        return TransformType.INTEG
    return absent[0] if absent else 0


def _is_aead(transforms: Iterable[Transform]) -> bool:
    rows = (tables.encryption(item.number) for item in transforms if item.type == TransformType.ENCR)
    return any(row is not None and row.aead for row in rows)


_OPTIONAL = frozenset(TYPE_NAMES) - {TransformType.ENCR, TransformType.PRF}
_MANDATORY: dict[int, tuple[TransformType, ...]] = {
    Protocol.IKE: (TransformType.ENCR, TransformType.PRF),
    Protocol.AH: (TransformType.INTEG,),
    Protocol.ESP: (TransformType.ENCR,),
}
