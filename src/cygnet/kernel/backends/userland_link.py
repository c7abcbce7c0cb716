"""The way to espd: one connection for requests and their answers, one on which events come.

espd does one thing after the other, so requests take turns here too: whoever asks reads the answer itself,
which spares two switches of threads per request.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from struct import pack

from cygnet.kernel.backends.userland_wire import (
    MAX_MESSAGE,
    Failed,
    Follow,
    Hello,
    Message,
    Reply,
    Request,
    WireError,
    decode,
    encode,
)
from cygnet.kernel.port import Acquire, Expire, KernelError, KernelEvent, MappingChange

ANSWER_S = 5.0
"""Deadline of one request."""
_EVENTS = (Acquire, Expire, MappingChange)


class LinkClosed(KernelError):  # noqa: N818 - a state rather than a fault
    """espd went away before it answered."""


class Link:
    """A connected control socket. ``on_event`` is called on the reader thread and must not ask."""

    def __init__(self, path: Path, on_event: Callable[[KernelEvent], None]) -> None:
        """Raises ``OSError`` when nobody listens there."""
        self._path = path
        self._on_event = on_event
        self._requests = _connected(path)
        self._events: socket.socket | None = None
        self._asking = threading.Lock()
        self._answers = memoryview(bytearray(MAX_MESSAGE))
        self._serial = 0
        self._closed = threading.Event()
        self._reader = threading.Thread(target=self._read, name="kernel-reader", daemon=True)

    def greet(self, owner: str, flush: bool) -> Reply:
        """Say Hello and follow the owner's events; raises :class:`KernelError`."""
        greeting = self.ask(Hello(owner, flush))
        if isinstance(greeting, Failed):
            return greeting
        try:
            self._events = _connected(self._path)
            self._events.send(encode(1, Follow(owner)))
            followed = decode(self._events.recv(MAX_MESSAGE))[1]
            self._events.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _time(0))
        except (OSError, WireError) as error:
            raise LinkClosed(f"espd cannot be followed: {error}") from error
        self._reader.start()
        return followed if isinstance(followed, Failed) else greeting

    def ask(self, request: Request, descriptors: tuple[int, ...] = ()) -> Reply:
        """Send a request and wait for its answer; raises :class:`KernelError` after the deadline."""
        with self._asking:
            self._serial += 1
            try:
                data = encode(self._serial, request)
                if descriptors:
                    socket.send_fds(self._requests, [data], list(descriptors))
                else:
                    self._requests.send(data)
                return self._answer(self._serial, request)
            except (OSError, WireError) as error:
                raise LinkClosed(f"espd cannot be asked: {error}") from error

    def wait_closed(self) -> None:
        """Block until the connection is over."""
        self._closed.wait()

    def close(self) -> None:
        """End the connection; whoever waits is told."""
        for own in (self._requests, self._events):
            if own is not None:
                with suppress(OSError):
                    own.shutdown(socket.SHUT_RDWR)
        if not self._reader.is_alive():
            self._over()
        elif threading.current_thread() is not self._reader:
            self._reader.join(ANSWER_S)

    def _answer(self, serial: int, request: Request) -> Reply:
        """The answer with this serial; one to an earlier request, which was not waited for, is left out."""
        name = type(request).__name__
        while True:
            try:
                size = self._requests.recv_into(self._answers)
            except BlockingIOError:
                raise KernelError(f"espd did not answer {name} within {ANSWER_S:g} s") from None
            if not size:
                raise LinkClosed(f"espd ended before it answered {name}")
            number, message = decode(bytes(self._answers[:size]))
            if number == serial:
                return message  # type: ignore[return-value]

    def _read(self) -> None:
        assert self._events is not None
        try:
            while data := self._events.recv(MAX_MESSAGE):
                message: Message = decode(data)[1]
                if isinstance(message, _EVENTS):
                    self._on_event(message)
        except (OSError, WireError):
            pass
        finally:
            self._over()

    def _over(self) -> None:
        with suppress(OSError):
            self._requests.shutdown(socket.SHUT_RDWR)
        with self._asking:
            self._requests.close()
        if self._events is not None:
            self._events.close()
        self._closed.set()


def _connected(path: Path) -> socket.socket:
    own = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_MESSAGE)
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _time(ANSWER_S))
        own.connect(str(path))
    except OSError:
        own.close()
        raise
    return own


def _time(seconds: float) -> bytes:
    """A ``struct timeval``."""
    return pack("ll", int(seconds), int(seconds % 1 * 1e6))
