"""What clients of the stroke socket ask and are told, and their limits.

The number of clients, the time to read a request and the time a client may take to accept a line are
limited; of ``up``, which may last for minutes, fewer may run at once than of everything together.
"""

import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import monotonic

from cygnet.charon.control.dispatch import Handler
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
from cygnet.keying.control import ClientLimits, ControlServer, Language
from cygnet.runtime.control_socket import (
    POLL_S,
    ClientGoneError,
    DeadlineStream,
    check_connected,
    send_all,
)

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


def stroke_server(
    listener: socket.socket,
    handlers: Mapping[type[Request], Handler],
    limits: Limits,
    log: Callable[[int, str], None],
) -> ControlServer:
    """Answers one request of each client on ``listener``. ``log`` takes a level and a line."""
    turns = threading.BoundedSemaphore(limits.initiating)

    def begin(client: socket.socket) -> StrokeConversation:
        return StrokeConversation(handlers, turns, ClientReply(client, limits))

    language = Language("stroke", lambda request: request.kind, begin)
    return ControlServer(listener, language, ClientLimits(limits.clients, limits.request_s), log)


class StrokeConversation:
    """One request, and lines with an exit code at their end. ``turns`` limits those that wait for ``up``."""

    def __init__(
        self, handlers: Mapping[type[Request], Handler], turns: threading.Semaphore, reply: "ClientReply"
    ) -> None:
        self._handlers, self._turns, self._reply = handlers, turns, reply

    def receive(self, stream: DeadlineStream) -> tuple[Request]:
        """The request; raises ``ControlError``."""
        return (receive(stream),)

    def answer(self, request: Request) -> None:
        """Have it handled and send the exit code."""
        waits = isinstance(request, Initiate) and request.wait
        self._reply.done(self._in_turn(request) if waits else self._handle(request))

    def fail(self, error: Exception) -> None:
        """The exit code says whose fault it was."""
        self._reply.done(Done(EXIT_USAGE if isinstance(error, ControlError) else EXIT_FAILED, str(error)))

    def end(self) -> None:
        """The exit code was the end."""

    def _handle(self, request: Request) -> Done:
        return self._handlers[type(request)](request, self._reply)

    def _in_turn(self, request: Request) -> Done:
        while not self._turns.acquire(timeout=POLL_S):
            self._reply.check()
        try:
            return self._handle(request)
        finally:
            self._turns.release()


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
