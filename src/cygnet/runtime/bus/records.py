"""What travels on the bus, and how much of it a listener wants."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from cygnet.base.groups import Group, Level
from cygnet.base.records import record


@record
class Record:
    """An event or a :class:`~cygnet.base.effects.Log`, with the time (POSIX seconds) and thread number."""

    event: Any
    at: float
    thread: int


@record
class Levels:
    """Up to which level log lines are wanted, by group."""

    default: int = Level.CONTROL
    groups: Mapping[Group, int] = field(default_factory=dict)

    def of(self, group: Group) -> int:
        """The level of ``group``."""
        return self.groups.get(group, self.default)

    def changed(self, group: Group | None, level: int) -> "Levels":
        """With ``group`` (or all of them, ``None``) at ``level``."""
        if group is None:
            return Levels(level)
        return Levels(self.default, {**self.groups, group: level})


NOTHING = Levels(Level.SILENT)
