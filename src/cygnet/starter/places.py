"""Which configuration starter reads, and the programs it starts."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cygnet.base.groups import Group
from cygnet.conf.ipsec_conf import parse_config
from cygnet.conf.problems import Problem, Severity
from cygnet.conf.records import Config, Connection, Setup
from cygnet.conf.settings import Settings, parse_settings
from cygnet.ctl import starter
from cygnet.runtime import paths
from cygnet.runtime.files import FileReader
from cygnet.runtime.network.inherited import SOCKETS_VARIABLE, SocketGroups
from cygnet.starter.child import Program
from cygnet.starter.messages import SHUNTS
from cygnet.starter.whack_messages import is_loadable


@dataclass(frozen=True, slots=True)
class Places:
    """Files of one instance."""

    ipsec_conf: Path
    run: Path

    @property
    def control(self) -> Path:
        """starter's own control socket."""
        return self.run / starter.SOCKET_NAME


def places_of(settings: Settings, conf: str) -> Places:
    """The files, ``conf`` (``--conf``) or ``starter.config_file`` standing in for ``ipsec.conf``."""
    path = conf or settings.get("starter.config_file") or str(paths.ipsec_conf())
    return Places(Path(path), paths.rundir())


def read_settings() -> Settings:
    """``strongswan.conf``."""
    return parse_settings(str(paths.strongswan_conf()), FileReader())


def read_config(places: Places) -> Config:
    """``ipsec.conf``."""
    return parse_config(str(places.ipsec_conf), FileReader())


def daemons_of(setup: Setup, connections: Iterable[Connection]) -> tuple[str, ...]:
    """The keying daemons that a configuration asks for.

    Without ``plutostart`` pluto is started for a connection of ``keyexchange=ikev1`` only: who has none
    gets what he had before there was a pluto.
    """
    wanted = setup.plutostart
    if wanted is None:
        wanted = any(one.is_of_ikev1 and is_loadable(one) for one in connections)
    return (*(("charon",) if setup.charonstart else ()), *(("pluto",) if wanted else ()))


def unserved(config: Config, daemons: tuple[str, ...]) -> list[str]:
    """A line for each connection that no daemon of this run can have, with what would help."""
    found = []
    for one in config.connections:
        if one.auto == "ignore" or one.unsupported or one.type in SHUNTS:
            continue
        if one.is_of_ikev1 and "pluto" not in daemons:
            found.append(f"{one.origin}: conn '{one.name}' is not loaded: keyexchange=ikev1 needs pluto, "
                         "which is not started (plutostart=no)")
        elif one.keyexchange == "ikev2" and "charon" not in daemons:
            found.append(f"{one.origin}: conn '{one.name}' is not loaded: keyexchange=ikev2 needs charon, "
                         "which is not started (charonstart=no)")
    return found


def summary(problems: tuple[Problem, ...]) -> str:
    """``N parsing errors (M fatal)``, empty if there are none."""
    errors = sum(problem.severity is not Severity.WARNING for problem in problems)
    fatal = sum(problem.severity is Severity.ERROR for problem in problems)
    return f"{errors} parsing errors ({fatal} fatal)" if errors else ""


def charon_program(setup: Setup, sockets: SocketGroups, *, on_terminal: bool = False) -> Program:
    """How charon is started; it logs on stderr too where somebody reads that."""
    options = _debug_options(setup) if on_terminal else ["--use-syslog", *_debug_options(setup)]
    return Program(
        "charon",
        (sys.executable, "-P", "-m", "cygnet.charon.main", *options),
        {SOCKETS_VARIABLE: sockets.environment("charon")},
        sockets.descriptors("charon"),
    )


def pluto_program(setup: Setup, sockets: SocketGroups, *, on_terminal: bool = False) -> Program:
    """How pluto is started; it logs on stderr too where somebody reads that."""
    options = ["--nofork", *(["--stderrlog"] if on_terminal else [])]
    options += [f"--debug-{word}" for word in setup.plutodebug]
    return Program(
        "pluto",
        (sys.executable, "-P", "-m", "cygnet.pluto.main", *options),
        {SOCKETS_VARIABLE: sockets.environment("pluto")},
        sockets.descriptors("pluto"),
    )


def espd_program(sockets: SocketGroups) -> Program:
    """How espd is started."""
    return Program(
        "espd",
        (sys.executable, "-P", "-m", "cygnet.espd.main"),
        {SOCKETS_VARIABLE: sockets.environment("espd")},
        sockets.descriptors("espd"),
    )


def _debug_options(setup: Setup) -> list[str]:
    levels: dict[str, int] = {}
    for group, level in setup.charondebug:
        levels.update(dict.fromkeys(Group, level) if group == "any" else {group: level})
    return [word for group, level in levels.items() for word in (f"--debug-{group}", str(level))]
