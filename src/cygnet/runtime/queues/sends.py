"""The send queue: datagrams on their way to the sender."""

from cygnet.runtime.counters import Counters
from cygnet.runtime.network.datagrams import Datagram
from cygnet.runtime.queues.bounded import BoundedQueue

SEND_LIMIT = 10_000


class SendQueue(BoundedQueue[Datagram]):
    """Datagrams to be sent, in order; a full queue drops (``sends dropped``), as a full link would."""

    def __init__(self, limit: int = SEND_LIMIT, counters: Counters | None = None) -> None:
        super().__init__("sends", limit, counters)
