"""starter at work: daemons kept running, configuration kept applied, operators answered."""

import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from cygnet.conf.records import Config
from cygnet.ctl import starter
from cygnet.runtime import paths
from cygnet.runtime.network.inherited import SocketGroups
from cygnet.starter.applying import Applier
from cygnet.starter.child import Program
from cygnet.starter.control import Client, ControlServer
from cygnet.starter.dialogue import Link
from cygnet.starter.log import Log
from cygnet.starter.loop import Loop
from cygnet.starter.places import Places, charon_program, espd_program, read_config, summary
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
    auto_update_s: float = 0
    show_output: bool = False
    programs: dict[str, Program] = field(default_factory=dict)


class Supervisor:
    """Runs the daemons of a :class:`Plan` in a loop until it is told to stop."""

    def __init__(self, loop: Loop, log: Log, plan: Plan) -> None:
        self._loop, self._log, self._plan = loop, log, plan
        self._config = plan.config
        self._up = False
        self._stopping = False
        self.exit_code = 0
        self._applier = Applier(Link(loop, paths.charon_ctl()), log)
        self._charon = self._service("charon", Readiness(paths.charon_ctl(), connect=True))
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
        (self._espd or self._charon).start()

    def stop(self) -> None:
        """Stop charon, then espd, then the loop."""
        if self._stopping:
            return
        self._stopping = True
        if not self._up:
            self.exit_code = 1
        self._log(1, "ipsec starter stopping")
        self._control.close()
        self._applier.charon_died()
        self._charon.stop(self._charon_stopped)

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
        self._config = config
        if self._charon.is_ready:
            self._applier.apply(config, lambda failures: _answer(client, failures), everything=everything)
        else:
            self._tell(client, 1, "charon is not running; the configuration is applied once it is back")
            _answer(client, [])

    def ready(self, service: Service) -> None:
        """A daemon can be used."""
        if service is self._espd:
            if not self._charon.pid and not self._up:
                self._charon.start()
            return
        self._applier.charon_started(self._plan.config.setup.charondebug)
        self._applier.apply(self._config, self._loaded)

    def died(self, service: Service, how: str) -> None:
        """A daemon ended; at the start that ends everything."""
        if service is self._charon:
            self._applier.charon_died()
        if not self._up:
            self._log(0, f"unable to start Cygnet -- {service.name} {how}")
            self._settle(False)
            self.stop()

    def _service(self, name: str, readiness: Readiness) -> Service:
        program = self._plan.programs.get(name) or (
            espd_program(self._plan.sockets)
            if name == "espd"
            else charon_program(
                self._plan.config.setup, self._plan.sockets, on_terminal=self._plan.show_output
            )
        )
        return Service(self._loop, self._log, program, readiness, self, show_output=self._plan.show_output)

    def _loaded(self, failures: list[str]) -> None:
        if not self._stopping and self._charon.is_ready:
            self._log(2, f"configuration loaded, {len(failures)} failures")
            self._settle(True)

    def _settle(self, success: bool) -> None:
        if not self._up:
            self._up = success
            self._plan.settled(success)

    def _charon_stopped(self) -> None:
        paths.charon_ctl().unlink(missing_ok=True)
        if self._espd is not None:
            self._espd.stop(self._loop.stop)
        else:
            self._loop.stop()

    def _asked(self, kind: str, client: Client) -> None:
        if kind == starter.STATUS:
            for service in (self._charon, self._espd):
                if service is not None:
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
