"""The program ``charon`` and its command line."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from cygnet import __version__
from cygnet.base.groups import Group, Level
from cygnet.runtime import paths
from cygnet.runtime.program import Daemon, Program, UsageError

USAGE = """usage: charon [--help] [--version] [--use-syslog] [--debug-TYPE LEVEL ...]

The IKEv2 daemon. Reads strongswan.conf, ipsec.secrets and ipsec.d; connections come over charon.ctl.
  --use-syslog         do not log to standard error as well
  --debug-TYPE LEVEL   log level -1 to 4 of one group (dmn mgr ike chd job cfg knl net enc lib esp any)
"""


@dataclass(slots=True)
class Options:
    """The parsed command line."""

    debug: dict[str, int] = field(default_factory=dict)
    syslog_only: bool = False
    text: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; the exit status."""
    program = Program("charon", USAGE, parse, lambda options: paths.charon_pid(), build)
    return program.main(argv)


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


def build(options: Options) -> Daemon:
    """charon itself; raises ``LocalError``."""
    from cygnet.charon import daemon

    return daemon.Daemon(daemon.Invocation(options.debug, stderr=not options.syslog_only))


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
