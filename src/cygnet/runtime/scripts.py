"""Running an operator's script: its output line by line, and an end in any case."""

import os
import select
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

SHELL = "/bin/sh"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
LINES, OCTETS = 200, 1 << 16
"""How much of a script's output is kept."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a script ended: its status (negative: the signal that ended it), whether it took too long."""

    status: int
    lines: tuple[str, ...]
    late: bool = False


def run_script(command: str, environment: Mapping[str, str], deadline_s: float) -> Ended:
    """Run ``command`` by the shell with nothing on its input and this environment (and a PATH).

    After ``deadline_s`` it and everything in its process group are killed. What it leaves running in the
    background is left alone. Raises ``OSError`` if there is no shell.
    """
    reading, writing = os.pipe()
    try:
        pid = _spawn(command, {"PATH": os.environ.get("PATH", PATH), **environment}, writing)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    process = os.pidfd_open(pid)
    try:
        output, late = _read(reading, process, time.monotonic() + deadline_s)
        if late:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(process)
        os.close(reading)
    lines = output.decode(errors="backslashreplace").splitlines()[:LINES]
    return Ended(os.waitstatus_to_exitcode(status), tuple(lines), late)


def _spawn(command: str, environment: dict[str, str], output: int) -> int:
    """A process group of its own, without the signals that this daemon blocks and ignores."""
    return os.posix_spawn(
        SHELL,
        [SHELL, "-c", command],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ],
        setpgroup=0,
        setsigmask=(),
        setsigdef=(signal.SIGPIPE,),
    )


def _read(reading: int, process: int, deadline: float) -> tuple[bytes, bool]:
    """What it writes until it ends or the time is over; more than :data:`OCTETS` is read and dropped."""
    ready = select.poll()
    ready.register(reading, select.POLLIN)
    ready.register(process, select.POLLIN)
    output = bytearray()
    ended = False
    while True:
        left_s = max(0.0, deadline - time.monotonic())
        found = {descriptor for descriptor, _ in ready.poll(left_s * 1000)}
        piece = os.read(reading, OCTETS) if reading in found else b""
        output += piece[: OCTETS - len(output)]
        if reading in found and not piece:
            ready.unregister(reading)
        ended = ended or process in found
        if (ended and not piece) or not left_s:
            return bytes(output), not ended
