"""espd's control socket: clients, their owners, requests and the events that go back."""

import os
import socket
from array import array
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from cygnet.base.errors import LocalError
from cygnet.espd.loop import READ, WRITE, Loop
from cygnet.espd.service import OwnedEvent, Service
from cygnet.espd.translate import features
from cygnet.kernel.backends.userland_wire import (
    MAX_MESSAGE,
    VERSION,
    Bye,
    Done,
    Failed,
    Follow,
    Greeting,
    HandOver,
    Hello,
    Message,
    Reply,
    Request,
    WireError,
    decode,
    encode,
)

MAX_CLIENTS = 16
MAX_BACKLOG = 4096
"""Messages kept for a client that does not read; a client behind by more is dropped."""
_BUFFER = memoryview(bytearray(MAX_MESSAGE))
"""For one message at a time: octets of that size would cost a system call each time they are made."""
_ANCILLARY = socket.CMSG_SPACE(4 * 4)
"""Room for four descriptors."""
_SOCKET_NAMES = ("esp4", "esp6")

Adopt = Callable[[dict[str, socket.socket], bool], None]


class Control:
    """The listening socket and its clients. ``changed`` is called after each request that succeeded."""

    def __init__(self, loop: Loop, service: Service, instance: str, adopt: Adopt, device: str = "") -> None:
        self._loop = loop
        self._service = service
        self._greeting = Greeting(instance, replace(features(), device=device))
        self._adopt = adopt
        self._clients: list[Client] = []
        self._listener: socket.socket | None = None
        self._path: Path | None = None
        self.changed: Callable[[], None] = lambda: None

    def listen(self, path: Path) -> None:
        """Make the socket, mode 0600; raises :class:`LocalError`."""
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listener.setblocking(False)
        mask = os.umask(0o177)
        try:
            listener.bind(str(path))
            listener.listen(MAX_CLIENTS)
        except OSError as error:
            listener.close()
            raise LocalError(f"{path}: {error.strerror}") from error
        finally:
            os.umask(mask)
        self._listener, self._path = listener, path
        self._loop.watch(listener, READ, self._accept)

    def tell(self, events: list[OwnedEvent]) -> None:
        """Send events to their owners; those of an owner who is away are lost."""
        for owner, event in events:
            client = next((one for one in self._clients if one.follows == owner), None)
            if client is not None:
                client.send(0, event)
            else:
                self._service.flush_acquires(owner)

    def close(self) -> None:
        """Close all connections and remove the socket."""
        for client in list(self._clients):
            self._leave(client)
        if self._listener is not None and self._path is not None:
            self._loop.forget(self._listener)
            self._listener.close()
            self._path.unlink(missing_ok=True)

    def _accept(self, _: int) -> None:
        if self._listener is None:
            return
        with suppress(BlockingIOError):
            connection, _address = self._listener.accept()
            if len(self._clients) >= MAX_CLIENTS:
                connection.close()
                return
            self._clients.append(Client(connection, self._loop, self._request, self._leave))

    def _leave(self, client: "Client") -> None:
        if client in self._clients:
            self._clients.remove(client)
        client.close()

    def _request(self, client: "Client", data: bytes, descriptors: list[int]) -> None:
        try:
            serial, request = decode(data)
        except WireError as error:
            self._loop.log(f"control: {error}")
            _close_all(descriptors)
            self._leave(client)
            return
        try:
            reply = self._answer(client, request, descriptors)
        except LocalError as error:
            reply = Failed(str(error))
        client.send(serial, reply)
        self.changed()

    def _answer(self, client: "Client", request: Message, descriptors: list[int]) -> Reply:
        if isinstance(request, HandOver):
            return self._hand_over(request, descriptors)
        _close_all(descriptors)
        if isinstance(request, Hello):
            return self._hello(client, request)
        if isinstance(request, Follow):
            return self._follow(client, request)
        if not client.owner:
            raise LocalError("say Hello first")
        if isinstance(request, Bye):
            if request.flush:
                self._service.flush(client.owner)
            return Done()
        if not isinstance(request, Request):
            raise LocalError(f"{type(request).__name__} is no request")
        return self._service.handle(request, client.owner, self._loop.now())

    def _hello(self, client: "Client", request: Hello) -> Reply:
        if request.version != VERSION or not request.owner:
            raise LocalError(f"espd speaks control version {VERSION}, not {request.version}")
        for other in [one for one in self._clients if request.owner in (one.owner, one.follows)]:
            if other is not client:
                self._leave(other)
        client.owner = request.owner
        if request.flush:
            self._service.flush(request.owner)
        self._service.flush_acquires(request.owner)
        return self._greeting

    def _follow(self, client: "Client", request: Follow) -> Reply:
        if all(one.owner != request.owner for one in self._clients):
            raise LocalError(f"nobody has said Hello as '{request.owner}'")
        client.follows = request.owner
        self._service.flush_acquires(request.owner)
        return Done()

    def _hand_over(self, request: HandOver, descriptors: list[int]) -> Reply:
        if len(request.names) != len(descriptors) or not set(request.names) <= set(_SOCKET_NAMES):
            _close_all(descriptors)
            raise LocalError(f"sockets {', '.join(request.names)} came with {len(descriptors)} descriptors")
        pairs = zip(request.names, descriptors, strict=True)
        sockets = {name: socket.socket(fileno=descriptor) for name, descriptor in pairs}
        if any(own.proto != socket.IPPROTO_UDP for own in sockets.values()):
            for own in sockets.values():
                own.close()
            raise LocalError("only sockets for UDP can be handed over")
        self._adopt(sockets, request.yields)
        return Done()


