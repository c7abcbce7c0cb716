"""The program ``pluto`` and its command line."""

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cygnet import __version__
from cygnet.runtime import paths
from cygnet.runtime.program import Daemon, Program, UsageError

USAGE = """usage: pluto [--help] [--version] [--nofork] [--stderrlog] [--optionsfrom FILE]
             [--ctlbase PATH] [--ikeport PORT] [--natikeport PORT] [--secretsfile FILE]
             [--keep_alive SECONDS] [--debug-TYPE ...]

The IKEv1 daemon, controlled by whack; it hears peers from `whack --listen` on. Reads strongswan.conf.
  --nofork             accepted: it stays in the foreground anyway
  --stderrlog          log to standard error as well as to syslog
  --ctlbase PATH       control socket PATH.ctl and PID file PATH.pid
  --ikeport PORT       instead of 500; --natikeport instead of 4500
  --secretsfile FILE   instead of ipsec.secrets
  --keep_alive SECONDS between signs of life to a NAT, 0 for none
  --debug-TYPE         none all raw crypt parsing emitting control lifecycle kernel klips dns natt oppo
                       controlmore private
Options of strongSwan 4's pluto that have no effect here are accepted, with a message on standard error.
"""
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
    "crlcheckinterval", "interface", "policygroupsdir", "foodgroupsdir", "perpeerlogbase", "adns",
    "pkcs11module", "pkcs11initargs", "virtual_private",
})  # fmt: skip


@dataclass(slots=True)
class Options:
    """The parsed command line."""

    debug: list[str] = field(default_factory=list)
    stderr: bool = False
    ctlbase: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    secrets_file: str = ""
    keep_alive_s: float | None = None
    ignored: list[str] = field(default_factory=list)
    text: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM, SIGINT or ``whack --shutdown``; the exit status."""
    return Program("pluto", USAGE, parse, _pid_file, build).main(argv)


def _pid_file(options: Options) -> Path:
    return Path(options.ctlbase + ".pid") if options.ctlbase else paths.pluto_pid()


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
    elif name == "secretsfile":
        options.secrets_file = argument
    elif name == "keep_alive":
        options.keep_alive_s = float(_whole(name, argument, "number of seconds", 0, 3600))
    elif name == "optionsfrom":
        _collect(_words_of(argument, depth), options, depth + 1)
    else:
        options.ports[name] = _whole(name, argument, "port", 1, 65535)


def _whole(name: str, argument: str, what: str, low: int, high: int) -> int:
    if not (argument.isascii() and argument.isdigit() and low <= int(argument) <= high):
        raise UsageError(f"--{name}: '{argument}' is no {what} from {low} to {high}")
    return int(argument)


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
_VALUES = ("ctlbase", "ikeport", "natikeport", "secretsfile", "keep_alive")


def build(options: Options) -> Daemon:
    """pluto itself; raises ``LocalError``."""
    from cygnet.pluto import daemon

    for option in options.ignored:
        print(f"pluto: {option} has no effect in this version", file=sys.stderr)
    invocation = daemon.Invocation(
        tuple(options.debug), options.stderr, options.ctlbase, options.ports.get("ikeport", 0),
        options.ports.get("natikeport", 0), tuple(options.ignored), options.secrets_file,
        options.keep_alive_s,
    )  # fmt: skip
    return daemon.Daemon(invocation, end=lambda: os.kill(os.getpid(), signal.SIGTERM))


if __name__ == "__main__":
    sys.exit(main())
