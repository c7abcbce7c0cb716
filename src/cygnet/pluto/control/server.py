"""What clients of the whack socket ask and are told, and their limits."""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from cygnet.ctl.frames import ControlError
from cygnet.ctl.whack import Request
from cygnet.ctl.whack_codes import END, Rc, line_octets
from cygnet.ctl.whack_framing import receive
from cygnet.ctl.whack_lines import read_line
from cygnet.keying.control import ClientLimits, ControlServer, Language
from cygnet.pluto.control.replies import Handler, code_of
from cygnet.runtime.control_socket import ClientGoneError, DeadlineStream, check_connected, send_all


@dataclass(frozen=True, slots=True)
class Limits:
    """How many clients there may be, and how slow one may be: with its message, our lines, a secret."""

    clients: int = 64
    request_s: float = 10
    write_s: float = 10
    secret_s: float = 60


def whack_server(
    listener: socket.socket,
    handlers: Mapping[type[Request], Handler],
    limits: Limits,
    log: Callable[[int, str], None],
) -> ControlServer:
    """Answers the message of each client on ``listener``. ``log`` takes a level and a line."""

    def begin(client: socket.socket) -> WhackConversation:
        return WhackConversation(handlers, ClientReply(client, limits))

    language = Language("whack", lambda request: type(request).__name__, begin)
    return ControlServer(listener, language, ClientLimits(limits.clients, limits.request_s), log)


class WhackConversation:
    """One message with several requests; a result code before each line of the answers."""

    def __init__(self, handlers: Mapping[type[Request], Handler], reply: "ClientReply") -> None:
        self._handlers, self._reply = handlers, reply

    def receive(self, stream: DeadlineStream) -> tuple[Request, ...]:
        """The requests; raises ``ControlError``."""
        return receive(stream)

    def answer(self, request: Request) -> None:
        """Have it handled."""
        self._handlers[type(request)](request, self._reply)

    def fail(self, error: Exception) -> None:
        """The result code says whose fault it was."""
        self._reply.line(code_of(error), str(error))

    def end(self) -> None:
        """Say that this was all."""
        self._reply.end()


class ClientReply:
    """The way back to one client."""

    def __init__(self, client: socket.socket, limits: Limits) -> None:
        self._client, self._limits = client, limits

    def line(self, code: int, text: str) -> None:
        """Send one line, or several where the text has several; raises :class:`ClientGoneError`."""
        send_all(self._client, line_octets(code, text), self._limits.write_s)

    def ask(self, prompt: str) -> str:
        """Ask with line 040 and read the line that comes back; raises :class:`ClientGoneError`."""
        self.line(Rc.ENTER_SECRET, prompt)
        try:
            return read_line(DeadlineStream(self._client, monotonic() + self._limits.secret_s))
        except ControlError as error:
            raise ClientGoneError(str(error)) from None

    def check(self) -> None:
        """Raises :class:`ClientGoneError` if the client closed its end."""
        check_connected(self._client)

    def end(self) -> None:
        """Say that this was all."""
        send_all(self._client, END, self._limits.write_s)
