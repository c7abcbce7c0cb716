"""``start``, ``stop``, ``restart``, ``update``, ``reload``: all through starter."""

import os
import select
import signal
import sys

from cygnet import __version__
from cygnet.ctl import starter
from cygnet.ctl.frames import conversation
from cygnet.ipsec.programs import execute
from cygnet.runtime import paths
from cygnet.runtime.client import NOT_RUNNING, NotRunningError, ask

NAME = f"Cygnet {__version__}"
STOP_S = 11.0
REQUESTS = {"update": (starter.UPDATE, "Updating"), "reload": (starter.RELOAD, "Reloading")}


def run(verb: str, arguments: list[str]) -> int:
    """Run the verb; ``start`` and ``restart`` become starter."""
    if verb in REQUESTS:
        return _request(*REQUESTS[verb], verb)
    if verb in ("stop", "restart"):
        stopped = stop()
        if verb == "stop" or stopped:
            return stopped
    _say(f"Starting {NAME} IPsec [starter]...")
    return execute("starter", arguments)


def stop() -> int:
    """End starter, waiting until it is gone. Nothing to stop is no failure (LSB)."""
    pid = starter_pid()
    if not pid:
        _say("Stopping Cygnet IPsec failed: starter is not running")
        return 0
    _say("Stopping Cygnet IPsec...")
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return 0
    try:
        signal.pidfd_send_signal(process, signal.SIGTERM)
        if not _ended(process):
            _say(f"starter (PID {pid}) does not stop within {STOP_S:.0f} seconds, killing it")
            signal.pidfd_send_signal(process, signal.SIGKILL)
            paths.starter_pid().unlink(missing_ok=True)
    except ProcessLookupError:
        pass
    except PermissionError:
        _say(f"Stopping Cygnet IPsec failed: no permission to stop process {pid}")
        return 1
    finally:
        os.close(process)
    return 0


def _ended(process: int) -> bool:
    """Wait for the end of a process, which comes a little after its PID file is gone."""
    waiting = select.poll()
    waiting.register(process, select.POLLIN)
    return bool(waiting.poll(STOP_S * 1000))


def starter_pid() -> int:
    """The PID of a starter that lives, 0 without one; a PID file left by a dead one does not count."""
    try:
        text = paths.starter_pid().read_bytes()[:32].strip()
    except OSError:
        return 0
    pid = int(text) if text.isdigit() else 0
    return pid if pid and _is_starter(pid) else 0


def _is_starter(pid: int) -> bool:
    """Whether that process is a starter and no zombie: PIDs are used again."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - no pathlib for speed
            state = file.read().rpartition(b")")[2].split()[0]
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            return state != b"Z" and b"starter" in file.read()
    except (OSError, IndexError):
        return False


def _request(kind: str, doing: str, verb: str) -> int:
    _say(f"{doing} Cygnet IPsec configuration...")
    try:
        return ask(paths.rundir() / starter.SOCKET_NAME, conversation(kind, {}), f"ipsec {verb}")
    except NotRunningError as error:
        _say(f"{doing} Cygnet IPsec configuration failed: starter is not running ({error})")
        return NOT_RUNNING


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
