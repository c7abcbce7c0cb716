"""PID files: which process a daemon is, and by a lock that it lives."""

import fcntl
import os
from pathlib import Path


class AlreadyRunningError(Exception):
    """Another one lives; the text says which."""


class PidFile:
    """The file while we hold it. A file whose process is gone is replaced."""

    def __init__(self, path: Path, program: str) -> None:
        self._path = path
        self._program = program
        self._descriptor: int | None = None

    def take(self) -> None:
        """Lock the file and write our PID; raises :class:`AlreadyRunningError`, ``OSError``."""
        while self._descriptor is None:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                pid = _number(os.pread(descriptor, 32, 0))
                if pid and pid != os.getpid() and self._program in program_of(pid):
                    raise BlockingIOError
            except BlockingIOError:
                pid = _number(os.pread(descriptor, 32, 0))
                os.close(descriptor)
                running = f"{self._program} is already running (PID {pid}, {self._path} exists)"
                raise AlreadyRunningError(f"{running} -- no new one started") from None
            if _same_file(descriptor, self._path):
                self._descriptor = descriptor
            else:
                os.close(descriptor)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Remove the file and its lock."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def read_pid(path: Path) -> int:
    """The PID in a file, 0 without one."""
    try:
        return _number(path.read_bytes()[:32])
    except OSError:
        return 0


def program_of(pid: int) -> str:
    """The command line of a process, empty if it does not live."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def _number(octets: bytes) -> int:
    text = octets.strip()
    return int(text) if text.isdigit() and len(text) < 12 else 0


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        other = path.stat()
    except FileNotFoundError:
        return False
    ours = os.fstat(descriptor)
    return (ours.st_dev, ours.st_ino) == (other.st_dev, other.st_ino)
