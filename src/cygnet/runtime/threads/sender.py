"""The sender: hands datagrams to the socket, and keeps those that have to wait for it."""

from collections.abc import Callable

from cygnet.runtime.counters import Counters
from cygnet.runtime.network.datagrams import Datagram, IkeSocket
from cygnet.runtime.queues.sends import SendQueue
from cygnet.runtime.threads.named import NamedThread, Report

Refused = Callable[[Datagram, OSError], None]


class Sender(NamedThread):
    """Whoever has a datagram sends it itself, by :meth:`put`; one thread sends what ``queue`` holds.

    Only a socket whose buffer is full makes datagrams wait, and those after them, so that the order stays.
    What the socket refuses (no route, say) is counted as ``sends failed`` and told to ``refused``; the
    protocol's retransmission is the remedy. Stopping sends what is queued already.
    """

    def __init__(self, queue: SendQueue, socket: IkeSocket, report: Report, counters: Counters,
                 refused: Refused | None = None) -> None:
        super().__init__("sender", self._send_next, queue.close, report)
        self._queue = queue
        self._socket = socket
        self._counters = counters
        self._refused = refused

    def put(self, item: Datagram) -> bool:
        """Send it now if nothing waits, else after what waits; False if the queue is full or closed."""
        if len(self._queue) or self._queue.closed:
            return self._queue.put(item)
        try:
            self._socket.send(item, wait=False)
        except BlockingIOError:
            return self._queue.put(item)
        except OSError as error:
            self._fail(item, error)
        return True

    def stop(self, deadline_s: float = 1.0) -> bool:
        """Send what is queued, then end; False if that takes longer than ``deadline_s``."""
        self._queue.close()
        return self.join(deadline_s) or super().stop(0.0)

    def _send_next(self) -> bool:
        datagram = self._queue.take()
        if datagram is None:
            return not self._queue.closed
        try:
            self._socket.send(datagram)
        except OSError as error:
            self._fail(datagram, error)
        return True

    def _fail(self, datagram: Datagram, error: OSError) -> None:
        self._counters.add("sends failed")
        if self._refused is not None:
            self._refused(datagram, error)
