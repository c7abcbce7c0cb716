"""Following one order: the log lines of its IKE_SA up to the event that ends it."""

from cygnet.base.effects import Log
from cygnet.charon.jobs.workplace import Board
from cygnet.charon.sa.events import Finished
from cygnet.runtime.bus.bus import Subscription
from cygnet.runtime.bus.records import Levels


class Dialogue:
    """Subscribe first, then post the order with ``ticket``, and no line is missed."""

    def __init__(self, bus: Board, ike_id: int, ticket: int, level: int) -> None:
        suffix = f"|{ike_id}"

        def wanted(event: object) -> bool:
            if isinstance(event, Log):
                return event.sa.endswith(suffix)
            return isinstance(event, Finished) and event.ticket == ticket

        self._subscription: Subscription = bus.subscribe(wanted, levels=Levels(level))

    def read(self, timeout_s: float) -> str | Finished | None:
        """The next line or the end, ``None`` if nothing came in time."""
        record = self._subscription.next(timeout_s)
        if record is None:
            return None
        return record.event.text if isinstance(record.event, Log) else record.event

    def close(self) -> None:
        """Stop following; the order goes on."""
        self._subscription.close()


class Settled:
    """The dialogue of an order that nothing had to be done for."""

    def __init__(self, ticket: int, text: str) -> None:
        self._items: list[str | Finished] = [Finished(ticket, True, text), text]

    def read(self, timeout_s: float) -> str | Finished | None:
        """First the text as a line, then the end."""
        return self._items.pop() if self._items else None

    def close(self) -> None:
        """Nothing to stop."""


class Refusal:
    """The dialogue of an order that could not even be given."""

    def __init__(self, ticket: int, reason: str) -> None:
        self._items: list[str | Finished] = [Finished(ticket, False, reason), reason]

    def read(self, timeout_s: float) -> str | Finished | None:
        """First the reason as a line, then the end."""
        return self._items.pop() if self._items else None

    def close(self) -> None:
        """Nothing to stop."""
