"""From a receiver to an ISAKMP SA: what a datagram is, and the job it becomes."""

from collections.abc import Callable

from cygnet.base.effects import Effect
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.pluto.jobs.core import Core, Create, Dispatch, Drop, Reply, Sa
from cygnet.runtime.bus.ratelimit import RateLimitedLog
from cygnet.runtime.counters import Counters
from cygnet.runtime.manager import Manager
from cygnet.runtime.network.datagrams import Datagram
from cygnet.runtime.queues.jobs import Jobs, Priority
from cygnet.runtime.queues.sends import Sends
from cygnet.wire.header import HEADER_SIZE

MAJOR_VERSION = 1
_VERSION_OFFSET = 17


class DatagramHandler:
    """Called by the receivers with each datagram; says what there is to do, and does none of it.

    Another version of IKE is dropped without a word: answering is its own daemon's
    business. Nothing is heard until ``listening``.
    """

    def __init__(self, core: Core, manager: Manager[Sa], sends: Sends, reports: "Reports") -> None:
        self.listening = False
        self._core, self._manager, self._sends, self._reports = core, manager, sends, reports

    def __call__(self, datagram: Datagram, jobs: Jobs) -> None:
        """Decide what belongs to no SA, post the rest to its SA, as one of ``jobs``."""
        refused = self._refused(datagram.data)
        if refused:
            self._reports.count(refused, datagram)
            return
        decision = self._core.decide(datagram, self._reports.clock())
        if isinstance(decision, Dispatch):
            priority = Priority.HIGH if decision.urgent else Priority.MEDIUM
            self._post(decision.unique_id, datagram, priority, jobs)
        elif isinstance(decision, Create):
            self._create(decision.cookie, datagram, jobs)
        elif isinstance(decision, Reply):
            self._reports.count(decision.counter, datagram)
            self._sends.put(Datagram(datagram.destination, datagram.source, decision.data))
        elif isinstance(decision, Drop):
            self._reports.count(decision.counter, datagram)

    def _refused(self, data: bytes) -> str:
        if len(data) < HEADER_SIZE:
            return "too_short"
        if data[_VERSION_OFFSET] >> 4 != MAJOR_VERSION:
            return "other_version"
        return "" if self.listening else "deaf"

    def _create(self, cookie: bytes, datagram: Datagram, jobs: Jobs) -> None:
        number = self._manager.next_unique_id()
        try:
            self._manager.register(self._core.responder(number, cookie, datagram))
        except LocalError:
            self._reports.count("sa_limit", datagram)
            return
        self._post(number, datagram, Priority.MEDIUM, jobs)

    def _post(self, unique_id: int, datagram: Datagram, priority: Priority, jobs: Jobs) -> None:
        clock = self._reports.clock

        def receive(sa: Sa) -> list[Effect]:
            return sa.receive(datagram, clock())

        self._manager.post(unique_id, receive, priority, "process message", jobs=jobs)


class Reports:
    """Counts what belongs to no SA, and logs a line a second of each kind at most.

    Of IKEv2 there is not even a line: beside charon without a group of sockets every datagram would be one.
    """

    def __init__(self, log: RateLimitedLog, counters: Counters, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._log, self._counters = log, counters

    def count(self, counter: str, datagram: Datagram) -> None:
        """One datagram; ``counter`` is a constant of the code."""
        self._counters.add(f"ike {counter}")
        if counter == "other_version":
            return
        source, reason = datagram.source, counter.replace("_", " ")
        text = f"packet from {source.with_brackets()} without an ISAKMP SA: {reason}"
        self._log.log(counter, Group.NET, Level.CONTROL, text)
