"""What jobs need of the daemon around them: narrow protocols, so that they run without threads too."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from cygnet.base.effects import Effect
from cygnet.charon.sa.events import Finished
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.orders import Order
from cygnet.charon.sa.ports import Ports
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.keying.config.records import ChildConfig, PeerConfig
from cygnet.keying.hosts import Names
from cygnet.keying.numbers import Numbers
from cygnet.runtime.bus.bus import Subscription
from cygnet.runtime.bus.records import Levels
from cygnet.runtime.queues.jobs import CallJob, Priority


class Sas(Protocol):
    """The IKE_SAs (``runtime.manager.Manager``)."""

    def next_unique_id(self) -> int:
        """A number for a new one."""

    def register(self, sa: IkeSa) -> int:
        """Take a new one over; raises ``LocalError`` at the limit."""

    def post(
        self,
        unique_id: int,
        work: Callable[[IkeSa], list[Effect]],
        priority: Priority,
        name: str,
        *,
        sure: bool = False,
        lost: Callable[[], None] | None = None,
    ) -> bool:
        """Have work done on one; False if it is gone."""

    def by_name(self, name: str) -> tuple[int, ...]:
        """Those of a connection, oldest first."""

    def by_identities(self, identities: Any) -> tuple[int, ...]:
        """Those between two identities that are established, oldest first."""

    def snapshot(self, unique_id: int) -> IkeSnapshot | None:
        """How one stood at its last check-in."""

    def unique_ids(self) -> tuple[int, ...]:
        """All of them."""


class Jobs(Protocol):
    """Work to be done soon (``runtime.queues.jobs.JobQueue``)."""

    def put(self, job: CallJob, *, sure: bool = False) -> bool:
        """Queue a job."""


class Events(Protocol):
    """Things to happen later (``runtime.queues.events.EventQueue``)."""

    def put_in(self, delay_s: float, action: Callable[[], object]) -> bool:
        """Have ``action`` called in so many seconds; it may only queue work."""


class Board(Protocol):
    """Where lines and events are published (``runtime.bus.bus.Bus``)."""

    def log(self, group: Any, level: int, text: str, sa: str = "") -> None:
        """Publish a log line."""

    def publish(self, event: Any) -> None:
        """Publish an event."""

    def subscribe(self, predicate: Callable[[Any], bool] | None = None, *, levels: Levels) -> Subscription:
        """Follow log lines and events."""


class Loaded(Protocol):
    """The loaded connections."""

    def child(self, name: str) -> tuple[PeerConfig, ChildConfig] | None:
        """The child config of that name, with its peer's."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """The daemon as jobs see it."""

    manager: Sas
    ports: Ports
    numbers: Numbers
    bus: Board
    jobs: Jobs
    events: Events
    names: Names
    loaded: Loaded
    clock: Callable[[], float]

    def order(self, ike_id: int, order: Order) -> bool:
        """Post an order to an IKE_SA; False if there is none of that number any more.

        If it ends before it comes to the order, whoever follows that is told.
        """

        def command(sa: IkeSa) -> list[Effect]:
            return sa.command(order, self.clock())

        def lost() -> None:
            self.finish(getattr(order, "ticket", 0), False, f"IKE_SA [{ike_id}] is gone")

        name = type(order).__name__
        return self.manager.post(ike_id, command, Priority.MEDIUM, name, sure=True, lost=lost)

    def finish(self, ticket: int, ok: bool, reason: str) -> None:
        """Tell whoever follows an order that no IKE_SA can tell any more."""
        if ticket:
            self.bus.publish(Finished(ticket, ok, reason))

    def soon(self, name: str, action: Callable[[], None]) -> None:
        """Have something done on a worker, outside whatever is being done now."""
        self.jobs.put(CallJob(name, Priority.MEDIUM, action), sure=True)

    def later(self, delay_s: float, name: str, action: Callable[[], None]) -> None:
        """The same in some seconds."""
        self.events.put_in(delay_s, lambda: self.soon(name, action))

    def chance(self) -> float:
        """A number from 0 up to 1."""
        return int.from_bytes(self.ports.rng(4), "big") / 2**32
