"""The log listeners that ``strongswan.conf`` and the command line ask for, with strongSwan's defaults.

``charon.filelog.NAME``, ``charon.syslog.{daemon,auth}``, for pluto below ``pluto``; without either, syslog
``daemon`` at level 1 and ``auth`` at level 0, the former at the levels of ``--debug-TYPE`` (from
``charondebug``).
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, Self

from cygnet.base.groups import Group, Level
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.bus.loggers import (
    FACILITIES,
    FileLogger,
    LineFormat,
    StreamLogger,
    SyslogLogger,
    open_syslog,
)
from cygnet.runtime.bus.records import Levels

STREAMS = ("stderr", "stdout")


class Settings(Protocol):
    """The parsed ``strongswan.conf``."""

    def get(self, path: str, default: str = "") -> str:
        """A value as text."""

    def get_int(self, path: str, default: int) -> int:
        """A value as a number."""

    def get_bool(self, path: str, default: bool) -> bool:
        """A value as yes or no."""

    def has(self, path: str) -> bool:
        """Whether there is such a value or section."""

    def sections(self, path: str = "") -> tuple[str, ...]:
        """The names of the sections below."""

    def section(self, *names: str) -> Self:
        """The section that these names lead to; they may have dots in them, as old names of files do."""


def add_loggers(
    bus: Bus, settings: Settings, debug: Mapping[str, int], stderr: bool, daemon: str = "charon"
) -> tuple[FileLogger, ...]:
    """Let every configured logger listen; a file that cannot be opened is named in the log of the others.

    With none configured there are the default ones, at level 1 or as ``debug`` says, with ``stderr`` on
    the standard error stream too. Returns the file loggers, for reopening after rotation.
    """
    open_syslog(settings.get(f"{daemon}.syslog.identifier") or daemon)
    names = settings.sections(f"{daemon}.filelog")
    facilities = [name for name in FACILITIES if settings.has(f"{daemon}.syslog.{name}")]
    if not names and not facilities:
        _add_defaults(bus, debug, stderr)
    problems: list[str] = []
    loggers = [_add_file(bus, settings.section(daemon, "filelog", name), name, problems) for name in names]
    for name in facilities:
        section = settings.section(daemon, "syslog", name)
        bus.listen(SyslogLogger(name, _line_format(section)), levels=_levels(section))
    for problem in problems:
        bus.log(Group.DMN, Level.CONTROL, problem)
    return tuple(logger for logger in loggers if logger is not None)


def _add_defaults(bus: Bus, debug: Mapping[str, int], stderr: bool) -> None:
    levels = Levels(Level.CONTROL)
    for name, level in debug.items():
        levels = levels.changed(None if name == "any" else Group(name), level)
    bus.listen(SyslogLogger("daemon", LineFormat()), levels=levels)
    bus.listen(SyslogLogger("auth", LineFormat()), levels=Levels(Level.AUDIT))
    if stderr:
        bus.listen(StreamLogger(LineFormat()), levels=levels)


def _add_file(bus: Bus, section: Settings, name: str, problems: list[str]) -> FileLogger | None:
    path, form, levels = section.get("path") or name, _line_format(section), _levels(section)
    if path in STREAMS:
        bus.listen(StreamLogger(form, getattr(sys, path), f"log {path}"), levels=levels)
        return None
    append, flush = section.get_bool("append", True), section.get_bool("flush_line", False)
    try:
        logger = FileLogger(Path(path), form, append=append, flush_line=flush)
    except OSError as error:
        problems.append(f"opening file '{path}' for logging failed: {error.strerror}")
        return None
    bus.listen(logger, levels=levels)
    return logger


def _line_format(section: Settings) -> LineFormat:
    return LineFormat(
        section.get("time_format"),
        section.get("time_precision"),
        section.get_bool("ike_name", False),
        section.get_bool("log_level", False),
        section.get_bool("json", False),
    )


def _levels(section: Settings) -> Levels:
    default = section.get_int("default", Level.CONTROL)
    asked = [group for group in Group if section.has(group)]
    return Levels(default, {group: section.get_int(group, default) for group in asked})
