"""``starter.ctl``: ``ipsec update`` and ``ipsec reload`` ask here and hear how it went."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

from cygnet.ctl import frames, starter
from cygnet.starter.loop import Loop

MAX_CLIENTS = 16
REQUEST_LIMIT = 4096
CLIENT_DEADLINE_S = 120.0

Handler = Callable[[str, "Client"], None]


class Client:
    """Someone who asked. ``say`` gives lines, ``done`` the end; both are harmless once it is gone."""

    def __init__(self, server: "ControlServer", sock: socket.socket) -> None:
        self._server, self._socket = server, sock
        self._in = bytearray()
        self._out = bytearray()
        self._ending = False  # the end is queued, or nobody listens any more

    def gone(self) -> None:
        """Nobody listens any more."""
        self._ending = True

    def say(self, text: str) -> None:
        """One line of the answer."""
        if not self._ending:
            self._out += frames.frame_octets(frames.TEXT, text.encode("utf-8", "replace"))

    def done(self, exit_code: int, reason: str = "") -> None:
        """The end of the answer."""
        if not self._ending:
            self._ending = True
            self._out += frames.done_octets(exit_code, reason)
            self._server.loop.watch(self._socket, self.write, write=True)

    def read(self) -> None:
        """Take what was sent; a whole request goes to the handler."""
        try:
            octets = self._socket.recv(REQUEST_LIMIT)
        except BlockingIOError:
            return
        except OSError:
            octets = b""
        self._in += octets
        length = int.from_bytes(self._in[:4], "big")
        if not octets or (len(self._in) >= 4 and length > REQUEST_LIMIT):
            self._server.drop(self, self._socket)
        elif len(self._in) >= 4 + length:
            self._server.loop.forget(self._socket)
            self._server.handle(_kind(bytes(self._in[4 : 4 + length])), self)

    def write(self) -> None:
        """Send what is left of the answer."""
        try:
            sent = self._socket.send(self._out)
        except BlockingIOError:
            return
        except OSError:
            sent = len(self._out)
        del self._out[:sent]
        if not self._out:
            self._server.drop(self, self._socket)


class ControlServer:
    """The listening socket and its clients."""

    def __init__(self, loop: Loop, path: Path, handler: Handler) -> None:
        """Listen at ``path``, replacing what an earlier starter left; raises ``OSError``."""
        self.loop = loop
        self._path, self._handler = path, handler
        self._clients: dict[Client, socket.socket] = {}
        path.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.setblocking(False)
        mask = os.umask(0o177)
        try:
            self._listening.bind(str(path))
        finally:
            os.umask(mask)
        self._listening.listen(MAX_CLIENTS)
        loop.watch(self._listening, self._accept)

    def close(self) -> None:
        """Stop listening and drop everybody."""
        for client, sock in list(self._clients.items()):
            self.drop(client, sock)
        self.loop.forget(self._listening)
        self._listening.close()
        self._path.unlink(missing_ok=True)

    def handle(self, kind: str, client: Client) -> None:
        """Pass a request on, or refuse it."""
        if kind in starter.KINDS:
            self._handler(kind, client)
        else:
            client.done(starter.EXIT_USAGE, f"unknown request '{kind:.40}'")

    def drop(self, client: Client, sock: socket.socket) -> None:
        """Close one connection."""
        client.gone()
        self._clients.pop(client, None)
        self.loop.forget(sock)
        sock.close()

    def _accept(self) -> None:
        try:
            sock, _ = self._listening.accept()
        except OSError:
            return
        if len(self._clients) >= MAX_CLIENTS:
            sock.close()
            return
        sock.setblocking(False)
        client = Client(self, sock)
        self._clients[client] = sock
        self.loop.watch(sock, client.read)
        self.loop.later(CLIENT_DEADLINE_S, lambda: self._expire(client))

    def _expire(self, client: Client) -> None:
        sock = self._clients.get(client)
        if sock is not None:
            self.drop(client, sock)


def _kind(body: bytes) -> str:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    kind = fields.get("kind") if isinstance(fields, dict) else None
    return kind if isinstance(kind, str) else ""
