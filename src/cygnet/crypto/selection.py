"""Choosing between the peer's proposals and ours, with the reasons where none fits (RFC 7296, 2.7)."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from cygnet.base.records import record
from cygnet.crypto import tables
from cygnet.crypto.tables import TransformType
from cygnet.crypto.transforms import (
    ADDITIONAL,
    KE_TYPES,
    TYPE_NAMES,
    Proposal,
    Protocol,
    Transform,
    by_type,
    in_order,
    protocol_name,
)

MAX_REASONS = 16
MAX_COMBINATIONS = 2000
"""Combinations of key exchange methods tried for one pair of proposals before it counts as not fitting."""


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
    """Clients of one configuration all offer the same."""
    return _Pair(theirs, ours, prefer_ours).match(ignore_ke)


class _Pair:
    """A proposal of the peer's and one of ours, their transforms by type."""

    __slots__ = ("_configured", "_ours", "_prefer_ours", "_received", "_theirs")

    def __init__(self, theirs: Proposal, ours: Proposal, prefer_ours: bool) -> None:
        self._theirs, self._ours, self._prefer_ours = theirs, ours, prefer_ours
        self._received, self._configured = by_type(theirs), by_type(ours)

    def match(self, ignore_ke: bool) -> Proposal | str:
        """The transforms both have, or why there are none."""
        theirs, ours = self._theirs, self._ours
        if theirs.protocol != ours.protocol:
            return (
                f"no acceptable protocol found "
                f"(received {protocol_name(theirs.protocol)}, configured {protocol_name(ours.protocol)})"
            )
        kinds = in_order(self._received.keys() | self._configured.keys())
        if kinds and kinds[-1] not in TYPE_NAMES:
            return f"transform type {kinds[-1]} is not supported (received {theirs})"
        several = not ADDITIONAL.isdisjoint(kinds)
        chosen: list[Transform] = []
        for kind in kinds:
            if kind in KE_TYPES and (ignore_ke or several):
                continue
            found = self._common(kind, chosen)
            if found is None:
                return self._reason(kind)
            if found in theirs.transforms:
                chosen.append(found)
        missing = _missing(ours.protocol, chosen)
        if missing:
            return f"{TYPE_NAMES[missing]} is lacking (received {theirs})"
        if several and not ignore_ke:
            exchanges = self._exchanges()
            if isinstance(exchanges, str):
                return exchanges
            chosen += [item for item in exchanges if item in theirs.transforms]
        return Proposal(theirs.protocol, tuple(chosen), theirs.spi, theirs.number)

    def _common(self, kind: int, chosen: list[Transform]) -> Transform | None:
        """The best transform of a type that both offer; with an AEAD there is no integrity algorithm."""
        first, second = self._offers(kind)
        found = next((item for item in first if item in second), None)
        if kind == TransformType.INTEG and _is_aead(chosen):
            return found if found and found.is_none else Transform(kind, 0)
        if kind == TransformType.INTEG and found and found.is_none:
            return None
        return found

    def _exchanges(self) -> tuple[Transform, ...] | str:
        """One method for each key exchange, no method twice (RFC 9370, 2.2.1), or why there are none.

        The RFC's rule is about the additional ones; like strongSwan we count the first one in, since the
        same method twice adds nothing. Additional ones without a first one have no place to take part.
        """
        kinds = sorted(KE_TYPES & (self._received.keys() | self._configured.keys() | {TransformType.KE}))
        offers = [self._offers(kind) for kind in kinds]
        slots = [tuple([item for item in first if item in second]) for first, second in offers]
        for kind, slot in zip(kinds, slots, strict=True):
            if not slot:
                return self._reason(kind)
        text = f"no {len(slots)} different key exchange methods found"
        return _Combination(slots).first() or f"{text} (received {self._theirs}, configured {self._ours})"

    def _offers(self, kind: int) -> tuple[Sequence[Transform], Sequence[Transform]]:
        """The transforms of a type, that side's first whose order counts; to leave one out is to offer 0."""
        absent = (Transform(kind, 0),) if kind in _OPTIONAL else ()
        received, configured = self._received.get(kind, absent), self._configured.get(kind, absent)
        return (configured, received) if self._prefer_ours else (received, configured)

    def _reason(self, kind: int) -> str:
        received = "/".join(map(str, self._received.get(kind, ()))) or "none"
        configured = "/".join(map(str, self._configured.get(kind, ()))) or "none"
        return f"no acceptable {TYPE_NAMES[kind]} found (received {received}, configured {configured})"


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
