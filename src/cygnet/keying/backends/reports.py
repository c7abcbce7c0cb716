"""What went well and what is wrong while files are read: for the operator and for the log."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cygnet.base.groups import Group

LogLine = Callable[[Group, int, str], None]


@dataclass(slots=True)
class Report:
    """Collects what is wrong for the operator, and logs as it goes.

    ``complete`` ends when something that was to be loaded was not.
    """

    log: LogLine
    problems: list[str] = field(default_factory=list)
    complete: bool = True

    def say(self, text: str) -> None:
        """Something went as it should."""
        self.log(Group.CFG, 1, text)

    def warn(self, text: str) -> None:
        """Something is not as it should be, and used all the same, or beyond this version."""
        self.problems.append(text)
        self.log(Group.CFG, 1, text)

    def fail(self, text: str) -> None:
        """Something cannot be used; the rest goes on."""
        self.complete = False
        self.warn(text)