class Client:
    """One connection: ``owner`` has said Hello on it, or events of the owner ``follows`` go there."""

    def __init__(
        self,
        connection: socket.socket,
        loop: Loop,
        on_request: "Callable[[Client, bytes, list[int]], None]",
        on_end: "Callable[[Client], None]",
    ) -> None:
        self.owner = ""
        self.follows = ""
        self._socket = connection
        self._loop = loop
        self._on_request = on_request
        self._on_end = on_end
        self._backlog: deque[bytes] = deque()
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_MESSAGE)
        loop.watch(connection, READ, self._ready)

    def send(self, serial: int, message: Message) -> None:
        """Send a message, later if the client is slow; a client that is too slow is dropped."""
        if self._socket.fileno() < 0:
            return
        data = encode(serial, message)
        if not self._backlog:
            try:
                self._socket.send(data)
                return
            except BlockingIOError:
                pass
            except OSError:
                self._on_end(self)
                return
        self._backlog.append(data)
        self._flush()
        if len(self._backlog) > MAX_BACKLOG:
            self._on_end(self)

    def close(self) -> None:
        """Close the connection."""
        if self._socket.fileno() >= 0:
            self._loop.forget(self._socket)
            self._socket.close()

    def _ready(self, events: int) -> None:
        if events & WRITE:
            self._flush()
        if events & ~WRITE:
            self._read()

    def _read(self) -> None:
        try:
            size, ancillary, _, _ = self._socket.recvmsg_into((_BUFFER,), _ANCILLARY)
        except BlockingIOError:
            return
        except OSError:
            self._on_end(self)
            return
        descriptors = _descriptors(ancillary) if ancillary else []
        if size:
            self._on_request(self, bytes(_BUFFER[:size]), descriptors)
        else:
            _close_all(descriptors)
            self._on_end(self)

    def _flush(self) -> None:
        try:
            while self._backlog:
                self._socket.send(self._backlog[0])
                self._backlog.popleft()
            self._loop.change(self._socket, READ)
        except BlockingIOError:
            self._loop.change(self._socket, READ | WRITE)
        except OSError:
            self._on_end(self)


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    """What came with a message (``SCM_RIGHTS``)."""
    found = array("i")
    for level, kind, octets in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(octets[: len(octets) - len(octets) % found.itemsize])
    return list(found)


def _close_all(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
