"""The send queue: datagrams on their way to the sender."""

from typing import Protocol

from cygnet.runtime.counters import Counters
from cygnet.runtime.network.datagrams import Datagram
from cygnet.runtime.queues.bounded import BoundedQueue

SEND_LIMIT = 10_000


class Sends(Protocol):
    """Where datagrams go; never blocks."""

    def put(self, item: Datagram) -> bool:
        """Have it sent; False if it had to be dropped."""


class SendQueue(BoundedQueue[Datagram]):
    """Datagrams to be sent, in order; a full queue drops (``sends dropped``), as a full link would."""

    def __init__(self, limit: int = SEND_LIMIT, counters: Counters | None = None) -> None:
        super().__init__("sends", limit, counters)
