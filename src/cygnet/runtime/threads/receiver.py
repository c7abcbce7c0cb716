"""The receiver: reads datagrams and hands each to what queues jobs for it."""

from collections.abc import Callable

from cygnet.runtime.network.datagrams import Datagram, IkeSocket
from cygnet.runtime.threads.named import NamedThread, Report


class Receiver(NamedThread):
    """One thread that reads ``socket`` and calls ``handle``, which must not block.

    An exception in ``handle`` costs one datagram.
    """

    def __init__(self, socket: IkeSocket, handle: Callable[[Datagram], None], report: Report) -> None:
        super().__init__("receiver", self._receive_next, socket.wake, report)
        self._socket = socket
        self._handle = handle

    def _receive_next(self) -> bool:
        datagram = self._socket.receive()
        if datagram is not None:
            self._handle(datagram)
        return True
