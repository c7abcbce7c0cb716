"""The program ``pluto``: command line, PID file, signals."""

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cygnet import __version__
from cygnet.base.errors import LocalError
from cygnet.runtime import paths
from cygnet.runtime.pidfile import AlreadyRunningError, PidFile

USAGE = """usage: pluto [--help] [--version] [--nofork] [--stderrlog] [--optionsfrom FILE]
             [--ctlbase PATH] [--ikeport PORT] [--natikeport PORT] [--debug-TYPE ...]

The IKEv1 daemon, controlled by whack; it hears peers from `whack --listen` on. Reads strongswan.conf.
  --nofork             accepted: it stays in the foreground anyway
  --stderrlog          log to standard error as well as to syslog
  --ctlbase PATH       control socket PATH.ctl and PID file PATH.pid
  --ikeport PORT       instead of 500; --natikeport instead of 4500
  --debug-TYPE         none all raw crypt parsing emitting control lifecycle kernel klips dns natt oppo
                       controlmore private
Options of strongSwan 4's pluto that have no effect here are accepted and named in the log.
"""
STOP = (signal.SIGTERM, signal.SIGINT)
REOPEN = signal.SIGHUP
EXIT_FAILED, EXIT_USAGE = 1, 2
DEPTH_LIMIT = 10

DEBUGS = frozenset({
    "none", "all", "raw", "crypt", "parsing", "emitting", "control", "lifecycle", "kernel", "klips", "dns",
    "natt", "oppo", "controlmore", "private",
})  # fmt: skip
IGNORED_FLAGS = frozenset({
    "nocrsend", "strictcrlpolicy", "cachecrls", "uniqueids", "perpeerlog", "pkcs11keepstate", "pkcs11proxy",
    "nat_traversal", "force_keepalive", "disable_port_floating",
})  # fmt: skip
IGNORED_VALUES = frozenset({
    "crlcheckinterval", "interface", "secretsfile", "policygroupsdir", "foodgroupsdir", "perpeerlogbase",
    "adns", "pkcs11module", "pkcs11initargs", "keep_alive", "virtual_private",
})  # fmt: skip


@dataclass(slots=True)
class Options:
    """The parsed command line."""

    debug: list[str] = field(default_factory=list)
    stderr: bool = False
    ctlbase: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    text: str = ""


class UsageError(Exception):
    """The command line is wrong; the text says where."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM, SIGINT or ``whack --shutdown``. Exit status 0, 1 (failed), 2 (usage)."""
    try:
        options = parse(sys.argv[1:] if argv is None else argv)
    except UsageError as error:
        print(f"pluto: {error}\n{USAGE}", end="", file=sys.stderr)
        return EXIT_USAGE
    if options.text:
        print(options.text, end="")
        return 0
    pid_file = PidFile(Path(options.ctlbase + ".pid") if options.ctlbase else paths.pluto_pid(), "pluto")
    try:
        pid_file.take()
    except (AlreadyRunningError, OSError) as error:
        print(f"pluto: {error}", file=sys.stderr)
        return EXIT_FAILED
    try:
        return run(options)
    finally:
        pid_file.release()


def parse(argv: Sequence[str]) -> Options:
    """The options; raises :class:`UsageError`."""
    options = Options()
    _collect(list(argv), options, 0)
    return options


def _collect(argv: list[str], options: Options, depth: int) -> None:
    words = iter(argv)
    for word in words:
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") and word not in ("-h", "-v"):
            raise UsageError(f"'{word}' is no option")
        if name in _FLAGS:
            _FLAGS[name](options)
        elif name.startswith("debug-") and name.removeprefix("debug-") in DEBUGS:
            options.debug.append(name.removeprefix("debug-"))
        elif name in IGNORED_FLAGS:
            options.ignored.append(f"--{name}")
        elif name in (*_VALUES, *IGNORED_VALUES, "optionsfrom"):
            argument = value if equals else next(words, "")
            if not argument:
                raise UsageError(f"--{name} wants an argument")
            _value(name, argument, options, depth)
        else:
            raise UsageError(f"unknown option '{word}'")


def _value(name: str, argument: str, options: Options, depth: int) -> None:
    if name in IGNORED_VALUES:
        options.ignored.append(f"--{name}")
    elif name == "ctlbase":
        options.ctlbase = argument
    elif name == "optionsfrom":
        _collect(_words_of(argument, depth), options, depth + 1)
    else:
        if not (argument.isascii() and argument.isdigit() and 0 < int(argument) < 65536):
            raise UsageError(f"--{name}: '{argument}' is no port from 1 to 65535")
        options.ports[name] = int(argument)


def _words_of(name: str, depth: int) -> list[str]:
    import shlex

    if depth >= DEPTH_LIMIT:
        raise UsageError(f"--optionsfrom is nested more than {DEPTH_LIMIT} deep in {name}")
    try:
        return shlex.split(Path(name).read_text(), comments=True)
    except (OSError, ValueError) as error:
        raise UsageError(f"--optionsfrom {name}: {error}") from None


def _show_help(options: Options) -> None:
    options.text = USAGE


def _show_version(options: Options) -> None:
    options.text = f"Cygnet {__version__}\n"


def _log_to_stderr(options: Options) -> None:
    options.stderr = True


_FLAGS = {
    "help": _show_help,
    "-h": _show_help,
    "version": _show_version,
    "-v": _show_version,
    "nofork": lambda options: None,
    "stderrlog": _log_to_stderr,
}
_VALUES = ("ctlbase", "ikeport", "natikeport")


def run(options: Options) -> int:
    """Build the daemon, start it, wait for a signal, stop it."""
    from cygnet.pluto.daemon import Daemon, Invocation

    signal.pthread_sigmask(signal.SIG_BLOCK, (*STOP, REOPEN))
    invocation = Invocation(
        tuple(options.debug), options.stderr, options.ctlbase, options.ports.get("ikeport", 0),
        options.ports.get("natikeport", 0), tuple(options.ignored),
    )  # fmt: skip
    try:
        daemon = Daemon(invocation, end=lambda: os.kill(os.getpid(), signal.SIGTERM))
        daemon.start()
    except LocalError as error:
        print(f"pluto: {error}", file=sys.stderr)
        return EXIT_FAILED
    while signal.sigwait((*STOP, REOPEN)) == REOPEN:
        daemon.reopen_logs()
    daemon.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
