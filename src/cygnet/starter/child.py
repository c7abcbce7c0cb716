"""A daemon as starter's child: started, watched, stopped."""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cygnet.starter.log import Log
from cygnet.starter.loop import Loop

TAIL_LINES = 20
"""So many last lines of a daemon's output are shown when it dies."""
MAX_LINE = 4096


@dataclass(frozen=True, slots=True)
class Program:
    """How to start a daemon. ``variables`` are added to starter's own environment."""

    name: str
    command: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()


class _Descriptor:
    """A descriptor that closes once."""

    def __init__(self, number: int) -> None:
        self._number = number

    def fileno(self) -> int:
        return self._number

    def close(self) -> None:
        os.close(self._number)


class Child:
    """One run of a daemon. ``on_exit`` is called once, with how it ended, in plain words."""

    def __init__(
        self, loop: Loop, log: Log, program: Program, on_exit: Callable[[str], None], *, show_output: bool
    ) -> None:
        """Start it; raises ``OSError``. With ``show_output`` it writes to starter's own stderr."""
        self.name = program.name
        self._loop, self._log, self._on_exit = loop, log, on_exit
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._rest = b""
        self._process = subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=None if show_output else subprocess.PIPE,
            stderr=None if show_output else subprocess.STDOUT,
            env=os.environ | program.variables,
            pass_fds=program.descriptors,
            start_new_session=True,
        )
        self._started_at = time.monotonic()
        self._handle = _Descriptor(os.pidfd_open(self._process.pid))
        loop.watch(self._handle, self._exited)
        if self._process.stdout is not None:
            os.set_blocking(self._process.stdout.fileno(), False)
            loop.watch(self._process.stdout, self._listen)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def lived_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._started_at

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it is gone already."""
        self._process.send_signal(number)

    def _listen(self) -> None:
        self._read()

    def _read(self) -> bool:
        """Take what it has written; whether there may be more."""
        assert self._process.stdout is not None
        try:
            octets = os.read(self._process.stdout.fileno(), 65536)
        except BlockingIOError:
            return False
        if not octets:
            self._loop.forget(self._process.stdout)
        *lines, rest = (self._rest + octets).split(b"\n")
        self._rest = rest[-MAX_LINE:] if octets else b""
        for line in [*lines, *([rest] if rest and not octets else [])]:
            text = line[:MAX_LINE].decode("utf-8", "replace").removeprefix(f"{self.name}: ")
            self._tail.append(text)
            self._log(2, f"{self.name}: {text}")
        return bool(octets)

    def _exited(self) -> None:
        status = self._process.wait()
        self._loop.forget(self._handle)
        self._handle.close()
        if self._process.stdout is not None:
            while self._read():
                pass
            self._loop.forget(self._process.stdout)
            self._process.stdout.close()
        how = f"killed by {_signal_name(-status)}" if status < 0 else f"ended with exit code {status}"
        if status not in (0, -signal.SIGTERM, -signal.SIGKILL):
            for line in self._tail:
                self._log(0, f"{self.name}: {line}")
        self._on_exit(how)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
