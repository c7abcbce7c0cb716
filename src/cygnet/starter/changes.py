"""What a daemon has to be told so that it holds what ``ipsec.conf`` says: a comparison by value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cygnet.conf.records import Config, Connection, Setup
from cygnet.ctl import stroke, whack
from cygnet.ctl.stroke import LogLevel
from cygnet.starter.languages import STROKE, Language, Request
from cygnet.starter.messages import SHUNTS


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a daemon shall hold. ``auto`` of a connection is ``add``, ``route`` or ``start``."""

    connections: Mapping[str, tuple[Request, str]] = field(default_factory=dict)
    authorities: Mapping[str, Request] = field(default_factory=dict)
    levels: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Held:
    """What a daemon was told and took; empty for one that has just started."""

    connections: dict[str, tuple[Request, str]] = field(default_factory=dict)
    authorities: dict[str, Request] = field(default_factory=dict)
    levels: tuple[tuple[str, int], ...] = ()

    def note(self, request: Request, wanted: Wanted) -> None:
        """Remember that the daemon carried out ``request``."""
        match request:
            case stroke.AddConnection(name=name) | whack.AddConnection(name=name):
                self.connections[name] = wanted.connections[name]
            case stroke.DeleteConnection(name=name) | whack.DeleteConnection(name=name):
                self.connections.pop(name, None)
            case stroke.AddAuthority(name=name) | whack.AddAuthority(name=name):
                self.authorities[name] = request
            case stroke.DeleteAuthority(name=name) | whack.DeleteAuthority(name=name):
                self.authorities.pop(name, None)


def wanted_of(config: Config, language: Language = STROKE) -> Wanted:
    """What a configuration asks of a daemon."""
    setup, loadable = config.setup, [one for one in config.connections if language.is_loadable(one)]
    connections = {one.name: (language.add_connection(one, setup), _auto(one, language)) for one in loadable}
    authorities = [one for one in config.authorities if one.auto != "ignore"]
    return Wanted(
        connections, {one.name: language.add_authority(one) for one in authorities}, setup.charondebug
    )


def _auto(connection: Connection, language: Language) -> str:
    """A shunt has nothing to negotiate: to start it is to route it. One daemon begins, the other has it."""
    if not language.begins(connection):
        return "add"
    is_shunt = connection.type in SHUNTS
    return "route" if is_shunt and connection.auto == "start" else connection.auto


def removals(
    held: Held, wanted: Wanted, *, everything: bool, language: Language = STROKE
) -> list[Request]:
    """Requests that take away what is gone or changed, or with ``everything`` all that is held."""
    requests: list[Request] = []
    for name, entry in held.connections.items():
        if everything or wanted.connections.get(name) != entry:
            if entry[1] == "route":
                requests.append(language.unroute(name))
            requests.append(language.delete_connection(name))
    for name, authority in held.authorities.items():
        if everything or wanted.authorities.get(name) != authority:
            requests.append(language.delete_authority(name))
    return requests


def additions(held: Held, wanted: Wanted) -> list[Request]:
    """Requests that load what is not held; authorities come first, connections need them."""
    authorities = [one for name, one in wanted.authorities.items() if name not in held.authorities]
    connections = [one for name, (one, _) in wanted.connections.items() if name not in held.connections]
    return [*authorities, *connections]


def actions(added: list[str], wanted: Wanted, language: Language = STROKE) -> list[Request]:
    """Requests that route and then initiate the connections ``added``; nothing waits for a negotiation."""
    autos = [(name, wanted.connections[name][1]) for name in added if name in wanted.connections]
    routes = [language.route(name) for name, auto in autos if auto == "route"]
    return routes + [language.initiate(name) for name, auto in autos if auto == "start"]


def level_changes(old: tuple[tuple[str, int], ...], setup: Setup) -> list[Request]:
    """Requests that bring a running charon's log levels from ``old`` to those of ``setup``."""
    if old == setup.charondebug:
        return []
    groups = dict.fromkeys(group for group, _ in old)
    resets: list[Request] = [LogLevel(group, 1) for group in groups]
    return resets + [LogLevel(group, level) for group, level in setup.charondebug]
