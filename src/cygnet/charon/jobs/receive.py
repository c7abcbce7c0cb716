"""From a receiver to an IKE_SA: what a datagram is, and the job it becomes."""

from collections.abc import Callable

from cygnet.base.addresses import Address
from cygnet.base.effects import Effect
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.jobs.ike_counters import IkeCounters
from cygnet.charon.sa.endpoint import Await, Create, Dispatch, Drop, Endpoint, Reply
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.ports import Ports
from cygnet.runtime.bus.ratelimit import RateLimitedLog
from cygnet.runtime.counters import Counters
from cygnet.runtime.manager import Manager
from cygnet.runtime.network.datagrams import Datagram
from cygnet.runtime.queues.jobs import JobQueue, Jobs, Priority
from cygnet.runtime.queues.sends import Sends

# IKE_AUTH may wait for signatures and directories; what keeps peers alive may not wait for it.
PRIORITIES: dict[int, Priority] = {
    Exchange.IKE_AUTH: Priority.LOW,
    Exchange.INFORMATIONAL: Priority.HIGH,
}


class DatagramHandler:
    """Called by the receivers with each datagram; says what there is to do, and does none of it."""

    def __init__(
        self,
        endpoint: Endpoint,
        manager: Manager[IkeSa],
        ports: Ports,
        jobs: JobQueue,
        sends: Sends,
        reports: "DropReports",
    ) -> None:
        self._endpoint = endpoint
        self._manager = manager
        self._ports = ports
        self._jobs = jobs
        self._sends = sends
        self._reports = reports

    def __call__(self, datagram: Datagram, jobs: Jobs) -> None:
        """Decide what belongs to no SA, post the rest to its SA, as one of ``jobs``."""
        now = self._reports.clock()
        decision = self._endpoint.decide(datagram.data, datagram.source, datagram.destination, now)
        if isinstance(decision, Dispatch):
            priority = PRIORITIES.get(decision.exchange, Priority.MEDIUM)
            self._post(decision.unique_id, datagram, priority, jobs)
        elif isinstance(decision, Create):
            self._create(decision.spi, datagram, jobs)
        elif isinstance(decision, Await):
            self._await(decision, datagram, jobs)
        elif isinstance(decision, Reply):
            self._reports.report(decision.counter, datagram, "answered without an IKE_SA")
            self._sends.put(Datagram(datagram.destination, datagram.source, decision.data))
        elif isinstance(decision, Drop):
            self._reports.report(decision.counter, datagram, "dropped")

    def _create(self, spi: bytes, datagram: Datagram, jobs: Jobs) -> None:
        limit = self._ports.settings.init_limit_job_load
        if limit and sum(self._jobs.lengths()) >= limit:
            self._reports.report("job_load_limit", datagram, "dropped")
            return
        unique_id = self._manager.next_unique_id()
        sa = IkeSa.responder(self._ports, unique_id, spi, datagram.destination, datagram.source)
        try:
            self._manager.register(sa)
        except LocalError:
            self._reports.report("ikesa_limit", datagram, "dropped")
            return
        self._post(unique_id, datagram, Priority.MEDIUM, jobs)

    def _await(self, decision: Await, datagram: Datagram, jobs: Jobs) -> None:
        """What is made by then receives it; if nothing is, the peer will send it again."""

        def pass_on(_: IkeSa) -> list[Effect]:
            made = self._manager.by_spi(decision.spi)
            if made is None:
                self._reports.report("unknown_spi", datagram, "dropped")
            else:
                self._post(made, datagram, Priority.MEDIUM, self._jobs)
            return []

        self._manager.post(decision.unique_id, pass_on, Priority.MEDIUM, "await IKE_SA", jobs=jobs)

    def _post(self, unique_id: int, datagram: Datagram, priority: Priority, jobs: Jobs) -> None:
        clock = self._reports.clock

        def receive(sa: IkeSa) -> list[Effect]:
            return sa.receive(datagram.data, datagram.source, datagram.destination, clock())

        self._manager.post(unique_id, receive, priority, "process message", jobs=jobs)


class InterfaceFilter:
    """Before the handler: what came to an address of an interface that is not used is dropped."""

    def __init__(
        self,
        handler: Callable[[Datagram, Jobs], None],
        is_ignored: Callable[[Address], bool],
        reports: "DropReports",
    ) -> None:
        self._handler, self._is_ignored, self._reports = handler, is_ignored, reports

    def __call__(self, datagram: Datagram, jobs: Jobs) -> None:
        """Drop or pass on."""
        if self._is_ignored(datagram.destination.address):
            self._reports.report("ignored_interface", datagram, "dropped")
        else:
            self._handler(datagram, jobs)


class DropReports:
    """Counts what is dropped or answered without an IKE_SA, and logs a line a second of each kind at most."""

    def __init__(
        self,
        log: RateLimitedLog,
        counters: Counters,
        ike_counters: IkeCounters,
        clock: Callable[[], float],
    ) -> None:
        self.clock = clock
        self._log = log
        self._counters = counters
        self._ike_counters = ike_counters

    def report(self, counter: str, datagram: Datagram, what: str) -> None:
        """One datagram; ``counter`` is a constant of the code."""
        self._counters.add(f"ike {counter}")
        self._ike_counters.dropped(counter)
        source, reason = datagram.source, counter.replace("_", " ")
        self._log.log(
            counter,
            Group.NET,
            Level.CONTROL,
            lambda: f"packet from {source.with_brackets()} {what}: {reason}",
        )
