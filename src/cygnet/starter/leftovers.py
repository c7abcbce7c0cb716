"""Left over: daemons whose starter died, or that charon started, and what charon had in the kernel."""

import os
import select
import signal
from collections.abc import Iterable
from pathlib import Path

from cygnet.base.errors import CygnetError
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


def clear_kernel(daemon: str, state_file: Path, table: int, priority: int, log: Log) -> None:
    """Remove the SAs, policies, addresses and routes of a daemon that was killed, when no other follows."""
    if not state_file.exists():
        return
    from cygnet.kernel.backends.xfrm.leftovers import remove_leftovers
    from cygnet.keying.data_plane import RANKS

    try:
        sas, policies, addresses = remove_leftovers(state_file, table, priority, RANKS[daemon])
    except CygnetError as error:
        log(0, str(error))
        return
    if sas or policies or addresses:
        held = f"{sas} SAs, {policies} policies and {addresses} virtual addresses"
        log(1, f"removed {held} that {daemon} left in the kernel")


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
