"""The program ``charon``: command line, PID file, signals."""

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from cygnet import __version__
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.runtime import paths
from cygnet.runtime.pidfile import AlreadyRunningError, PidFile

USAGE = """usage: charon [--help] [--version] [--use-syslog] [--debug-TYPE LEVEL ...]

The IKEv2 daemon. Reads strongswan.conf, ipsec.secrets and ipsec.d; connections come over charon.ctl.
  --use-syslog         do not log to standard error as well
  --debug-TYPE LEVEL   log level -1 to 4 of one group (dmn mgr ike chd job cfg knl net enc lib esp any)
"""
STOP = (signal.SIGTERM, signal.SIGINT)
REOPEN = signal.SIGHUP
EXIT_FAILED, EXIT_USAGE = 1, 2


@dataclass(slots=True)
class Options:
    """The parsed command line."""

    debug: dict[str, int] = field(default_factory=dict)
    syslog_only: bool = False
    text: str = ""


class UsageError(Exception):
    """The command line is wrong; the text says where."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Exit status 0, 1 (failed, the reason on standard error), 2 (usage)."""
    try:
        options = parse(sys.argv[1:] if argv is None else argv)
    except UsageError as error:
        print(f"charon: {error}\n{USAGE}", end="", file=sys.stderr)
        return EXIT_USAGE
    if options.text:
        print(options.text, end="")
        return 0
    pid_file = PidFile(paths.charon_pid(), "charon")
    try:
        pid_file.take()
    except (AlreadyRunningError, OSError) as error:
        print(f"charon: {error}", file=sys.stderr)
        return EXIT_FAILED
    try:
        return run(options)
    finally:
        pid_file.release()


def parse(argv: Sequence[str]) -> Options:
    """The options; raises :class:`UsageError`."""
    options, words = Options(), iter(argv)
    for word in words:
        if word in ("--help", "-h"):
            options.text = USAGE
        elif word in ("--version", "-v"):
            options.text = f"Cygnet {__version__}\n"
        elif word in ("--use-syslog", "-l"):
            options.syslog_only = True
        elif word.startswith("--debug-"):
            options.debug[_group(word.removeprefix("--debug-"))] = _level(word, next(words, ""))
        else:
            raise UsageError(f"unknown option '{word}'")
    return options


def run(options: Options) -> int:
    """Build the daemon, start it, wait for a signal, stop it."""
    from cygnet.charon.daemon import Daemon, Invocation
    from cygnet.runtime import collecting

    signal.pthread_sigmask(signal.SIG_BLOCK, (*STOP, REOPEN))
    try:
        daemon = Daemon(Invocation(options.debug, stderr=not options.syslog_only))
        daemon.start()
        collecting.settle()
    except LocalError as error:
        print(f"charon: {error}", file=sys.stderr)
        return EXIT_FAILED
    while signal.sigwait((*STOP, REOPEN)) == REOPEN:
        daemon.reopen_logs()
    daemon.stop()
    return 0


def _group(name: str) -> str:
    if name != "any" and name not in tuple(Group):
        raise UsageError(f"there is no log group '{name}'")
    return name


def _level(option: str, text: str) -> int:
    if text.lstrip("-").isdigit() and Level.SILENT <= int(text) <= Level.PRIVATE:
        return int(text)
    raise UsageError(f"{option} needs a level from -1 to 4, not '{text}'")


if __name__ == "__main__":
    sys.exit(main())
