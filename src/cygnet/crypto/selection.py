"""Choosing between the peer's proposals and ours, with the reasons where none fits (RFC 7296, 2.7)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from cygnet.crypto import tables
from cygnet.crypto.tables import TransformType
from cygnet.crypto.transforms import (
    ADDITIONAL,
    KE_TYPES,
    TYPE_NAMES,
    Proposal,
    Protocol,
    Transform,
    protocol_name,
    transform_types,
)

MAX_REASONS = 16
MAX_COMBINATIONS = 2000
"""Combinations of key exchange methods tried for one pair of proposals before it counts as not fitting."""


@dataclass(frozen=True, slots=True)
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
            result = _match(theirs, mine, prefer_ours, ignore_ke)
            if isinstance(result, Proposal):
                return Selection(result)
            reasons.setdefault(result)
    return Selection(None, tuple(reasons)[:MAX_REASONS] or ("no proposal to choose from",))


def _match(theirs: Proposal, ours: Proposal, prefer_ours: bool, ignore_ke: bool) -> Proposal | str:
    """The transforms both have, or why there are none."""
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
    several = not ADDITIONAL.isdisjoint(kinds)
    for kind in kinds:
        if kind in KE_TYPES and (ignore_ke or several):
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
    if several and not ignore_ke:
        exchanges = _exchanges(theirs, ours, prefer_ours)
        if isinstance(exchanges, str):
            return exchanges
        chosen += [item for item in exchanges if item in theirs.transforms]
    return replace(theirs, transforms=tuple(chosen))


def _exchanges(theirs: Proposal, ours: Proposal, prefer_ours: bool) -> tuple[Transform, ...] | str:
    """One method for each key exchange, no method twice (RFC 9370, 2.2.1), or why there are none.

    The RFC's rule is about the additional ones; like strongSwan we count the first one in, since the same
    method twice adds nothing. Additional ones without a first one have no place to take part.
    """
    kinds = sorted(KE_TYPES.intersection(transform_types(theirs, ours)) | {TransformType.KE})
    slots = [tuple(_commons(theirs, ours, kind, prefer_ours)) for kind in kinds]
    for kind, slot in zip(kinds, slots, strict=True):
        if not slot:
            return _reason(theirs, ours, kind)
    found = _Combination(slots).first()
    return found or f"no {len(slots)} different key exchange methods found (received {theirs}, configured {ours})"


class _Combination:
    """The search for different methods, in the order of preference of the first slots."""

    def __init__(self, slots: Sequence[tuple[Transform, ...]]) -> None:
        self._slots = slots
        self._tries = 0

    def first(self, chosen: tuple[Transform, ...] = ()) -> tuple[Transform, ...] | None:
        """The best one that begins with ``chosen``."""
        if len(chosen) == len(self._slots):
            return chosen
        for option in self._slots[len(chosen)]:
            self._tries += 1
            if self._tries > MAX_COMBINATIONS:
                return None
            if self._fits(option, chosen):
                found = self.first((*chosen, option))
                if found is not None:
                    return found
        return None

    def _fits(self, option: Transform, chosen: tuple[Transform, ...]) -> bool:
        if option.is_none:
            return True
        return all(one.number != option.number for one in chosen) and not (chosen and chosen[0].is_none)


def _common(theirs: Proposal, ours: Proposal, kind: int, prefer_ours: bool) -> Transform | None:
    """The best transform of a type that both offer."""
    return next(_commons(theirs, ours, kind, prefer_ours), None)


def _commons(theirs: Proposal, ours: Proposal, kind: int, prefer_ours: bool) -> Iterator[Transform]:
    """The transforms that both offer, best first; leaving out a type that may be is offering 0 of it."""
    absent = (Transform(kind, 0),) if kind in _OPTIONAL else ()
    received, configured = theirs.of_type(kind) or absent, ours.of_type(kind) or absent
    first, second = (configured, received) if prefer_ours else (received, configured)
    return (item for item in first if item in second)


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
