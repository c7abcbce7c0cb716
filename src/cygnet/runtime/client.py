"""One request to a daemon: lines to standard output, the reason of a failure to standard error."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path

from cygnet.base.errors import CygnetError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

Conversation = Callable[
    [socket.socket, Callable[[str], None], Callable[[str], str], Callable[[], None]], tuple[int, str]
]
"""Speaks over a connected socket: what takes a line, asks the operator, is called before waiting; then the
exit code and the reason of a failure (``ctl.frames.conversation``)."""

NOT_RUNNING = 7


class NotRunningError(Exception):
    """Nobody answers at the control socket; the text says why."""


def ask(path: Path, conversation: Conversation, name: str) -> int:
    """Converse with the daemon listening at ``path``; the exit status is what it says.

    ``name`` stands before a reason on standard error. Raises :class:`NotRunningError`.
    """
    with connected(path) as stream:
        shown = _Shown()
        try:
            exit_code, reason = conversation(stream, shown.line, prompt, _flush)
        except _OutputGoneError:
            raise BrokenPipeError from None
        except (CygnetError, ConnectionError, TimeoutError) as error:
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
    """Writes lines, and remembers the last; flushing waits until there is nothing more to write."""

    last = ""

    def line(self, text: str) -> None:
        self.last = text
        try:
            sys.stdout.write(text + "\n")
        except BrokenPipeError:
            raise _OutputGoneError from None


def open_nowhere() -> "TextIO":
    """A stream that swallows everything, for after a reader has gone."""
    import os

    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


class _OutputGoneError(Exception):
    """Whoever read our output had enough (which is no failure of the socket)."""


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise _OutputGoneError from None


def prompt(text: str) -> str:
    """Ask on the terminal, without echo; without a terminal a line of standard input is the answer."""
    from getpass import getpass

    try:
        Path("/dev/tty").open("rb").close()
    except OSError:
        print(text, end="", file=sys.stderr, flush=True)
        return sys.stdin.readline().rstrip("\n")
    return getpass(text)
