"""The scheduler: waits for the next event and lets it move its work to the job queue."""

from cygnet.runtime.queues.events import EventQueue
from cygnet.runtime.threads.named import NamedThread, Report


class Scheduler(NamedThread):
    """One thread that takes from ``events``; it ends when the queue is closed."""

    def __init__(self, events: EventQueue, report: Report) -> None:
        super().__init__("scheduler", self._fire_next, events.close, report)
        self._events = events

    def _fire_next(self) -> bool:
        action = self._events.take()
        if action is None:
            return False
        action()
        return True
