"""What orders and jobs need of the daemon."""

from collections.abc import Callable
from dataclasses import dataclass

from cygnet.base.effects import Effect
from cygnet.base.groups import Group, Level
from cygnet.pluto.jobs.core import Order, Sa
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.manager import Manager
from cygnet.runtime.queues.events import EventQueue
from cygnet.runtime.queues.jobs import CallJob, JobQueue, Priority


@dataclass(frozen=True, slots=True)
class Workplace:
    """What orders and jobs need."""

    manager: Manager[Sa]
    jobs: JobQueue
    events: EventQueue
    bus: Bus
    clock: Callable[[], float]

    def order(self, number: int, order: Order) -> bool:
        """Have an ISAKMP SA carry something out; whether it is there."""

        def command(sa: Sa) -> list[Effect]:
            return sa.command(order, self.clock())

        return self.manager.post(number, command, Priority.MEDIUM, type(order).__name__, sure=True)

    def soon(self, name: str, action: Callable[[], None], delay_s: float = 0) -> None:
        """Have something done on a worker, outside whatever is being done now."""

        def queue() -> None:
            self.jobs.put(CallJob(name, Priority.MEDIUM, action), sure=True)

        if delay_s:
            self.events.put_in(delay_s, queue)
        else:
            queue()

    def log(self, group: Group, text: str) -> None:
        """A line of the daemon's own."""
        self.bus.log(group, Level.CONTROL, text)
