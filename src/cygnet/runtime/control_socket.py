"""A daemon's control socket: who may connect, how many at once, and how long they may take.

Each client has a thread of its own, so that a command which follows a negotiation holds up nobody else.
"""

import os
import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from cygnet.base.errors import LocalError

BACKLOG = 128
POLL_S = 0.5


class ClientGoneError(Exception):
    """Nobody listens any more; the command ends, what it began goes on."""


def listen(path: Path, group_id: int | None = None) -> socket.socket:
    """A listening socket at ``path``, for its owner only, or also for ``group_id``.

    A socket that an ended daemon left is replaced; raises ``LocalError`` if a live one answers there.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        if group_id is not None:
            os.chown(path, -1, group_id)
            path.chmod(0o660)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise LocalError(f"cannot listen on {path}: {error.strerror}") from None
    except LocalError:
        listener.close()
        raise
    return listener


class Acceptor:
    """Accepts clients on ``listener`` and calls ``serve`` with each, on a thread of its own.

    ``name`` is that of the clients' language; ``log`` takes a level and a line. A client whose ``serve``
    returns is closed; at most ``clients`` are served at once, others wait.
    """

    def __init__(
        self,
        listener: socket.socket,
        serve: Callable[[socket.socket], None],
        clients: int,
        name: str,
        log: Callable[[int, str], None],
    ) -> None:
        self._listener = listener
        self._serve_client = serve
        self._name = name
        self._log = log
        self._places = threading.BoundedSemaphore(clients)
        self._closing = threading.Event()
        self._wake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._accept, name="control", daemon=True)

    def start(self) -> None:
        """Begin to accept."""
        self._listener.setblocking(False)
        self._thread.start()

    def close(self, deadline_s: float = 1.0) -> None:
        """Accept nobody more; clients being served end with their own commands."""
        self._closing.set()
        self._waker.close()
        if self._thread.is_alive():
            self._thread.join(deadline_s)
        Path(self._listener.getsockname()).unlink(missing_ok=True)
        self._listener.close()
        self._wake.close()

    def _accept(self) -> None:
        ready = select.poll()
        for watched in (self._listener, self._wake):
            ready.register(watched, select.POLLIN)
        while not self._closing.is_set():
            ready.poll()
            if not self._closing.is_set() and self._places.acquire(timeout=POLL_S):
                self._take_client()

    def _take_client(self) -> None:
        """Begin to serve the next client, for whom there is a place."""
        try:
            client, _ = self._listener.accept()
            client.setblocking(True)
            threading.Thread(target=self._serve, args=(client,), name=self._name, daemon=True).start()
        except (OSError, RuntimeError) as error:
            self._places.release()
            if not isinstance(error, BlockingIOError):
                self._log(1, f"accepting {self._name} connection failed: {error}")
                self._closing.wait(POLL_S)

    def _serve(self, client: socket.socket) -> None:
        try:
            with client:
                self._serve_client(client)
        finally:
            self._places.release()


def check_connected(client: socket.socket) -> None:
    """Raises :class:`ClientGoneError` if the client closed its end."""
    client.setblocking(False)  # MSG_DONTWAIT alone waits for as long as the last timeout allowed
    try:
        if client.recv(1, socket.MSG_PEEK) == b"":
            raise ClientGoneError
    except BlockingIOError:
        pass
    except OSError:
        raise ClientGoneError from None


def send_all(client: socket.socket, octets: bytes | bytearray, timeout_s: float) -> None:
    """Write everything in time; raises :class:`ClientGoneError`."""
    try:
        client.settimeout(timeout_s)
        client.sendall(octets)
    except OSError:
        raise ClientGoneError from None


class DeadlineStream:
    """A socket whose reads together end at ``deadline``, a time of ``time.monotonic``."""

    def __init__(self, client: socket.socket, deadline: float) -> None:
        self._client = client
        self._deadline = deadline

    def sendall(self, data: bytes, /) -> None:
        """Requests are only read here."""
        self._client.sendall(data)

    def recv(self, limit: int, /) -> bytes:
        """Read; raises ``OSError`` when the time is over."""
        self._client.settimeout(max(0.001, self._deadline - monotonic()))
        return self._client.recv(limit)


def _remove_stale(path: Path) -> None:
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise LocalError(f"{path} is in use: {error.strerror}") from None
    raise LocalError(f"{path} is in use by a running daemon")
