"""The control thread: the stroke socket, its clients and their limits.

Each client has a thread of its own, so that a command which follows a negotiation holds up nobody else.
The number of clients, the time to read a request and the time a client may take to accept a line are
limited; of ``up``, which may last for minutes, fewer may run at once than of everything together.
"""

import os
import select
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from cygnet.base.errors import LocalError
from cygnet.charon.control.dispatch import Handler
from cygnet.charon.control.ports import ClientGoneError
from cygnet.ctl.frames import ANSWER, PROMPT, ControlError, frame_octets, read_frame
from cygnet.ctl.stroke import (
    EXIT_FAILED,
    EXIT_USAGE,
    Done,
    Initiate,
    Request,
    Text,
    encode_reply,
    receive,
)

BACKLOG = 128
POLL_S = 0.5
PIECE = 1 << 15
"""About how many octets of a long answer are sent at once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many clients there may be, how many of them follow an ``up``, and how slow one may be.

    ``answer_s`` is how long an operator may take to type a passphrase.
    """

    clients: int = 64
    initiating: int = 4
    request_s: float = 10
    write_s: float = 10
    answer_s: float = 120


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


class ControlServer:
    """Accepts clients on ``listener`` and answers one request of each. ``log`` takes a level and a line."""

    def __init__(
        self,
        listener: socket.socket,
        handlers: Mapping[type[Request], Handler],
        limits: Limits,
        log: Callable[[int, str], None],
    ) -> None:
        self._listener = listener
        self._handlers = handlers
        self._limits = limits
        self._log = log
        self._places = threading.BoundedSemaphore(limits.clients)
        self._initiating = threading.BoundedSemaphore(limits.initiating)
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
            threading.Thread(target=self._serve, args=(client,), name="stroke", daemon=True).start()
        except (OSError, RuntimeError) as error:
            self._places.release()
            if not isinstance(error, BlockingIOError):
                self._log(1, f"accepting stroke connection failed: {error}")
                self._closing.wait(POLL_S)

    def _serve(self, client: socket.socket) -> None:
        try:
            with client:
                self._converse(client)
        finally:
            self._places.release()

    def _converse(self, client: socket.socket) -> None:
        reply = ClientReply(client, self._limits)
        try:
            try:
                request = receive(DeadlineStream(client, monotonic() + self._limits.request_s))
            except ControlError as error:
                self._log(1, f"stroke request refused: {error}")
                reply.done(Done(EXIT_USAGE, str(error)))
                return
            self._log(2, f"stroke request: {request.kind}")
            reply.done(self._answer(request, reply))
        except (ClientGoneError, OSError):
            self._log(2, "stroke client is gone")

    def _answer(self, request: Request, reply: "ClientReply") -> Done:
        try:
            if isinstance(request, Initiate) and request.wait:
                return self._in_turn(request, reply)
            return self._handlers[type(request)](request, reply)
        except (ClientGoneError, OSError):
            raise
        except LocalError as error:
            return Done(EXIT_FAILED, str(error))
        except Exception as error:
            self._log(0, f"stroke {request.kind} failed unexpectedly: {error!r}")
            return Done(EXIT_FAILED, f"internal error: {error!r}")

    def _in_turn(self, request: Request, reply: "ClientReply") -> Done:
        while not self._initiating.acquire(timeout=POLL_S):
            reply.check()
        try:
            return self._handlers[type(request)](request, reply)
        finally:
            self._initiating.release()


class ClientReply:
    """The way back to one client."""

    def __init__(self, client: socket.socket, limits: Limits) -> None:
        self._client = client
        self._limits = limits

    def text(self, line: str) -> None:
        """Send one line; raises :class:`ClientGoneError`."""
        self._send(encode_reply(Text(line)))

    def texts(self, lines: Iterable[str]) -> None:
        """Send lines in pieces of about :data:`PIECE` octets; raises :class:`ClientGoneError`."""
        octets = bytearray()
        for line in lines:
            octets += encode_reply(Text(line))
            if len(octets) >= PIECE:
                self._send(octets)
                octets = bytearray()
        if octets:
            self._send(octets)

    def ask(self, prompt: str) -> str:
        """Have the operator asked; raises :class:`ClientGoneError`, also when the answer is late."""
        self._send(frame_octets(PROMPT, prompt.encode()))
        try:
            kind, body = read_frame(DeadlineStream(self._client, monotonic() + self._limits.answer_s))
        except (ControlError, OSError):
            raise ClientGoneError from None
        if kind != ANSWER:
            raise ClientGoneError
        return body.decode(errors="replace")

    def done(self, done: Done) -> None:
        """Send the last frame; raises :class:`ClientGoneError`."""
        self._send(encode_reply(done))

    def check(self) -> None:
        """Raises :class:`ClientGoneError` if the client closed its end."""
        self._client.setblocking(False)  # MSG_DONTWAIT alone waits for as long as the last timeout allowed
        try:
            if self._client.recv(1, socket.MSG_PEEK) == b"":
                raise ClientGoneError
        except BlockingIOError:
            pass
        except OSError:
            raise ClientGoneError from None

    def _send(self, octets: bytes | bytearray) -> None:
        try:
            self._client.settimeout(self._limits.write_s)
            self._client.sendall(octets)
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
