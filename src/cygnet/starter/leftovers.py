"""Daemons that are no children of this starter: those of one that died, and the espd that charon started."""

import os
import select
import signal
from collections.abc import Iterable
from pathlib import Path

from cygnet.runtime.pidfile import program_of, read_pid
from cygnet.starter.log import Log

PATIENCE_S = 5.0


def stop_leftovers(
    pid_files: Iterable[Path], log: Log, whose: str = "left over by an earlier starter"
) -> None:
    """Stop each daemon of ours that a PID file names, by force if it does not go."""
    for path in pid_files:
        pid = read_pid(path)
        if pid > 1 and pid != os.getpid() and "cygnet" in program_of(pid) and path.stem in program_of(pid):
            log(1, f"{path.stem} ({pid}), {whose}, is stopped")
            _stop(pid)


def _stop(pid: int) -> None:
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        for number in (signal.SIGTERM, signal.SIGKILL):
            signal.pidfd_send_signal(descriptor, number)
            if poll.poll(PATIENCE_S * 1000):
                return
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)
