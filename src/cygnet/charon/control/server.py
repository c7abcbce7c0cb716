"""The control thread: the stroke socket, its clients and their limits.

Each client has a thread of its own, so that a command which follows a negotiation holds up nobody else.
The number of clients, the time to read a request and the time a client may take to accept a line are
limited; of ``up``, which may last for minutes, fewer may run at once than of everything together.
"""

import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import monotonic

from cygnet.base.errors import LocalError
from cygnet.charon.control.dispatch import Handler
from cygnet.ctl.frames import ANSWER, PROMPT, ControlError, NothingAskedError, frame_octets, read_frame
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
from cygnet.runtime.control_socket import (
    POLL_S,
    Acceptor,
    ClientGoneError,
    DeadlineStream,
    check_connected,
    listen,
    send_all,
)

__all__ = ["ClientReply", "ControlServer", "Limits", "listen"]

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


class ControlServer:
    """Accepts clients on ``listener`` and answers one request of each. ``log`` takes a level and a line."""

    def __init__(
        self,
        listener: socket.socket,
        handlers: Mapping[type[Request], Handler],
        limits: Limits,
        log: Callable[[int, str], None],
    ) -> None:
        self._handlers = handlers
        self._limits = limits
        self._log = log
        self._initiating = threading.BoundedSemaphore(limits.initiating)
        self._acceptor = Acceptor(listener, self._converse, limits.clients, "stroke", log)

    def start(self) -> None:
        """Begin to accept."""
        self._acceptor.start()

    def close(self, deadline_s: float = 1.0) -> None:
        """Accept nobody more; clients being served end with their own commands."""
        self._acceptor.close(deadline_s)

    def _converse(self, client: socket.socket) -> None:
        reply = ClientReply(client, self._limits)
        try:
            try:
                request = receive(DeadlineStream(client, monotonic() + self._limits.request_s))
            except NothingAskedError:
                return
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
        check_connected(self._client)

    def _send(self, octets: bytes | bytearray) -> None:
        send_all(self._client, octets, self._limits.write_s)
