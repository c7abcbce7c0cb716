"""The life of a daemon's process: command line, PID file, signals, exit status."""

import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from cygnet.base.errors import LocalError
from cygnet.runtime import collecting
from cygnet.runtime.pidfile import AlreadyRunningError, PidFile

STOP = (signal.SIGTERM, signal.SIGINT)
REOPEN = signal.SIGHUP
EXIT_FAILED, EXIT_USAGE = 1, 2


class UsageError(Exception):
    """The command line makes no sense."""


class Options(Protocol):
    """A parsed command line."""

    @property
    def text(self) -> str:
        """What is to be printed instead of running; empty for running."""


class Daemon(Protocol):
    """What runs in the process."""

    def start(self) -> None:
        """Begin to work; raises ``LocalError``."""

    def stop(self) -> None:
        """End everything."""

    def reopen_logs(self) -> None:
        """After rotation."""


Parsed = TypeVar("Parsed", bound=Options)


@dataclass(frozen=True, slots=True)
class Program(Generic[Parsed]):
    """``parse`` raises :class:`UsageError`; ``build`` makes the daemon, with the signals blocked already, and
    raises ``LocalError``. It imports what it needs: neither help nor a usage error has to wait for that."""

    name: str
    usage: str
    parse: Callable[[Sequence[str]], Parsed]
    pid_file: Callable[[Parsed], Path]
    build: Callable[[Parsed], Daemon]

    def main(self, argv: Sequence[str] | None = None) -> int:
        """Run until SIGTERM or SIGINT. Exit status 0, 1 (failed, the reason on standard error), 2 (usage)."""
        try:
            options = self.parse(sys.argv[1:] if argv is None else argv)
        except UsageError as error:
            print(f"{self.name}: {error}\n{self.usage}", end="", file=sys.stderr)
            return EXIT_USAGE
        if options.text:
            print(options.text, end="")
            return 0
        pid_file = PidFile(self.pid_file(options), self.name)
        try:
            pid_file.take()
        except (AlreadyRunningError, OSError) as error:
            return self._failed(error)
        try:
            return self._run(options)
        finally:
            pid_file.release()

    def _run(self, options: Parsed) -> int:
        """Build the daemon, start it, wait for a signal, stop it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, (*STOP, REOPEN))
        try:
            daemon = self.build(options)
            daemon.start()
            collecting.settle()
        except LocalError as error:
            return self._failed(error)
        while signal.sigwait((*STOP, REOPEN)) == REOPEN:
            daemon.reopen_logs()
        daemon.stop()
        return 0

    def _failed(self, error: Exception) -> int:
        print(f"{self.name}: {error}", file=sys.stderr)
        return EXIT_FAILED
