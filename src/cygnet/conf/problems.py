"""What is wrong in a configuration file: place, weight and plain words."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

MAX_PROBLEMS = 1000
"""More problems than this in one run are counted, not kept."""


class Severity(StrEnum):
    """How much a problem stops.

    ``WARNING``: the file is used. ``MISTAKE``: a start uses the file (as strongSwan does), ``update`` and
    ``reload`` refuse it (as 4.6.4 does). ``ERROR``: the file is not used.
    """

    WARNING = "warning"
    MISTAKE = "mistake"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something was written; lines count from 1, 0 is the file as a whole."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in one place."""

    severity: Severity
    file: str
    line: int
    text: str

    def __str__(self) -> str:
        kind = "warning" if self.severity is Severity.WARNING else "error"
        return f"{Origin(self.file, self.line)}: {kind}: {self.text}"


@dataclass(slots=True)
class Problems:
    """Collects problems in the order found, each once, at most :data:`MAX_PROBLEMS`.

    Beyond that, warnings make room for what is worse.
    """

    found: dict[Problem, None] = field(default_factory=dict)
    dropped: int = 0
    warnings: int = 0

    def add(self, severity: Severity, origin: Origin, text: str) -> None:
        """Note one problem."""
        problem = Problem(severity, origin.file, origin.line, text)
        if problem in self.found:
            return
        if len(self.found) >= MAX_PROBLEMS:
            self.dropped += 1
            if severity is Severity.WARNING or not self.warnings:
                return
            oldest = next(one for one in self.found if one.severity is Severity.WARNING)
            del self.found[oldest]
            self.warnings -= 1
        self.found[problem] = None
        self.warnings += severity is Severity.WARNING

    def warning(self, origin: Origin, text: str) -> None:
        """Note a warning."""
        self.add(Severity.WARNING, origin, text)

    def mistake(self, origin: Origin, text: str) -> None:
        """Note a mistake that a start forgives."""
        self.add(Severity.MISTAKE, origin, text)

    def error(self, origin: Origin, text: str) -> None:
        """Note an error."""
        self.add(Severity.ERROR, origin, text)

    def result(self) -> tuple[Problem, ...]:
        """All that was kept, file after file, with a last warning about what was not."""
        files: dict[str, int] = {}
        for problem in self.found:
            files.setdefault(problem.file, len(files))
        kept = sorted(self.found, key=lambda problem: (files[problem.file], problem.line))
        if not self.dropped:
            return tuple(kept)
        more = Problem(Severity.WARNING, "configuration", 0, f"{self.dropped} more problems are not shown")
        return (*kept, more)


class Reader(Protocol):
    """How the parsers see the file system (``runtime.files.FileReader`` in the programs)."""

    def read(self, path: str) -> str:
        """The text of a file; raises ``OSError``."""

    def glob(self, pattern: str, relative_to: str) -> list[str]:
        """Files matching a shell pattern, sorted; relative patterns start at the folder of the file
        ``relative_to``. A pattern without wildcards names its file whether that exists or not."""
