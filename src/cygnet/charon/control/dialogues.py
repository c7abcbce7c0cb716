"""Dialogues over the bus: the log lines of one IKE_SA and the outcome of one order.

A log line carries its IKE_SA's label ``NAME|n``; the outcome is the core's ``Finished`` with our ticket.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

from cygnet.base.effects import Log
from cygnet.charon.control.ports import Finished
from cygnet.charon.sa import events


class Records(Protocol):
    """A subscription to the bus (``runtime.bus.bus.Subscription``)."""

    def next(self, timeout_s: float | None = None) -> "Published | None":
        """The next record, ``None`` when the time is over."""

    def close(self) -> None:
        """End it."""


class Published(Protocol):
    """What a subscription hands out."""

    @property
    def event(self) -> Any:
        """The event or log line."""


def concerns(ike_id: Callable[[], int], ticket: int) -> Callable[[Any], bool]:
    """A predicate for ``Bus.subscribe``: log lines of the IKE_SA, and the end of the order.

    ``ike_id`` is asked for every line, since the IKE_SA may be made only after the subscription; while it
    answers 0 no line is taken.
    """

    def wanted(event: Any) -> bool:
        if isinstance(event, Log):
            number = ike_id()
            return number != 0 and event.sa.endswith(f"|{number}")
        return isinstance(event, events.Finished) and event.ticket == ticket

    return wanted


@dataclass(slots=True)
class BusDialogue:
    """One followed negotiation. Lines of the SA that come after the end are not waited for."""

    records: Records
    clock: Callable[[], float] = monotonic

    def read(self, timeout_s: float) -> str | Finished | None:
        """The next line or the end, ``None`` if nothing came in time."""
        end = self.clock() + timeout_s
        while (left := end - self.clock()) >= 0:
            record = self.records.next(left)
            if record is None:
                return None
            if isinstance(record.event, events.Finished):
                return Finished(record.event.ok, record.event.reason)
            if isinstance(record.event, Log):
                return record.event.text
        return None

    def close(self) -> None:
        """Stop following."""
        self.records.close()
