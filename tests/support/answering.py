"""A Unix socket that answers its clients one after the other, as a daemon's control socket would."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from cygnet.ctl.stroke import Done, Request, Text, encode_reply, receive

Serve = Callable[[socket.socket], None]


class Answering:
    """Listens at ``path`` from entering to leaving; leaving also ends threads whose client never came."""

    def __init__(self, path: Path) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self.finish()
        self._listener.close()

    def client(self, serve: Serve) -> None:
        """Lets ``serve`` answer one client more."""
        self._threads.append(threading.Thread(target=self._one, args=(serve,), daemon=True))
        self._threads[-1].start()

    def stroke(self, *replies: Text | Done) -> list[Request]:
        """Answers one client as charon would, with ``replies``; the list fills with what it asked."""
        requests: list[Request] = []

        def serve(client: socket.socket) -> None:
            requests.append(receive(client))
            for reply in replies:
                client.sendall(encode_reply(reply))

        self.client(serve)
        return requests

    def finish(self, within_s: float = 10) -> None:
        """Waits until the clients so far have been answered."""
        for thread in self._threads:
            thread.join(within_s)

    def _one(self, serve: Serve) -> None:
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        with client:
            serve(client)
