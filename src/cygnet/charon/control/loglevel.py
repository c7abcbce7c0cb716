"""``loglevel``: how detailed the log is, by group."""

from dataclasses import dataclass

from cygnet.base.groups import Group, Level
from cygnet.charon.control.ports import LogLevels, Reply
from cygnet.charon.control.replies import refuse
from cygnet.ctl.stroke import EXIT_USAGE, Done, LogLevel

GROUPS = frozenset({*(str(group) for group in Group), "any"})


@dataclass(frozen=True, slots=True)
class LogLevelHandler:
    """Answers ``loglevel``; ``frozen`` refuses changes (``prevent_loglevel_changes``)."""

    levels: LogLevels
    frozen: bool = False

    def __call__(self, request: LogLevel, reply: Reply) -> Done:
        """Set one group's level, or every group's."""
        if self.frozen:
            return refuse(reply, "changing log levels is disabled in strongswan.conf")
        group = request.group.lower()
        if group not in GROUPS:
            return refuse(reply, f"unknown type '{request.group}'!", EXIT_USAGE)
        if not Level.SILENT <= request.level <= Level.PRIVATE:
            return refuse(reply, f"level {request.level} is not between -1 and 4", EXIT_USAGE)
        self.levels.set_level(group, request.level)
        return Done()
