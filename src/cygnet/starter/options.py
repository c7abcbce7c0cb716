"""starter's command line (that of ``ipsec start``)."""

from dataclasses import dataclass, replace

USAGE = """Usage: starter [--nofork] [--auto-update SECONDS] [--debug|--debug-more|--debug-all] [--nolog]
               [--conf FILE] [--daemon charon] [--attach-gdb] [--help] [--version]"""

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2

_LEVELS = {"--nolog": -1, "--debug": 2, "--debug-more": 3, "--debug-all": 4}
_DAEMONS = ("charon",)


class UsageError(Exception):
    """A command line that starter does not understand."""


@dataclass(frozen=True, slots=True)
class Options:
    """``level`` is that of starter's own log, -1 to 4; ``auto_update_s`` 0 is off.

    ``conf`` empty is the usual file; ``action`` is ``start``, ``help`` or ``version``.
    """

    fork: bool = True
    level: int = 1
    conf: str = ""
    auto_update_s: float = 0
    action: str = "start"


def parse_options(argv: list[str]) -> Options:
    """The options of ``argv`` (without the program's name); raises :class:`UsageError`."""
    options = Options()
    words = iter(argv)
    for word in words:
        name, equals, inline = word.partition("=")
        if name in ("--conf", "--daemon", "--auto-update"):
            value = inline if equals else next(words, None)
            if value is None:
                raise UsageError(f"option '{name}' needs a value")
            options = _with_value(options, name, value)
        elif word in ("--help", "--version", "-h", "-v"):
            return replace(options, action="help" if word.lstrip("-")[0] == "h" else "version")
        elif word == "--nofork":
            options = replace(options, fork=False)
        elif word in _LEVELS:
            options = replace(options, level=_LEVELS[word])
        elif word == "--attach-gdb":
            raise UsageError("--attach-gdb: these daemons are Python; use --debug-all")
        else:
            raise UsageError(f"unknown option '{word}'")
    return options


def _with_value(options: Options, name: str, value: str) -> Options:
    if name == "--conf":
        return replace(options, conf=value)
    if name == "--daemon":
        if value not in _DAEMONS:
            raise UsageError(f"unknown daemon '{value}'; known: {', '.join(_DAEMONS)}")
        return options
    try:
        seconds = int(value)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 10_000_000:
        raise UsageError(f"--auto-update wants a number of seconds, not '{value}'")
    return replace(options, auto_update_s=seconds)
