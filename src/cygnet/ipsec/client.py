"""One request to a daemon: lines to standard output, the reason of a failure to standard error."""

import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from cygnet.ctl import frames

NOT_RUNNING = 7


class NotRunningError(Exception):
    """Nobody answers at the control socket; the text says why."""


def ask(path: Path, kind: str, fields: Mapping[str, object], name: str) -> int:
    """Converse with the daemon listening at ``path``; the exit status is what it says.

    ``name`` stands before a reason on standard error. Raises :class:`NotRunningError`.
    """
    with connected(path) as stream:
        shown = _Shown()
        try:
            exit_code, reason = frames.converse(stream, kind, fields, shown.line, _prompt)
        except (frames.ControlError, ConnectionError, TimeoutError) as error:
            exit_code, reason = 1, str(error)
    if exit_code and reason and reason != shown.last:
        sys.stdout.flush()
        print(f"{name}: {reason}", file=sys.stderr)
    return exit_code


def connected(path: Path) -> socket.socket:
    """A socket connected to ``path``; raises :class:`NotRunningError`."""
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        stream.connect(str(path))
    except OSError as error:
        stream.close()
        if isinstance(error, PermissionError):
            raise NotRunningError(f"no permission to use {path}") from None
        raise NotRunningError(f"nobody listens on {path}") from None
    return stream


class _Shown:
    """Prints lines as they come, and remembers the last."""

    last = ""

    def line(self, text: str) -> None:
        self.last = text
        print(text, flush=True)


def _prompt(text: str) -> str:
    from getpass import getpass

    return getpass(text)
