"""The packet marks of one CHILD_SA: ``mark_in`` and ``mark_out``, with ``%unique`` resolved."""

from typing import Protocol

from cygnet.base.records import record
from cygnet.kernel.port import Mark
from cygnet.keying.config.records import ChildConfig, UniqueMark


class Source(Protocol):
    """Where marks that nobody else has come from."""

    def mark(self) -> int:
        """A number for ``%unique``."""


@record
class Marks:
    """What packets in and out are marked with; they tell CHILD_SAs with equal selectors apart."""

    into: Mark | None = None
    out: Mark | None = None


NO_MARKS = Marks()


def marks_of(config: ChildConfig, source: Source) -> Marks:
    """The configured marks. ``%unique`` is one number for both directions, ``%unique-dir`` one for each."""
    into, out = config.mark_in, config.mark_out
    shared = 0
    if any(isinstance(one, UniqueMark) and not one.per_direction for one in (into, out)):
        shared = source.mark()
    return Marks(_resolved(into, shared, source), _resolved(out, shared, source))


def has_unique_marks(config: ChildConfig) -> bool:
    """Whether CHILD_SAs of the configuration differ by their marks."""
    return any(isinstance(one, UniqueMark) for one in (config.mark_in, config.mark_out))


def kept(config: ChildConfig, old: Marks | None) -> Marks | None:
    """Those of an earlier CHILD_SA, if only ``%unique`` can tell them from the configured ones; else none."""
    if old is None:
        return None
    for wanted, mark in ((config.mark_in, old.into), (config.mark_out, old.out)):
        if isinstance(wanted, UniqueMark):
            if mark is None or mark.mask != wanted.mask:
                return None
        elif mark != wanted:
            return None
    return old


def _resolved(mark: Mark | UniqueMark | None, shared: int, source: Source) -> Mark | None:
    if not isinstance(mark, UniqueMark):
        return mark
    return Mark((source.mark() if mark.per_direction else shared) & mark.mask, mark.mask)
