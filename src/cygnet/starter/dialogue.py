"""Requests to a daemon's control socket that never hold starter up."""

import socket
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cygnet.ctl.frames import ControlError
from cygnet.starter.languages import Language, Request
from cygnet.starter.loop import Loop, Timer

CONCURRENCY = 1
"""So many requests are asked at once. One, for connections to arrive in the order of the file: among
candidates that fit equally well a daemon takes the first."""
DEADLINE_S = 30.0
"""A request without an answer after this long has failed."""
RETRY_S = 0.02


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended. ``texts`` are the lines before the end."""

    request: Request
    exit_code: int
    reason: str
    texts: tuple[str, ...] = ()


class Dialogue:
    """One request over one connection."""

    def __init__(
        self, loop: Loop, path: Path, language: Language, request: Request, done: Callable[[Answer], None]
    ) -> None:
        self._loop, self._path, self._request, self._done = loop, path, request, done
        self._language, self._reader = language, language.reader()
        self._socket: socket.socket | None = None
        self._out = b""
        self._deadline = loop.later(DEADLINE_S, lambda: self._end(1, f"{language.daemon} does not answer"))
        self._retry: Timer | None = None
        self._begin()

    def abort(self) -> None:
        """End without calling anybody."""
        self._deadline.cancel()
        if self._retry is not None:
            self._retry.cancel()
        if self._socket is not None:
            self._loop.forget(self._socket)
            self._socket.close()
            self._socket = None

    def _begin(self) -> None:
        try:
            self._out = self._language.encode(self._request)
        except ControlError as error:
            reason = str(error)
            self._retry = self._loop.later(0, lambda: self._end(1, reason))
            return
        self._connect()

    def _connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            sock.connect(str(self._path))
        except OSError:  # too many wait already, or the daemon is just going: the deadline limits this
            sock.close()
            self._retry = self._loop.later(RETRY_S, self._connect)
            return
        self._socket = sock
        self._loop.watch(sock, self._write, write=True)

    def _write(self) -> None:
        assert self._socket is not None
        try:
            sent = self._socket.send(self._out)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(1, f"{self._language.daemon}'s control socket: {error.strerror}")
            return
        self._out = self._out[sent:]
        if not self._out:
            self._loop.watch(self._socket, self._read)

    def _read(self) -> None:
        assert self._socket is not None
        try:
            octets = self._socket.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(1, f"{self._language.daemon}'s control socket: {error.strerror}")
            return
        if not octets:
            self._end(1, f"{self._language.daemon} ended the connection before its answer was complete")
            return
        try:
            end = self._reader.feed(octets)
        except ControlError as error:
            self._end(1, str(error))
            return
        if end is not None:
            self._end(*end)

    def _end(self, exit_code: int, reason: str) -> None:
        self.abort()
        self._done(Answer(self._request, exit_code, reason, tuple(self._reader.texts)))


@dataclass(slots=True)
class _Batch:
    requests: deque[Request]
    each: Callable[[Answer], None]
    finish: Callable[[], None]
    active: set[Dialogue] = field(default_factory=set)


class Link:
    """Sends batches of requests, one batch after the other, one request of a batch after the other."""

    def __init__(self, loop: Loop, path: Path, language: Language) -> None:
        self._loop, self._path, self._language = loop, path, language
        self._batches: deque[_Batch] = deque()

    def send(
        self, requests: Iterable[Request], each: Callable[[Answer], None], finish: Callable[[], None]
    ) -> None:
        """Queue a batch: ``each`` hears every answer, ``finish`` that all were heard."""
        self._batches.append(_Batch(deque(requests), each, finish))
        if len(self._batches) == 1:
            self._loop.later(0, self._advance)

    def abort(self) -> None:
        """Forget all batches; nobody hears of them any more."""
        for batch in self._batches:
            for dialogue in batch.active:
                dialogue.abort()
        self._batches.clear()

    def _advance(self) -> None:
        while self._batches:
            batch = self._batches[0]
            while batch.requests and len(batch.active) < CONCURRENCY:
                self._open(batch, batch.requests.popleft())
            if batch.active:
                return
            self._batches.popleft()
            batch.finish()

    def _open(self, batch: _Batch, request: Request) -> None:
        def done(answer: Answer) -> None:
            batch.active.discard(dialogue)
            batch.each(answer)
            if self._batches and self._batches[0] is batch:
                self._advance()

        dialogue = Dialogue(self._loop, self._path, self._language, request, done)
        batch.active.add(dialogue)
