"""stroke's command line as requests: one row per command (interfaces of strongSwan 6's ``stroke``)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cygnet.base.groups import Group
from cygnet.ctl import stroke
from cygnet.ctl.stroke import AddConnection, End, Request

Ask = Callable[[str], str]
"""Asks for a password on the terminal, without echo."""


class UsageError(Exception):
    """The command line is not understood; the text says how it should be."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: how its arguments are called, how few and many it takes, what they make."""

    arguments: str
    least: int
    most: int
    build: Callable[[Sequence[str], Ask], Request]


def parse(words: Sequence[str], ask: Ask) -> Request:
    """The request of a command line; raises :class:`UsageError`."""
    words = _without_daemon(words)
    name, arguments = words[0], list(words[1:])
    command = COMMANDS.get(name)
    if command is None:
        raise UsageError(f"unknown command '{name}' ('stroke --help' for list)")
    if not command.least <= len(arguments) <= command.most or not all(arguments[: command.least]):
        raise UsageError(f"Usage: stroke {name} {command.arguments}".rstrip())
    return command.build(arguments, ask)


def _without_daemon(words: Sequence[str]) -> Sequence[str]:
    """The words behind ``--daemon NAME``, of which only charon can be meant."""
    first, _, name = words[0].partition("=") if words else ("", "", "")
    if first in ("--daemon", "-d"):
        name, words = (name, words[1:]) if name else ("".join(words[1:2]), words[2:])
        if name != "charon":
            raise UsageError("the only daemon is 'charon'")
    if not words:
        raise UsageError("a command is missing ('stroke --help' for list)")
    return words


def _add(words: Sequence[str], ask: Ask) -> AddConnection:
    name, my_id, other_id, my_address, other_address, *nets = words
    if len(nets) == 1:
        raise UsageError("stroke add wants both subnets or none")
    my_net, other_net = nets or ("", "")
    return AddConnection(
        name,
        left=End(address=my_address, id=my_id, subnets=my_net),
        right=End(address=other_address, id=other_id, subnets=other_net),
    )


def _log_level(words: Sequence[str], ask: Ask) -> stroke.LogLevel:
    try:
        return stroke.LogLevel(words[0], int(words[1]))
    except ValueError:
        raise UsageError(f"'{words[1]}' is not a log level from -1 to 4") from None


def _user_credentials(words: Sequence[str], ask: Ask) -> stroke.UserCredentials:
    password = words[2] if len(words) == 3 else ask("Password: ")
    return stroke.UserCredentials(words[0], words[1], password)


def _list(kind: str) -> Command:
    def build(words: Sequence[str], ask: Ask) -> stroke.List:
        if words and list(words) != ["--utc"]:
            raise UsageError(f"unknown option '{words[0]}'")
        return stroke.List((kind,), utc=bool(words))

    return Command("[--utc]", 0, 1, build)


def _plain(arguments: str, least: int, most: int, build: Callable[..., Request]) -> Command:
    """The arguments are the message's first fields, as they are."""
    return Command(arguments, least, most, lambda words, ask: build(*words))


def _named(build: Callable[[str], Request]) -> Command:
    return _plain("NAME", 1, 1, build)


def _reread(kind: str) -> Command:
    return _plain("", 0, 0, lambda: stroke.Reread((kind,)))


def _purge(kind: str) -> Command:
    return _plain("", 0, 0, lambda: stroke.Purge((kind,)))


def _kernel(words: Sequence[str], ask: Ask) -> stroke.Kernel:
    if sorted(words) not in ([], ["--check"], ["--check", "--repair"]):
        raise UsageError("Usage: stroke kernel [--check [--repair]]")
    return stroke.Kernel(check=bool(words), repair="--repair" in words)


def _export(what: str, argument: str) -> Command:
    return _plain(argument, 1, 1, lambda of: stroke.Export(what, of))


def _status(all: bool) -> Command:
    return _plain("[NAME]", 0, 1, lambda name="": stroke.Status(name, all))


