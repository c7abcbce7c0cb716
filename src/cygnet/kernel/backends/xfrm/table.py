"""Our policies and who uses them: one entry of the kernel for each selector, direction, mark and interface.

CHILD_SAs and traps with the same selectors share an entry; the best of its users decides what the kernel
gets (RFC 4301, 4.4.1). Nothing here talks to the kernel: each call returns what has to be done there.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import count

from cygnet.esp.priorities import Rank, priority
from cygnet.kernel.backends.xfrm.owner import MAX_INDICES
from cygnet.kernel.backends.xfrm.primitives import Selector
from cygnet.kernel.backends.xfrm.selectors import kernel_selectors
from cygnet.kernel.port import Direction, KernelError, Mark, Mode, PolicySpec

RANKS = {Mode.PASS: Rank.PASS, Mode.DROP: Rank.DROP}


@dataclass(frozen=True, slots=True)
class Key:
    """What tells entries apart in the kernel."""

    direction: Direction
    selector: Selector
    mark: Mark | None
    if_id: int


@dataclass(frozen=True, slots=True)
class Change:
    """What the kernel is to hold for an entry: ``spec``, or nothing; ``fresh`` when it held nothing."""

    key: Key
    number: int
    spec: PolicySpec | None
    fresh: bool = False


@dataclass(slots=True)
class _Entry:
    number: int
    users: dict[PolicySpec, int] = field(default_factory=dict)  # to the order in which they came
    installed: PolicySpec | None = None


class PolicyTable:
    """All entries. ``number`` counts per direction, below :data:`MAX_INDICES`."""

    def __init__(self) -> None:
        self._entries: dict[Key, _Entry] = {}
        self._uses: Counter[PolicySpec] = Counter()
        self._numbers: dict[Direction, set[int]] = {direction: set() for direction in Direction}
        self._next = dict.fromkeys(Direction, 0)
        self._order = count()

    def add(self, spec: PolicySpec) -> list[Change]:
        """One use more; raises :class:`KernelError` for selectors that the kernel cannot match."""
        if self._uses[spec]:
            self._uses[spec] += 1
            return []
        keys = keys_of(spec)
        order = next(self._order)
        for key in keys:
            if key not in self._entries:
                self._entries[key] = _Entry(self._take(key.direction))
            self._entries[key].users[spec] = order
        self._uses[spec] = 1
        return self._settle(keys)

    def remove(self, spec: PolicySpec) -> list[Change]:
        """One use less; raises :class:`KernelError` when there is none."""
        if not self._uses[spec]:
            what = f"{spec.source} === {spec.destination} {spec.direction}"
            raise KernelError(f"no policy {what} to delete")
        self._uses[spec] -= 1
        if self._uses[spec]:
            return []
        del self._uses[spec]
        keys = keys_of(spec)
        for key in keys:
            del self._entries[key].users[spec]
        return self._settle(keys)

    def replace(self, old: PolicySpec, new: PolicySpec) -> None:
        """The kernel has moved every use of ``old`` to ``new`` by itself; the selectors are the same."""
        self._uses[new] += self._uses.pop(old)
        for key in keys_of(old):
            entry = self._entries[key]
            entry.users[new] = entry.users.pop(old)
            if entry.installed == old:
                entry.installed = new

    def without_spi(self, spi: int) -> list[Change]:
        """What has to be installed anew because an outbound SA that it names has gone."""
        return [
            Change(key, entry.number, entry.installed)
            for key, entry in self._entries.items()
            if entry.installed is not None and entry.installed.next_spi == spi
        ]

    def uses(self, spec: PolicySpec) -> int:
        """How often a policy was added."""
        return self._uses[spec]

    def expected(self) -> list[Change]:
        """What the kernel should hold, entry by entry."""
        return [Change(key, entry.number, entry.installed) for key, entry in self._entries.items()]

    def specs(self) -> list[PolicySpec]:
        """All policies in use."""
        return list(self._uses)

    def _settle(self, keys: tuple[Key, ...]) -> list[Change]:
        return [change for key in keys if (change := self._change(key)) is not None]

    def _change(self, key: Key) -> Change | None:
        entry = self._entries[key]
        best = min(entry.users, key=lambda spec: (*precedence(spec), -entry.users[spec]), default=None)
        if best == entry.installed:
            return None
        change = Change(key, entry.number, best, fresh=entry.installed is None)
        entry.installed = best
        if best is None:
            del self._entries[key]
            self._numbers[key.direction].discard(entry.number)
        return change

    def _take(self, direction: Direction) -> int:
        taken = self._numbers[direction]
        if len(taken) >= MAX_INDICES:
            raise KernelError(f"more than {MAX_INDICES} policies {direction}")
        while self._next[direction] in taken:
            self._next[direction] = (self._next[direction] + 1) % MAX_INDICES
        taken.add(self._next[direction])
        return self._next[direction]


def keys_of(spec: PolicySpec) -> tuple[Key, ...]:
    """The kernel's entries for a policy."""
    selectors = kernel_selectors(spec.source, spec.destination)
    return tuple(Key(spec.direction, selector, spec.mark, spec.if_id) for selector in selectors)


def precedence(spec: PolicySpec) -> tuple[int, bool]:
    """The lower, the better: the priority, which charon computes, then whether it is a trap."""
    return priority_of(spec), spec.trap


def priority_of(spec: PolicySpec) -> int:
    """The priority as the kernel gets it."""
    if spec.priority:
        return spec.priority
    rank = RANKS.get(spec.action, Rank.PROTECT)
    return priority(rank, spec.source, spec.destination, trap=spec.trap)
