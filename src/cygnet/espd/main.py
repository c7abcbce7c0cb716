"""``cygnet-espd``: ESP in user space on a TUN device, for charon on hosts whose kernel has none."""

import argparse
import fcntl
import os
import sys
import syslog
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from cygnet.base.errors import LocalError
from cygnet.kernel.backends.userland_wire import ANOTHER_RUNS
from cygnet.runtime import paths
from cygnet.runtime.network.inherited import inherit

DEVICE = "ipsec0"


class AnotherRunsError(LocalError):
    """Another espd has the PID file."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run espd, or clean up after one. 0: ended as told, 1: could not, 2: usage, 3: another runs."""
    options = _parser().parse_args(argv)
    socket_path = Path(options.socket) if options.socket else paths.espd_socket()
    pid_path = socket_path.with_suffix(".pid")
    syslog.openlog("espd", syslog.LOG_PID, syslog.LOG_DAEMON)
    try:
        with _only_one(pid_path):
            if options.cleanup:
                return _clean(socket_path, pid_path)
            return _serve(options.device, socket_path, pid_path)
    except AnotherRunsError as error:
        _log(f"{error}")
        return ANOTHER_RUNS
    except (LocalError, ValueError) as error:
        _log(f"{error}")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cygnet-espd", description=__doc__)
    parser.add_argument("--socket", metavar="PATH", help="control socket (default: RUNDIR/espd.sock)")
    parser.add_argument("--device", default=DEVICE, help=f"name of the TUN device (default: {DEVICE})")
    parser.add_argument("--cleanup", action="store_true", help="remove rules and routes an espd left behind")
    return parser


def _serve(device: str, socket_path: Path, pid_path: Path) -> int:
    from cygnet.espd.daemon import Daemon
    from cygnet.runtime import collecting

    inherited = inherit(os.environ)
    daemon = Daemon(device, {name: own for name, own in inherited.items() if name.startswith("esp")}, _log)
    collecting.settle()
    try:
        daemon.run(socket_path)
    finally:
        pid_path.unlink(missing_ok=True)
    _log("espd ended")
    return 0


def _clean(socket_path: Path, pid_path: Path) -> int:
    from cygnet.espd.routes import cleanup

    count = cleanup()
    socket_path.unlink(missing_ok=True)
    pid_path.unlink(missing_ok=True)
    _log(f"removed {count} rules and routes")
    return 0


def _only_one(pid_path: Path) -> IO[str]:
    """The PID file, locked and written; raises :class:`AnotherRunsError` when an espd has it."""
    try:
        file = pid_path.open("a+")
    except OSError as error:
        raise LocalError(f"{pid_path}: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise AnotherRunsError(f"espd is running already ({pid_path} is locked)") from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _log(text: str) -> None:
    with suppress(OSError):
        print(f"espd: {text}", file=sys.stderr, flush=True)
    syslog.syslog(syslog.LOG_INFO, text)


if __name__ == "__main__":
    sys.exit(main())
