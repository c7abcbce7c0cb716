"""The sender: takes from the send queue and hands to the socket."""

from collections.abc import Callable

from cygnet.runtime.counters import Counters
from cygnet.runtime.network.datagrams import Datagram, IkeSocket
from cygnet.runtime.queues.sends import SendQueue
from cygnet.runtime.threads.named import NamedThread, Report

Refused = Callable[[Datagram, OSError], None]


class Sender(NamedThread):
    """One thread that sends what ``queue`` holds.

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
            self._counters.add("sends failed")
            if self._refused is not None:
                self._refused(datagram, error)
        return True