def _counters(reset: bool) -> Command:
    return _plain("[NAME|all]", 0, 1, lambda name="": stroke.Counters(name, reset))


SECTIONS: tuple[tuple[str, dict[str, Command]], ...] = (
    ("Add or delete a connection", {
        "add": Command("NAME MY_ID OTHER_ID MY_ADDR OTHER_ADDR [MY_NET OTHER_NET]", 5, 7, _add),
        "delete": _named(stroke.DeleteConnection),
        "del": _named(stroke.DeleteConnection),
    }),
    ("Initiate a connection (-nb: without waiting)", {
        "up": _named(stroke.Initiate),
        "up-nb": _named(lambda name: stroke.Initiate(name, wait=False)),
    }),
    ("Terminate SAs: NAME, NAME{n}, NAME{*}, NAME[n], NAME[*], or by virtual IP", {
        "down": _named(stroke.Terminate),
        "down-nb": _named(lambda name: stroke.Terminate(name, wait=False)),
        "down-srcip": _plain("START [END]", 1, 2, stroke.TerminateSourceIp),
    }),
    ("Rekey SAs, named as for down", {"rekey": _named(stroke.Rekey)}),
    ("Install or remove a trap or shunt policy", {
        "route": _named(stroke.Route),
        "unroute": _named(stroke.Unroute),
    }),
    (f"Set a log level, -1 to 4; TYPE is any|{'|'.join(Group)}", {
        "loglevel": Command("TYPE LEVEL", 2, 2, _log_level),
    }),
    ("Show the status", {
        "status": _status(False),
        "statusall": _status(True),
        "statusall-nb": _status(True),
    }),
    ("List what is loaded", {
        f"list{kind}": _list(kind)
        for kind in (
            "certs", "cacerts", "aacerts", "ocspcerts", "acerts", "pubkeys", "groups", "cainfos", "crls",
            "ocsp", "algs", "plugins", "all",
        )
    }),
    ("Read files again", {
        f"reread{kind}": _reread(kind)
        for kind in ("secrets", "cacerts", "aacerts", "ocspcerts", "acerts", "crls", "all")
    }),
    ("Forget what was received, or close IKE_SAs without a CHILD_SA", {
        f"purge{kind}": _purge(kind) for kind in ("certs", "crls", "ocsp", "ike")
    }),
    ("Print certificates in PEM", {
        "exportx509": _export("x509", "DN"),
        "exportconncert": _export("conncert", "NAME"),
        "exportconnchain": _export("connchain", "NAME"),
    }),
    ("Show the leases of address pools", {
        "leases": _plain("[POOL [ADDRESS]]", 0, 2, stroke.Leases),
    }),
    ("Show or reset IKE counters", {
        "listcounters": _counters(False),
        "resetcounters": _counters(True),
    }),
    ("Set a connection's user name and password, asked for if not given", {
        "user-creds": Command("NAME USERNAME [PASSWORD]", 2, 3, _user_credentials),
    }),
    ("Show what the data plane holds, compare it with what the daemon believes, mend what differs", {
        "kernel": Command("[--check [--repair]]", 0, 2, _kernel),
    }),
    ("Show what the daemon holds", {"memusage": _plain("", 0, 0, stroke.MemUsage)}),
)  # fmt: skip

COMMANDS = {name: command for _, commands in SECTIONS for name, command in commands.items()}


def help_text() -> str:
    """All commands, in sections."""
    lines = [
        "stroke [OPTIONS] command [ARGUMENTS]",
        "",
        "Options:",
        "  -h, --help             print this information.",
        "  -d, --daemon=NAME      name of the daemon, charon.",
        "Commands:",
    ]
    for caption, commands in SECTIONS:
        lines.append(f"  {caption}:")
        lines += [f"    stroke {name} {command.arguments}".rstrip() for name, command in commands.items()]
    return "\n".join(lines)
