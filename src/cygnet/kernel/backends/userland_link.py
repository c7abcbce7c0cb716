"""One connection to espd: requests answered by serial number, events passed on by a reader thread."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path

from cygnet.kernel.backends.userland_wire import (
    MAX_MESSAGE,
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
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_MESSAGE)
            self._socket.settimeout(ANSWER_S)
            self._socket.connect(str(path))
            self._socket.settimeout(None)
        except OSError:
            self._socket.close()
            raise
        self._on_event = on_event
        self._condition = threading.Condition()
        self._sending = threading.Lock()
        self._serial = 0
        self._waiting: set[int] = set()
        self._answers: dict[int, Reply] = {}
        self._closed = threading.Event()
        self._reader = threading.Thread(target=self._read, name="kernel-reader", daemon=True)
        self._reader.start()

    def ask(self, request: Request, descriptors: tuple[int, ...] = ()) -> Reply:
        """Send a request and wait for its answer; raises :class:`KernelError` after the deadline."""
        with self._condition:
            self._serial += 1
            serial = self._serial
            self._waiting.add(serial)
        try:
            self._send(encode(serial, request), descriptors)
            return self._answer(serial, request)
        except (OSError, WireError) as error:
            raise LinkClosed(f"espd cannot be asked: {error}") from error
        finally:
            with self._condition:
                self._waiting.discard(serial)
                self._answers.pop(serial, None)

    def wait_closed(self) -> None:
        """Block until the connection is over."""
        self._closed.wait()

    def close(self) -> None:
        """End the connection; whoever waits is told."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            self._closed.set()
        if threading.current_thread() is not self._reader:
            self._reader.join(ANSWER_S)

    def _send(self, data: bytes, descriptors: tuple[int, ...]) -> None:
        with self._sending:
            if descriptors:
                socket.send_fds(self._socket, [data], list(descriptors))
            else:
                self._socket.send(data)

    def _answer(self, serial: int, request: Request) -> Reply:
        with self._condition:
            self._condition.wait_for(lambda: serial in self._answers or self._closed.is_set(), ANSWER_S)
            if serial in self._answers:
                return self._answers.pop(serial)
        name = type(request).__name__
        if self._closed.is_set():
            raise LinkClosed(f"espd ended before it answered {name}")
        raise KernelError(f"espd did not answer {name} within {ANSWER_S:g} s")

    def _read(self) -> None:
        try:
            while data := self._socket.recv(MAX_MESSAGE):
                self._dispatch(*decode(data))
        except (OSError, WireError):
            pass
        finally:
            self._socket.close()
            with self._condition:
                self._closed.set()
                self._condition.notify_all()

    def _dispatch(self, serial: int, message: Message) -> None:
        if isinstance(message, _EVENTS):
            self._on_event(message)
            return
        with self._condition:
            if serial in self._waiting:
                self._answers[serial] = message  # type: ignore[assignment]
                self._condition.notify_all()
