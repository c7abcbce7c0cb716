"""Waiting on several sockets at once, interruptibly."""

import os
import select
import socket
from collections import deque
from collections.abc import Callable
from time import monotonic

from cygnet.runtime.counters import Counters
from cygnet.runtime.network.datagrams import Datagram

Read = Callable[[], Datagram | None]


class Poller:
    """Reads from whichever socket has something, in turn. One thread reads, any may wake it."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._poll = select.poll()
        self._reads: dict[int, Read] = {}
        self._ready: deque[int] = deque()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll.register(self._bell, select.POLLIN)

    def add(self, sock: socket.socket, read: Read) -> None:
        """Call ``read`` when ``sock`` has something; it returns a datagram or, for others, ``None``."""
        self._reads[sock.fileno()] = read
        self._poll.register(sock.fileno(), select.POLLIN)

    def receive(self, timeout_s: float | None) -> Datagram | None:
        """The next datagram; ``None`` after ``timeout_s`` or when woken."""
        end = None if timeout_s is None else monotonic() + timeout_s
        while True:
            while self._ready:
                datagram = self._read(self._ready.popleft())
                if datagram is not None:
                    return datagram
            left_ms = None if end is None else max(0.0, end - monotonic()) * 1000
            ready = self._poll.poll(left_ms)
            if not ready or self._woken(ready):
                return None
            self._ready.extend(number for number, _ in ready)

    def wake(self) -> None:
        """Let :meth:`receive` return."""
        if self._bell >= 0:
            os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """Forget the sockets; their owner closes them."""
        bell, self._bell = self._bell, -1
        self._reads.clear()
        if bell >= 0:
            os.close(bell)

    def _woken(self, ready: list[tuple[int, int]]) -> bool:
        if any(number == self._bell for number, _ in ready):
            os.eventfd_read(self._bell)
            return True
        return False

    def _read(self, number: int) -> Datagram | None:
        try:
            return self._reads[number]()
        except BlockingIOError:
            return None
        except OSError:
            self._counters.add("net receive failed")
            return None
