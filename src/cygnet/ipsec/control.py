"""Verbs that are one request to charon: status, up, down, route, lists, rereading."""

import sys

from cygnet.ipsec.client import NOT_RUNNING, NotRunningError, ask
from cygnet.runtime import paths

USAGE = 2
DEAD, STOPPED = 1, 3
NAMED = {"up": "initiate", "down": "terminate", "route": "route", "unroute": "unroute"}
LISTS = {"listcerts": "certs", "listcacerts": "cacerts", "listalgs": "algs", "listplugins": "plugins",
         "listall": "all"}  # fmt: skip
REREADS = {"rereadsecrets": "secrets", "secrets": "secrets", "rereadcacerts": "cacerts", "rereadall": "all"}

Request = tuple[str, dict[str, object]]


class UsageError(Exception):
    """The verb wants other arguments; the text says which."""


def run(verb: str, arguments: list[str]) -> int:
    """Ask charon, and end with its exit status."""
    try:
        kind, fields = request(verb, arguments)
    except UsageError as error:
        print(error, file=sys.stderr)
        return USAGE
    try:
        return ask(paths.charon_ctl(), kind, fields, f"ipsec {verb}")
    except NotRunningError as error:
        print(f"ipsec {verb}: charon is not running ({error})", file=sys.stderr)
        return _not_running(verb)


def request(verb: str, arguments: list[str]) -> Request:
    """The message of a verb (:mod:`cygnet.ctl.stroke`); raises :class:`UsageError`."""
    if verb in NAMED:
        return _named(verb, arguments)
    if verb in LISTS:
        return _list(verb, arguments)
    return _reread(verb, arguments) if verb in REREADS else _status(verb, arguments)


def _status(verb: str, arguments: list[str]) -> Request:
    if len(arguments) > 1:
        raise UsageError(f"Usage: ipsec {verb} [<connection name>]")
    return "status", {"name": "".join(arguments), "all": verb == "statusall"}


def _named(verb: str, arguments: list[str]) -> Request:
    if len(arguments) != 1 or not arguments[0]:
        raise UsageError(f"Usage: ipsec {verb} <connection name>")
    return NAMED[verb], {"name": arguments[0]}


def _list(verb: str, arguments: list[str]) -> Request:
    if arguments not in ([], ["--utc"]):
        raise UsageError(f"Usage: ipsec {verb} [--utc]")
    return "list", {"kinds": [LISTS[verb]], "utc": bool(arguments)}


def _reread(verb: str, arguments: list[str]) -> Request:
    if arguments:
        raise UsageError(f"Usage: ipsec {verb}")
    return "reread", {"kinds": [REREADS[verb]]}


def _not_running(verb: str) -> int:
    """LSB's words for ``status``: dead with a PID file, or just not running; 7 for other verbs."""
    if verb not in ("status", "statusall"):
        return NOT_RUNNING
    return DEAD if paths.charon_pid().exists() else STOPPED
