"""starter at work: daemons kept running, configuration kept applied, operators answered."""

import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cygnet.conf.records import Config
from cygnet.ctl import starter
from cygnet.runtime import paths
from cygnet.runtime.network.inherited import SocketGroups
from cygnet.starter.applying import Applier
from cygnet.starter.child import Program
from cygnet.starter.control import Client, ControlServer
from cygnet.starter.dialogue import Link
from cygnet.starter.languages import STROKE, whack_language
from cygnet.starter.log import Log
from cygnet.starter.loop import Loop
from cygnet.starter.places import (
    Places,
    charon_program,
    daemons_of,
    espd_program,
    pluto_program,
    read_config,
    summary,
    unserved,
)
from cygnet.starter.service import Readiness, Service

KEEPING = "can't reload config file due to errors -- keeping old one"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start and with which configuration. ``settled`` hears once whether the start succeeded."""

    places: Places
    config: Config
    sockets: SocketGroups
    with_espd: bool
    settled: Callable[[bool], None]
    daemons: tuple[str, ...] = ("charon",)
    auto_update_s: float = 0
    show_output: bool = False
    programs: dict[str, Program] = field(default_factory=dict)


class Keyer:
    """A keying daemon: its process, and what brings it to what the configuration says."""

    def __init__(self, service: Service, applier: Applier, control: Path) -> None:
        self.service, self.applier, self.control = service, applier, control
        self.loaded = False


class Supervisor:
    """Runs the daemons of a :class:`Plan` in a loop until it is told to stop.

    They start one after the other: espd, charon, pluto. Later each may die and come back for itself.
    """

    def __init__(self, loop: Loop, log: Log, plan: Plan) -> None:
        self._loop, self._log, self._plan = loop, log, plan
        self._config = plan.config
        self._up = False
        self._stopping = False
        self.exit_code = 0
        self._keyers = {name: self._keyer(name) for name in plan.daemons}
        self._espd = (
            self._service("espd", Readiness(paths.espd_socket(), connect=False)) if plan.with_espd else None
        )
        self._control = ControlServer(loop, plan.places.control, self._asked)

    def start(self) -> None:
        """Begin; the loop does the rest."""
        self._loop.on_signal(signal.SIGHUP, lambda: self.update(everything=False))
        self._loop.on_signal(signal.SIGUSR1, lambda: self.update(everything=True))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            self._loop.on_signal(number, self.stop)
        if self._plan.auto_update_s:
            self._loop.later(self._plan.auto_update_s, self._update_by_itself)
        self._services()[0].start()

    def stop(self) -> None:
        """Stop the keying daemons, then espd, then the loop."""
        if self._stopping:
            return
        self._stopping = True
        if not self._up:
            self.exit_code = 1
        self._log(1, "ipsec starter stopping")
        self._control.close()
        left = set(self._keyers)
        for name, keyer in self._keyers.items():
            keyer.applier.died()
            keyer.service.stop(partial(self._keyer_stopped, name, left))

    def update(self, *, everything: bool, client: Client | None = None) -> None:
        """Read the file again; apply it if it is correct, else keep what there is."""
        if self._stopping:
            return
        config = read_config(self._plan.places)
        for problem in config.problems:
            self._tell(client, 0 if not config.correct else 1, str(problem))
        if not config.correct:
            self._tell(client, 0, summary(config.problems))
            self._tell(None, 0, KEEPING)
            _answer(client, [KEEPING])
            return
        if daemons_of(config.setup) != self._plan.daemons:
            self._tell(client, 1, "charonstart and plutostart take effect at the next start")
        for text in unserved(config, self._plan.daemons):
            self._tell(client, 1, text)
        self._config = config
        self._apply(everything, client)

    def ready(self, service: Service) -> None:
        """A daemon can be used; at the start the next one's turn has come."""
        keyer = self._keyers.get(service.name)
        if keyer is not None:
            keyer.applier.started(self._plan.config.setup.charondebug)
            keyer.applier.apply(self._config, partial(self._loaded, keyer))
        if not self._up:
            services = self._services()
            for following in services[services.index(service) + 1 :][:1]:
                if not following.pid:
                    following.start()

    def died(self, service: Service, how: str) -> None:
        """A daemon ended; at the start that ends everything."""
        if service.name in self._keyers:
            self._keyers[service.name].applier.died()
        if not self._up:
            self._log(0, f"unable to start Cygnet -- {service.name} {how}")
            self._settle(False)
            self.stop()

    def _services(self) -> list[Service]:
        """All of them, in the order of starting."""
        keyers = [keyer.service for keyer in self._keyers.values()]
        return [*([self._espd] if self._espd is not None else []), *keyers]

    def _keyer(self, name: str) -> Keyer:
        alone = self._plan.daemons == (name,)
        path, language = {
            "charon": (paths.charon_ctl(), STROKE),
            "pluto": (paths.pluto_ctl(), whack_language(alone=alone)),
        }[name]
        applier = Applier(Link(self._loop, path, language), language, self._log)
        return Keyer(self._service(name, Readiness(path, connect=True)), applier, path)

    def _service(self, name: str, readiness: Readiness) -> Service:
        program = self._plan.programs.get(name) or self._program(name)
        return Service(self._loop, self._log, program, readiness, self, show_output=self._plan.show_output)

    def _program(self, name: str) -> Program:
        setup, sockets, on_terminal = self._plan.config.setup, self._plan.sockets, self._plan.show_output
        if name == "espd":
            return espd_program(sockets)
        if name == "pluto":
            return pluto_program(setup, sockets, on_terminal=on_terminal)
        return charon_program(setup, sockets, on_terminal=on_terminal)

    def _apply(self, everything: bool, client: Client | None) -> None:
        """Have every daemon that is there hold the configuration; the client hears once all do."""
        ready = [keyer for keyer in self._keyers.values() if keyer.service.is_ready]
        for keyer in self._keyers.values():
            if keyer not in ready:
                name = keyer.service.name
                text = f"{name} is not running; the configuration is applied once it is back"
                self._tell(client, 1, text)
        failures: list[str] = []
        left = [len(ready)]

        def applied(failed: list[str]) -> None:
            failures.extend(failed)
            left[0] -= 1
            if not left[0]:
                _answer(client, failures)

        for keyer in ready:
            keyer.applier.apply(self._config, applied, everything=everything)
        if not ready:
            _answer(client, [])

    def _loaded(self, keyer: Keyer, failures: list[str]) -> None:
        if self._stopping or not keyer.service.is_ready:
            return
        self._log(2, f"{keyer.service.name}: configuration loaded, {len(failures)} failures")
        keyer.loaded = True
        if all(one.loaded for one in self._keyers.values()):
            self._settle(True)

    def _settle(self, success: bool) -> None:
        if not self._up:
            self._up = success
            self._plan.settled(success)

    def _keyer_stopped(self, name: str, left: set[str]) -> None:
        self._keyers[name].control.unlink(missing_ok=True)
        left.discard(name)
        if left:
            return
        if self._espd is not None:
            self._espd.stop(self._loop.stop)
        else:
            self._loop.stop()

    def _asked(self, kind: str, client: Client) -> None:
        if kind == starter.STATUS:
            espd = [self._espd] if self._espd is not None else []
            for service in [*(keyer.service for keyer in self._keyers.values()), *espd]:
                client.say(f"{service.name} {service.pid or 'stopped'}")
            client.done(starter.EXIT_OK)
        else:
            self.update(everything=kind == starter.RELOAD, client=client)

    def _update_by_itself(self) -> None:
        self._loop.later(self._plan.auto_update_s, self._update_by_itself)
        self.update(everything=False)

    def _tell(self, client: Client | None, level: int, text: str) -> None:
        self._log(level, text)
        if client is not None:
            client.say(text)


def _answer(client: Client | None, failures: list[str]) -> None:
    if client is None:
        return
    for failure in failures[:-1]:
        client.say(failure)
    client.done(starter.EXIT_FAILED if failures else starter.EXIT_OK, failures[-1] if failures else "")
