"""Verbs that are one request to a daemon: how their words become a message (:mod:`cygnet.ctl.stroke`)."""

import sys
from collections.abc import Callable

from cygnet.ctl.frames import conversation
from cygnet.runtime import paths
from cygnet.runtime.client import NOT_RUNNING, NotRunningError, ask

USAGE = 2
DEAD, STOPPED = 1, 3
UTC = "--utc"

Fields = dict[str, object]
Build = Callable[[list[str]], Fields]
Row = tuple[str, str, int, int, Build]
"""Kind of the message, its arguments as the usage names them, the fewest and most, the fields."""


class UsageError(Exception):
    """The verb wants other arguments; the text says which."""


def run(verb: str, arguments: list[str]) -> int:
    """Ask charon, and pluto if it runs; end with the exit status."""
    try:
        kind, fields = request(verb, arguments)
    except UsageError as error:
        print(error, file=sys.stderr)
        return USAGE
    try:
        if paths.pluto_ctl().exists():
            from cygnet.ipsec import both  # not for who has charon only: status is to answer fast

            return both.run(verb, kind, fields)
        return ask(paths.charon_ctl(), conversation(kind, fields), f"ipsec {verb}")
    except NotRunningError as error:
        print(f"ipsec {verb}: charon is not running ({error}); start it with: ipsec start", file=sys.stderr)
        return _not_running(verb)


def request(verb: str, arguments: list[str]) -> tuple[str, Fields]:
    """The message of a verb; raises :class:`UsageError`."""
    kind, usage, least, most, build = VERBS[verb]
    if not least <= len(arguments) <= most or not all(arguments):
        raise UsageError(f"Usage: ipsec {verb} {usage}".rstrip())
    try:
        return kind, build(arguments)
    except ValueError:
        raise UsageError(f"Usage: ipsec {verb} {usage}".rstrip()) from None


def _named(kind: str) -> Row:
    return kind, "<connection name>", 1, 1, lambda words: {"name": words[0]}


def _status(all: bool) -> Row:
    return "status", "[<connection name>]", 0, 1, lambda words: {"name": "".join(words), "all": all}


def _list(kind: str) -> Row:
    def build(words: list[str]) -> Fields:
        if words and words != [UTC]:
            raise ValueError
        return {"kinds": [kind], "utc": bool(words)}

    return "list", f"[{UTC}]", 0, 1, build


def _kinds(message: str, kind: str) -> Row:
    return message, "", 0, 0, lambda words: {"kinds": [kind]}


def _counters(reset: bool) -> Row:
    return "counters", "[<connection name>|all]", 0, 1, lambda words: {"name": "".join(words), "reset": reset}


def _kernel(words: list[str]) -> Fields:
    """``--repair`` goes with ``--check`` only."""
    if sorted(words) not in ([], ["--check"], ["--check", "--repair"]):
        raise ValueError
    return {"check": bool(words), "repair": "--repair" in words}


def _optional(*names: str) -> Build:
    """As many fields as there are words."""
    return lambda words: dict(zip(names, words, strict=False))


LISTED = (
    "algs", "pubkeys", "certs", "cacerts", "aacerts", "ocspcerts", "acerts", "groups", "cainfos", "crls",
    "ocsp", "plugins", "all",
)  # fmt: skip
REREAD = ("secrets", "cacerts", "aacerts", "ocspcerts", "acerts", "crls", "all")
PURGED = ("certs", "crls", "ike", "ocsp")

VERBS: dict[str, Row] = {
    "up": _named("initiate"),
    "down": _named("terminate"),
    "down-srcip": ("terminate-srcip", "<start> [<end>]", 1, 2, _optional("start", "end")),
    "rekey": _named("rekey"),
    "route": _named("route"),
    "unroute": _named("unroute"),
    "status": _status(False),
    "statusall": _status(True),
    "kernel": ("kernel", "[--check [--repair]]", 0, 2, _kernel),
    "leases": ("leases", "[<poolname> [<address>]]", 0, 2, _optional("pool", "address")),
    "listcounters": _counters(False),
    "resetcounters": _counters(True),
    "secrets": _kinds("reread", "secrets"),
    **{f"list{kind}": _list(kind) for kind in LISTED},
    **{f"reread{kind}": _kinds("reread", kind) for kind in REREAD},
    **{f"purge{kind}": _kinds("purge", kind) for kind in PURGED},
}


def _not_running(verb: str) -> int:
    """LSB's words for ``status``: dead with a PID file, or just not running; 7 for other verbs."""
    if verb not in ("status", "statusall"):
        return NOT_RUNNING
    return DEAD if paths.charon_pid().exists() else STOPPED
