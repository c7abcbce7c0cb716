"""A daemon that is kept running: started, seen to be ready, started again when it dies, stopped."""

import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cygnet.starter.child import Child, Program
from cygnet.starter.log import Log
from cygnet.starter.loop import Loop, Timer
from cygnet.starter.restart import RestartPolicy

READY_S = 15.0
"""A daemon that is not ready after this long is killed and counts as died."""
STOP_S = 5.0
"""A daemon that lives this long after SIGTERM is killed."""
FIRST_LOOK_S, LONGEST_LOOK_S = 0.01, 0.1


class Listener(Protocol):
    """Who hears what becomes of a service."""

    def ready(self, service: "Service") -> None:
        """It can be used."""

    def died(self, service: "Service", how: str) -> None:
        """It ended although it should run; it comes back by itself unless stopped now."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """How to see that a daemon is ready: its socket exists, and with ``connect`` accepts."""

    path: Path
    connect: bool

    def holds(self) -> bool:
        """Whether it does now."""
        if not self.connect:
            return self.path.exists()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            return sock.connect_ex(str(self.path)) == 0


class Service:
    """One daemon. It is started with :meth:`start` and stays until :meth:`stop`."""

    def __init__(
        self, loop: Loop, log: Log, program: Program, readiness: Readiness, listener: Listener,
        *, show_output: bool = False,
    ) -> None:  # fmt: skip
        self.name = program.name
        self.is_ready = False
        self._loop, self._log, self._program, self._readiness = loop, log, program, readiness
        self._listener, self._show_output = listener, show_output
        self._policy = RestartPolicy()
        self._child: Child | None = None
        self._timers: list[Timer] = []
        self._stopped: Callable[[], None] | None = None

    @property
    def pid(self) -> int:
        """Its process, 0 without one."""
        return self._child.pid if self._child else 0

    def start(self) -> None:
        """Start it now."""
        self._cancel()
        if not self._readiness.connect:
            self._readiness.path.unlink(missing_ok=True)
        try:
            self._child = Child(
                self._loop, self._log, self._program, self._exited, show_output=self._show_output
            )
        except OSError as error:
            self._lost(f"cannot be started: {error.strerror or error}", 0.0)
            return
        self._log(2, f"{self.name} ({self._child.pid}) started")
        self._timers.append(self._loop.later(READY_S, self._late))
        self._look(FIRST_LOOK_S)

    def stop(self, stopped: Callable[[], None]) -> None:
        """End it, by force after :data:`STOP_S`, and call ``stopped``."""
        self._cancel()
        self._stopped = stopped
        self.is_ready = False
        if self._child is None:
            self._timers.append(self._loop.later(0, stopped))
            return
        self._child.signal(signal.SIGTERM)
        self._timers.append(self._loop.later(STOP_S, self._kill))

    def _look(self, delay_s: float) -> None:
        def look() -> None:
            if self._readiness.holds():
                self._cancel()
                self.is_ready = True
                self._log(2, f"{self.name} is ready")
                self._listener.ready(self)
            else:
                self._look(min(delay_s * 2, LONGEST_LOOK_S))

        self._timers = [*self._timers[:1], self._loop.later(delay_s, look)]

    def _late(self) -> None:
        self._log(0, f"{self.name} is not ready after {READY_S:g} seconds and is killed")
        self._kill()

    def _kill(self) -> None:
        if self._child is not None:
            self._child.signal(signal.SIGKILL)

    def _exited(self, how: str) -> None:
        lived_s = self._child.lived_s if self._child else 0.0
        self._child, self.is_ready = None, False
        self._cancel()
        if self._stopped is not None:
            self._log(2, f"{self.name} stopped")
            self._stopped()
        else:
            self._lost(how, lived_s)

    def _lost(self, how: str, lived_s: float) -> None:
        self._log(0, f"{self.name} died ({how}) after {lived_s:.1f} seconds")
        self._listener.died(self, how)
        if self._stopped is None:
            delay_s = self._policy.delay_after(lived_s)
            when = f"in {delay_s:g} seconds" if delay_s else "at once"
            self._log(0, f"{self.name} is started again {when}")
            self._timers.append(self._loop.later(delay_s, self.start))

    def _cancel(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
