"""The control thread: the whack socket, its clients and their limits."""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from cygnet.base.errors import LocalError
from cygnet.ctl.frames import ControlError, NothingAskedError
from cygnet.ctl.whack import Request, receive
from cygnet.ctl.whack_codes import END, Rc, line_octets
from cygnet.ctl.whack_lines import read_line
from cygnet.pluto.control.replies import Handler, Reply, code_of
from cygnet.runtime.control_socket import (
    Acceptor,
    ClientGoneError,
    DeadlineStream,
    check_connected,
    send_all,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many clients there may be, and how slow one may be: with its message, our lines, a secret."""

    clients: int = 64
    request_s: float = 10
    write_s: float = 10
    secret_s: float = 60


class WhackServer:
    """Answers the message of each client on ``listener``. ``log`` takes a level and a line."""

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
        self._acceptor = Acceptor(listener, self._converse, limits.clients, "whack", log)

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
                requests = receive(DeadlineStream(client, monotonic() + self._limits.request_s))
            except NothingAskedError:
                return
            except ControlError as error:
                self._log(1, f"whack message refused: {error}")
                reply.line(Rc.BAD_WHACK_MESSAGE, str(error))
                requests = ()
            for request in requests:
                self._log(2, f"whack request: {type(request).__name__}")
                self._answer(request, reply)
            reply.end()
        except (ClientGoneError, OSError):
            self._log(2, "whack client is gone")

    def _answer(self, request: Request, reply: Reply) -> None:
        try:
            self._handlers[type(request)](request, reply)
        except (ClientGoneError, OSError):
            raise
        except LocalError as error:
            reply.line(code_of(error), str(error))
        except Exception as error:
            self._log(0, f"whack {type(request).__name__} failed unexpectedly: {error!r}")
            reply.line(Rc.INTERNAL_ERROR, f"internal error: {error!r}")


class ClientReply:
    """The way back to one client."""

    def __init__(self, client: socket.socket, limits: Limits) -> None:
        self._client = client
        self._limits = limits

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
