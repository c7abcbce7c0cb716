"""The control thread of a daemon: a conversation with each client, in the language of the daemon's tool.

Each client has a thread of its own, so that a command which follows a negotiation holds up nobody else.
The number of clients and the time to read what they ask are limited.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

from cygnet.base.errors import LocalError
from cygnet.ctl.frames import ControlError, NothingAskedError
from cygnet.runtime.control_socket import Acceptor, ClientGoneError, DeadlineStream


class BugError(Exception):
    """A request failed in an unforeseen way; the text says how."""


class Conversation(Protocol):
    """With one client. All may raise ``ClientGoneError`` once it has gone."""

    def receive(self, stream: DeadlineStream) -> Sequence[Any]:
        """What it asks for; raises ``ControlError``, or ``NothingAskedError`` if it only knocked."""

    def answer(self, request: Any) -> None:
        """Do that and tell; raises ``LocalError`` for what cannot be."""

    def fail(self, error: Exception) -> None:
        """Say why: a ``ControlError`` (what it sent is no request), ``LocalError`` or :class:`BugError`."""

    def end(self) -> None:
        """Say that this was all."""


@dataclass(frozen=True, slots=True)
class Language:
    """``name`` is the tool's, ``kind_of`` names requests for the log, ``begin`` makes a conversation."""

    name: str
    kind_of: Callable[[Any], str]
    begin: Callable[[socket.socket], Conversation]


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """How many clients there may be, and how long each may take to say what it wants."""

    clients: int
    request_s: float


class ControlServer:
    """Accepts clients on ``listener`` and answers each. ``log`` takes a level and a line."""

    def __init__(
        self,
        listener: socket.socket,
        language: Language,
        limits: ClientLimits,
        log: Callable[[int, str], None],
    ) -> None:
        self._language = language
        self._limits = limits
        self._log = log
        self._acceptor = Acceptor(listener, self._converse, limits.clients, language.name, log)

    def start(self) -> None:
        """Begin to accept."""
        self._acceptor.start()

    def close(self, deadline_s: float = 1.0) -> None:
        """Accept nobody more; clients being served end with their own commands."""
        self._acceptor.close(deadline_s)

    def _converse(self, client: socket.socket) -> None:
        talk = self._language.begin(client)
        try:
            for request in self._received(client, talk):
                self._log(2, f"{self._language.name} request: {self._language.kind_of(request)}")
                self._answer(talk, request)
            talk.end()
        except NothingAskedError:
            return
        except (ClientGoneError, OSError):
            self._log(2, f"{self._language.name} client is gone")

    def _received(self, client: socket.socket, talk: Conversation) -> Sequence[Any]:
        try:
            return talk.receive(DeadlineStream(client, monotonic() + self._limits.request_s))
        except NothingAskedError:
            raise
        except ControlError as error:
            self._log(1, f"{self._language.name} request refused: {error}")
            talk.fail(error)
            return ()

    def _answer(self, talk: Conversation, request: Any) -> None:
        try:
            talk.answer(request)
        except (ClientGoneError, OSError):
            raise
        except LocalError as error:
            talk.fail(error)
        except Exception as error:
            kind = self._language.kind_of(request)
            self._log(0, f"{self._language.name} {kind} failed unexpectedly: {error!r}")
            talk.fail(BugError(f"internal error: {error!r}"))
