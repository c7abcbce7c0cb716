"""Several threads that wait on several sockets at once, interruptibly."""

import os
import select
import socket
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

from cygnet.runtime.counters import Counters
from cygnet.runtime.network.datagrams import Datagram

Read = Callable[[], Datagram | None]


class _Own(threading.local):
    """What one thread waits with, and which sockets had something when it last did."""

    epoll: select.epoll | None = None
    ready: deque[int]


class Poller:
    """Reads from whichever socket has something, in turn, for any number of threads.

    Each thread waits on an epoll of its own, and what comes wakes one of them (EPOLLEXCLUSIVE).
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._lock = threading.Lock()
        self._epolls: list[select.epoll] = []
        self._reads: dict[int, Read] = {}
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._own = _Own()

    def add(self, sock: socket.socket, read: Read) -> None:
        """Call ``read`` when ``sock`` has something; it returns a datagram or, for others, ``None``.

        Before the first thread waits.
        """
        self._reads[sock.fileno()] = read

    def receive(self, timeout_s: float | None) -> Datagram | None:
        """The next datagram; ``None`` after ``timeout_s``, or once :meth:`wake` was called."""
        own, epoll = self._own, self._own.epoll or self._begin()
        end = None if timeout_s is None else monotonic() + timeout_s
        while True:
            while own.ready:
                datagram = self._read(own.ready.popleft())
                if datagram is not None:
                    return datagram
            ready = epoll.poll(None if end is None else max(0.0, end - monotonic()))
            if not ready or any(number == self._bell for number, _ in ready):
                return None
            own.ready.extend(number for number, _ in ready)

    def wake(self) -> None:
        """Let :meth:`receive` return, in all threads and from now on."""
        if self._bell >= 0:
            os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """Forget the sockets; their owner closes them."""
        bell, self._bell = self._bell, -1
        self._reads.clear()
        for epoll in self._epolls:
            epoll.close()
        if bell >= 0:
            os.close(bell)

    def _begin(self) -> select.epoll:
        epoll = self._own.epoll = select.epoll()
        self._own.ready = deque()
        epoll.register(self._bell, select.EPOLLIN)
        for number in self._reads:
            epoll.register(number, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        with self._lock:
            self._epolls.append(epoll)
        return epoll

    def _read(self, number: int) -> Datagram | None:
        try:
            return self._reads[number]()
        except BlockingIOError:  # another thread has it
            return None
        except OSError:
            self._counters.add("net receive failed")
            return None
