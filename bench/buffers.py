"""Larger buffers for the sockets of another process (pidfd_getfd(2)), where it has no setting for them."""

import ctypes
import os
import socket
from contextlib import suppress
from pathlib import Path

_PIDFD_GETFD = 438
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_C = ctypes.CDLL(None, use_errno=True)


def enlarge(pid: int, octets: int) -> int:
    """Give all its UDP sockets buffers of this size; how many there were."""
    process = os.pidfd_open(pid)
    found = 0
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if os.readlink(entry).startswith("socket:"):
                    found += _enlarge(process, int(entry.name), octets)
    finally:
        os.close(process)
    return found


def _enlarge(process: int, number: int, octets: int) -> bool:
    descriptor = _C.syscall(_PIDFD_GETFD, process, number, 0)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    with socket.socket(fileno=descriptor) as own:
        if own.type != socket.SOCK_DGRAM or own.family not in (socket.AF_INET, socket.AF_INET6):
            return False
        for option in (_SO_SNDBUFFORCE, _SO_RCVBUFFORCE):
            own.setsockopt(socket.SOL_SOCKET, option, octets)
    return True
