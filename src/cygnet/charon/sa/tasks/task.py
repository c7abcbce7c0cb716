"""What a task is: one elementary operation, with both roles in one class (RFC 7296 exchanges).

A message is built by asking each active task in the order of ``TASKS``; it is processed the same way.
A step that a task does not write does nothing and returns MORE.
"""

from enum import Enum
from typing import ClassVar

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import AnyPayload, Message
from cygnet.charon.encoding.payloads import Notify
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.states import LIVE


class Step(Enum):
    """What a step returns: whether the task goes on."""

    MORE = "more"
    DONE = "done"
    AGAIN = "again"  # the request has to be sent again, changed, under the same message ID


MORE, DONE, AGAIN = Step.MORE, Step.DONE, Step.AGAIN


class Draft:
    """A message that is being built."""

    __slots__ = ("covered", "delay_s", "exchange", "message_id", "payloads", "response")

    def __init__(self, exchange: int, message_id: int, response: bool) -> None:
        self.exchange = exchange
        self.message_id = message_id
        self.response = response
        self.payloads: list[AnyPayload] = []
        self.delay_s = 0.0  # so long a response lies here before it is sent
        self.covered = b""  # of an IKE_INTERMEDIATE message that was packed (``encoding.message``)

    def add(self, *payloads: AnyPayload) -> None:
        """Append payloads."""
        self.payloads.extend(payloads)

    def notify(self, kind: int, data: bytes = b"", protocol: int = 0, spi: bytes = b"") -> None:
        """Append a notification."""
        self.payloads.append(Notify(kind, data, protocol, spi))


class Task:
    """An operation in progress.

    ``opens`` is the exchange it may start alone, ``rides`` are those it joins; one that opens several in
    turn, or none at times, says which in ``next_exchange``. The failure of a ``vital`` one ends an IKE_SA
    that is being made. ``name`` is what ``statusall`` shows.
    """

    name: ClassVar[str]
    opens: ClassVar[Exchange | None] = None
    rides: ClassVar[frozenset[Exchange]] = frozenset()
    vital: ClassVar[bool] = False

    def __init__(self, sa: Association, ticket: int = 0) -> None:
        self.sa = sa
        self.ticket = ticket
        self.not_before = 0.0

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        """Whether a request on an established IKE_SA is (also) for this task."""
        return False

    def next_exchange(self) -> Exchange | None:
        """The exchange that an active task wants to open now."""
        return self.opens

    def takes_part(self, exchange: int) -> bool:
        """Whether the task builds and processes messages of this exchange."""
        return exchange == self.opens or exchange in self.rides

    def build_request(self, draft: Draft) -> Step:
        """Add our payloads to a request. DONE here: the response is of no interest."""
        return MORE

    def process_request(self, message: Message) -> Step:
        """Take what the peer asks. DONE here: nothing to add to the response."""
        return MORE

    def build_response(self, draft: Draft) -> Step:
        """Add our payloads to the response."""
        return MORE

    def process_response(self, message: Message) -> Step:
        """Take the peer's answer."""
        return MORE

    def sent(self) -> None:
        """The response has been handed out; asked of tasks that returned MORE while building it."""

    def ready(self) -> bool:
        """Whether a queued task may open its exchange now."""
        return self.sa.state in LIVE

    def restart(self) -> None:
        """The handshake begins anew: forget what was built for the last one."""

    def failed(self, reason: str) -> None:
        """The task ends without success: its own things go, whoever waits is told."""
        self.sa.finish(self.ticket, False, reason)
