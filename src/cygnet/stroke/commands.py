"""stroke's command line as requests: one row per command (interfaces of strongSwan 6's ``stroke``)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cygnet.ctl import stroke
from cygnet.ctl.stroke import AddConnection, End, Request


class UsageError(Exception):
    """The command line is not understood; the text says how it should be."""


class LaterError(Exception):
    """The command is strongSwan's, but not part of this version."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: how many arguments it takes, how they are called, what they make."""

    arguments: str
    least: int
    most: int
    build: Callable[[Sequence[str]], Request]


def parse(words: Sequence[str]) -> Request:
    """The request of a command line; raises :class:`UsageError` or :class:`LaterError`."""
    words = _without_daemon(words)
    name, arguments = words[0], list(words[1:])
    if name in LATER:
        raise LaterError(f"'{name}' is not part of this version")
    command = COMMANDS.get(name)
    if command is None:
        raise UsageError(f"unknown command '{name}' ('stroke --help' for list)")
    if not command.least <= len(arguments) <= command.most:
        raise UsageError(f"Usage: stroke {name} {command.arguments}".rstrip())
    return command.build(arguments)


def _without_daemon(words: Sequence[str]) -> Sequence[str]:
    """The words behind ``--daemon NAME``, of which only charon can be meant."""
    if words[:1] == ["--daemon"]:
        if words[1:2] != ["charon"]:
            raise UsageError("the only daemon is 'charon'")
        words = words[2:]
    if not words:
        raise UsageError("a command is missing ('stroke --help' for list)")
    return words


def _add(words: Sequence[str]) -> AddConnection:
    """``NAME MY_ID OTHER_ID MY_ADDR OTHER_ADDR [MY_NET OTHER_NET]``."""
    name, my_id, other_id, my_address, other_address, *nets = words
    if len(nets) == 1:
        raise UsageError("stroke add wants both subnets or none")
    my_net, other_net = nets or ("", "")
    return AddConnection(
        name,
        left=End(address=my_address, id=my_id, subnets=my_net),
        right=End(address=other_address, id=other_id, subnets=other_net),
    )


def _log_level(words: Sequence[str]) -> stroke.LogLevel:
    try:
        return stroke.LogLevel(words[0], int(words[1]))
    except ValueError:
        raise UsageError(f"'{words[1]}' is not a log level from -1 to 4") from None


def _list(*kinds: str) -> Command:
    def build(words: Sequence[str]) -> stroke.List:
        if words and list(words) != ["--utc"]:
            raise UsageError(f"unknown option '{words[0]}'")
        return stroke.List(kinds, utc=bool(words))

    return Command("[--utc]", 0, 1, build)


def _reread(kind: str) -> Command:
    return Command("", 0, 0, lambda words: stroke.Reread((kind,)))


def _named(build: Callable[[str], Request]) -> Command:
    return Command("NAME", 1, 1, lambda words: build(words[0]))


COMMANDS = {
    "add": Command("NAME MY_ID OTHER_ID MY_ADDR OTHER_ADDR [MY_NET OTHER_NET]", 5, 7, _add),
    "delete": _named(stroke.DeleteConnection),
    "del": _named(stroke.DeleteConnection),
    "up": _named(stroke.Initiate),
    "up-nb": _named(lambda name: stroke.Initiate(name, wait=False)),
    "down": _named(stroke.Terminate),
    "down-nb": _named(lambda name: stroke.Terminate(name, wait=False)),
    "route": _named(stroke.Route),
    "unroute": _named(stroke.Unroute),
    "loglevel": Command("TYPE LEVEL", 2, 2, _log_level),
    "status": Command("[NAME]", 0, 1, lambda words: stroke.Status("".join(words))),
    "statusall": Command("[NAME]", 0, 1, lambda words: stroke.Status("".join(words), all=True)),
    "statusall-nb": Command("[NAME]", 0, 1, lambda words: stroke.Status("".join(words), all=True)),
    "listcerts": _list("certs"),
    "listcacerts": _list("cacerts"),
    "listalgs": _list("algs"),
    "listplugins": _list("plugins"),
    "listall": _list("all"),
    "rereadsecrets": _reread("secrets"),
    "rereadcacerts": _reread("cacerts"),
    "rereadall": _reread("all"),
}
LATER = frozenset({
    "down-srcip", "rekey", "listpubkeys", "listaacerts", "listocspcerts", "listacerts", "listgroups",
    "listcainfos", "listcrls", "listocsp", "rereadaacerts", "rereadocspcerts", "rereadacerts",
    "rereadcrls", "purgeocsp", "purgecrls", "purgecerts", "purgeike", "exportx509", "exportconncert",
    "exportconnchain", "leases", "memusage", "user-creds", "listcounters", "resetcounters",
})  # fmt: skip
HELP = "\n".join([
    "stroke [--daemon charon] COMMAND",
    "",
    *(f"  {name} {command.arguments}".rstrip() for name, command in COMMANDS.items()),
])  # fmt: skip
