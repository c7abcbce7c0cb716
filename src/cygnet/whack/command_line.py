"""whack's command line as requests to pluto."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cygnet.ctl import whack
from cygnet.ctl.whack import AddAuthority, AddConnection, End, Policy, Request
from cygnet.ctl.whack_framing import ORDER
from cygnet.whack.options import OPTIONS, SHORT, Option, Read
from cygnet.whack.values import UsageError, version_of

DEPTH_LIMIT = 10
"""How deep files of ``--optionsfrom`` may name others."""
AH = "sha256-sha1"
"""What ``--authenticate`` proposes where ``--esp`` names no algorithms for it."""
HELP = "('whack --help' for list)"


@dataclass(frozen=True, slots=True)
class Order:
    """What a command line asks for. ``text`` is ``help`` or ``version`` if that is to be printed."""

    requests: tuple[Request, ...] = ()
    label: str = ""
    ctlbase: str = ""
    text: str = ""


@dataclass(slots=True)
class _Words:
    """The command line so far, by what its options are for. ``ends`` are the finished one and the current."""

    general: dict[str, Any] = field(default_factory=dict)
    ends: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    connection: dict[str, Any] = field(default_factory=dict)
    policy: int = 0
    action: dict[str, Any] = field(default_factory=dict)
    modifier: dict[str, Any] = field(default_factory=dict)
    authority: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)

    @property
    def describes(self) -> bool:
        """Whether there is anything of a connection."""
        return bool(self.connection or self.policy or any(self.ends) or len(self.ends) > 1)

    @property
    def name(self) -> str:
        """``--name``; raises :class:`UsageError` without."""
        if "name" not in self.general:
            raise UsageError("--name is missing")
        return str(self.general["name"])


def parse(arguments: Sequence[str], read: Read) -> Order:
    """The order of a command line; raises :class:`UsageError`. ``read`` reads ``--optionsfrom``."""
    words = _Words()
    _collect(iter(arguments), words, read, 0)
    general = words.general
    for printed in ("help", "version"):
        if printed in general:
            return Order(text=printed)
    requests = tuple(sorted(_requests(words), key=lambda one: ORDER.index(type(one))))
    if not requests:
        raise UsageError(f"an action is missing {HELP}")
    return Order(requests, general.get("label", ""), general.get("ctlbase", ""))


def _collect(arguments: Iterator[str], words: _Words, read: Read, depth: int) -> None:
    for word in arguments:
        name, equals, value = _name(word).partition("=")
        option = OPTIONS.get(name)
        if option is None:
            raise UsageError(f"unknown option '{word}' {HELP}")
        if equals and not option.argument:
            raise UsageError(f"--{name} takes no argument")
        if name == "optionsfrom":
            _options_from(value if equals else next(arguments, ""), words, read, depth)
            continue
        given = value if equals else next(arguments, None) if option.argument else None
        _put(words, name, option, _converted(name, option, given))


def _name(word: str) -> str:
    if word.startswith("--") and len(word) > 2:
        return word[2:]
    if len(word) == 2 and word[0] == "-" and word[1] in SHORT:
        return SHORT[word[1]]
    raise UsageError(f"'{word}' is no option {HELP}")


def _options_from(name: str, words: _Words, read: Read, depth: int) -> None:
    if depth >= DEPTH_LIMIT:
        raise UsageError(f"--optionsfrom is nested more than {DEPTH_LIMIT} deep in {name}")
    try:
        inner = shlex.split(read(name), comments=True)
    except OSError as error:
        raise UsageError(f"--optionsfrom {name}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"--optionsfrom {name}: {error}") from None
    _collect(iter(inner), words, read, depth + 1)


def _converted(name: str, option: Option, given: str | None) -> object:
    if not option.argument:
        return option.value
    if given is None:
        raise UsageError(f"--{name} wants an argument: {option.argument}")
    try:
        return option.convert(given)
    except ValueError as error:
        raise UsageError(f"--{name}: '{given}' {error}") from None


def _put(words: _Words, name: str, option: Option, value: Any) -> None:
    """Enter one option; the same thing cannot be said twice."""
    if option.place in ("list", "reread", "purge", "debug", "impair"):
        words.lists.setdefault(option.place, []).append(option.name)
    elif option.place == "policy":
        words.policy |= value
    elif name == "to":
        if len(words.ends) > 1:
            raise UsageError("--to can be there only once")
        words.ends.append({})
    else:
        table = words.ends[-1] if option.place == "end" else getattr(words, option.place)
        if option.name in table:
            raise UsageError(f"--{name}: {option.name.removesuffix('_s')} is given twice")
        table[option.name] = value


def _requests(words: _Words) -> Iterator[Request]:
    if words.describes:
        yield _connection(words)
    if words.authority:
        yield from _authority(words)
    yield from _listed(words)
    yield from _keys(words)
    yield from _user(words)
    for action, value in words.action.items():
        yield _ACTIONS[action](words, value)


def _connection(words: _Words) -> AddConnection:
    name = words.name
    if len(words.ends) < 2:
        raise UsageError("a connection needs two ends with --to between them")
    if not all("host" in given for given in words.ends):
        raise UsageError("each end of a connection needs --host")
    left, right = map(_end, words.ends)
    policy = words.policy
    if policy & Policy.ENCRYPT and policy & Policy.AUTHENTICATE:
        raise UsageError("a connection is either --encrypt (ESP) or --authenticate (AH)")
    protects = policy & (Policy.ENCRYPT | Policy.AUTHENTICATE)
    if words.connection.get("shunt", "trap") == "trap" and not protects:
        raise UsageError("a connection needs --encrypt or --authenticate, or one of --pass --drop --reject")
    if "pfsgroup" in words.connection and not policy & Policy.PFS:
        raise UsageError("--pfsgroup needs --pfs")
    _check_families(words.connection, left, right)
    options = dict(words.connection)
    if policy & Policy.AUTHENTICATE:
        options["ah"] = options.pop("esp", AH)
    return AddConnection(name, left, right, policy=policy, **options)


def _check_families(connection: dict[str, Any], left: End, right: End) -> None:
    """``--ipv4``, ``--ipv6`` and ``--tunnelipv4``, ``--tunnelipv6`` only say what the addresses are."""
    for end in (left, right):
        hosts = ("ip", connection.get("host_family"), end.host)
        for option, wanted, value in (hosts, ("tunnelip", connection.get("client_family"), end.client)):
            for one in value.split(","):
                if wanted and version_of(one) not in (0, wanted):
                    raise UsageError(f"--{option}v{wanted}: '{one}' is IPv{version_of(one)}")


def _end(given: dict[str, Any]) -> End:
    fields = dict(given)
    within = fields.pop("clientwithin", None)
    if within is not None:
        if "client" in fields:
            raise UsageError("an end has either --client or --clientwithin")
        fields.update(client=within, client_within=True)
    if (port := fields.pop("clientprotoport", None)) is not None:
        fields.update(protocol=port[0], from_port=port[1], to_port=port[2])
    return End(**fields)


def _authority(words: _Words) -> Iterator[Request]:
    name = words.authority.get("name")
    if not name:
        raise UsageError("--caname is missing")
    if "delete" in words.action:
        yield whack.DeleteAuthority(name)
    if len(words.authority) > 1:
        yield AddAuthority(**words.authority)
    elif "delete" not in words.action:
        raise UsageError("--caname wants --cacert, or --delete")
    if "name" not in words.general:
        words.action.pop("delete", None)


def _listed(words: _Words) -> Iterator[Request]:
    lists, utc = words.lists, "utc" in words.modifier
    if utc and "list" not in lists:
        raise UsageError("--utc goes with a list")
    for place, build in (("reread", whack.Reread), ("purge", whack.Purge)):
        if place in lists:
            yield build(tuple(lists[place]))
    if "list" in lists:
        yield whack.List(tuple(lists["list"]), utc)
    if "debug" in lists or "impair" in lists:
        yield whack.Options(tuple(lists.get("debug", ())), tuple(lists.get("impair", ())))


def _keys(words: _Words) -> Iterator[Request]:
    modifier = words.modifier
    card = words.action.keys() & {"scencrypt", "scdecrypt"}
    if "keyid" in modifier and not card:
        yield whack.AddKey(modifier["keyid"], "addkey" in modifier, modifier.get("pubkeyrsa", ""))
    elif modifier.keys() & {"addkey", "pubkeyrsa"}:
        raise UsageError("--addkey and --pubkeyrsa go with --keyid")
    for opposite in (("oppohere", "oppothere"), ("oppothere", "oppohere")):
        if opposite[0] in modifier and opposite[1] not in modifier:
            raise UsageError(f"--{opposite[0]} goes with --{opposite[1]}")
    if "oppohere" in modifier:
        yield whack.Opportunistic(modifier["oppohere"], modifier["oppothere"], "asynchronous" in modifier)


def _user(words: _Words) -> Iterator[Request]:
    modifier = words.modifier
    if "xauth_name" in modifier:
        yield whack.UserCredentials(words.name, modifier["xauth_name"], modifier.get("xauth_pass", ""))
    elif "xauth_pass" in modifier:
        raise UsageError("--xauthpass goes with --xauthname")


def _leases(words: _Words, value: Any) -> Request:
    address, identity = words.modifier.get("lease_addr", ""), words.modifier.get("lease_id", "")
    if address and identity:
        raise UsageError("--leases takes either --lease-addr or --lease-id")
    if (address or identity) and "name" not in words.general:
        raise UsageError("--lease-addr and --lease-id want the pool as --name")
    return whack.Leases(words.general.get("name", ""), address, identity)


def _smart_card(words: _Words, value: Any, decrypt: bool) -> Request:
    modifier = words.modifier
    bases = {name: modifier[name] for name in ("in_base", "out_base") if name in modifier}
    return whack.SmartCard(decrypt, value, key_id=modifier.get("keyid", ""), **bases)


def _followed(build: Callable[..., Request]) -> Callable[[_Words, Any], Request]:
    return lambda words, value: build(words.name, "asynchronous" in words.modifier)


_ACTIONS: dict[str, Callable[[_Words, Any], Request]] = {
    "route": lambda words, value: whack.Route(words.name),
    "unroute": lambda words, value: whack.Unroute(words.name),
    "initiate": _followed(whack.Initiate),
    "terminate": _followed(whack.Terminate),
    "delete": lambda words, value: whack.DeleteConnection(words.name, words.describes),
    "deletestate": lambda words, value: whack.DeleteState(value),
    "crash": lambda words, value: whack.Crash(value),
    "listen": lambda words, value: whack.Listen(),
    "unlisten": lambda words, value: whack.Unlisten(),
    "shutdown": lambda words, value: whack.Shutdown(),
    "status": lambda words, value: whack.Status(words.general.get("name", "")),
    "statusall": lambda words, value: whack.Status(words.general.get("name", ""), all=True),
    "myid": lambda words, value: whack.MyId(value),
    "leases": _leases,
    "scencrypt": lambda words, value: _smart_card(words, value, False),
    "scdecrypt": lambda words, value: _smart_card(words, value, True),
}
