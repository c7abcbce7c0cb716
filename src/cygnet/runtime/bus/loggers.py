"""Log listeners: files, the standard error stream, syslog, in strongSwan's line formats."""

import json
import sys
import syslog
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cygnet.base.effects import Log
from cygnet.base.groups import Group
from cygnet.runtime.bus.records import Record

FACILITIES = {"daemon": syslog.LOG_DAEMON, "auth": syslog.LOG_AUTHPRIV}
_TAGS = {group: group.upper() for group in Group}
_PRECISION = {"": 0, "ms": 3, "us": 6}


@dataclass(frozen=True, slots=True)
class LineFormat:
    """``filelog`` options that shape a line: ``[TIME ]NN[GRP[LEVEL]][ <NAME|ID>] MESSAGE``.

    ``time_format`` is strftime's, ``time_precision`` empty, ``ms`` or ``us``.
    """

    time_format: str = ""
    time_precision: str = ""
    ike_name: bool = False
    log_level: bool = False
    json: bool = False

    def lines(self, record: Record) -> list[str]:
        """The lines of a record, one for each line of its text; none unless it is a log line."""
        log = record.event
        if not isinstance(log, Log):
            return []
        if self.json:
            return [self._object(record, log)]
        prefix = self._prefix(record, log)
        if "\n" not in log.text:
            return [prefix + log.text]
        return [prefix + line for line in log.text.split("\n")]

    def _prefix(self, record: Record, log: Log) -> str:
        at = f"{self._time(record.at)} " if self.time_format else ""
        level = str(int(log.level)) if self.log_level else ""
        name = f" <{log.sa}>" if self.ike_name and log.sa else ""
        return f"{at}{record.thread:02}[{_TAGS[log.group]}{level}]{name} "

    def _time(self, at: float) -> str:
        text = time.strftime(self.time_format, time.localtime(at))
        digits = _PRECISION.get(self.time_precision, 0)
        return f"{text}.{int(at % 1 * 10**digits):0{digits}}" if digits else text

    def _object(self, record: Record, log: Log) -> str:
        fields: dict[str, str | int] = {"time": self._time(record.at)} if self.time_format else {}
        fields |= {"thread": record.thread, "group": log.group.upper(), "level": int(log.level)}
        if self.ike_name and log.sa:
            name, _, number = log.sa.rpartition("|")
            fields |= {"ikesa-uniqueid": number, "ikesa-name": name}
        return json.dumps({**fields, "msg": log.text}, ensure_ascii=False)


class FileLogger:
    """Writes to a file; ``append`` and ``flush_line`` as in ``filelog``.

    Raises ``OSError`` if the file cannot be opened. A full disk loses lines, nothing else.
    """

    def __init__(self, path: Path, line_format: LineFormat, *, append: bool = True,
                 flush_line: bool = False) -> None:
        self.name = f"log {path}"
        self._path = path
        self._format = line_format
        self._flush_line = flush_line
        self._reopen = False
        self._file = self._open("a" if append else "w")

    def reopen(self) -> None:
        """Open the path anew before the next line (after rotation); callable from any thread."""
        self._reopen = True

    def handle(self, record: Record) -> None:
        """Write a record's lines."""
        if self._reopen:
            self._reopen = False
            self._file, old = self._open("a"), self._file
            old.close()
        for line in self._format.lines(record):
            self._file.write(f"{line}\n")
            if self._flush_line:
                self._file.flush()

    def idle(self) -> None:
        """Bring what is buffered to the file."""
        self._file.flush()

    def close(self) -> None:
        """Write what is buffered and close."""
        self._file.close()

    def _open(self, mode: str) -> IO[Any]:
        return self._path.open(mode, encoding="utf-8", errors="backslashreplace")


class StreamLogger:
    """Writes to a stream, the standard error stream unless another is given."""

    def __init__(self, line_format: LineFormat, stream: IO[str] | None = None,
                 name: str = "log stderr") -> None:
        self.name = name
        self._format = line_format
        self._stream = stream if stream is not None else sys.stderr

    def handle(self, record: Record) -> None:
        """Write a record's lines."""
        for line in self._format.lines(record):
            self._stream.write(line + "\n")

    def idle(self) -> None:
        """Bring what is buffered to the stream."""
        self._stream.flush()

    def close(self) -> None:
        """The stream is not ours to close."""


class SyslogLogger:
    """Writes to syslog under a facility of :data:`FACILITIES`; ``write`` takes (priority, line)."""

    def __init__(self, facility: str, line_format: LineFormat,
                 write: Callable[[int, str], None] = syslog.syslog) -> None:
        self.name = f"log syslog {facility}"
        self._priority = FACILITIES[facility] | syslog.LOG_INFO
        self._format = line_format
        self._write = write

    def handle(self, record: Record) -> None:
        """Write a record's lines; syslog takes no NUL."""
        for line in self._format.lines(record):
            self._write(self._priority, line.replace("\0", "\\x00"))

    def idle(self) -> None:
        """Nothing is buffered."""

    def close(self) -> None:
        """Nothing is ours to close."""


def open_syslog(identifier: str = "charon") -> None:
    """Set under which name this process logs (``charon.syslog.identifier``)."""
    syslog.openlog(identifier, 0)
