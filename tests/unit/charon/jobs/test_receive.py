"""From a datagram to the IKE_SA that receives it, with a manager whose jobs the test runs itself."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

from cygnet.base.addresses import Host
from cygnet.base.effects import Adopt, Effect
from cygnet.charon.jobs.receive import DatagramHandler
from cygnet.charon.sa.endpoint import Await, Decision
from cygnet.runtime.counters import Counters
from cygnet.runtime.manager import Manager
from cygnet.runtime.network.datagrams import Datagram
from cygnet.runtime.queues.jobs import JobQueue, Priority
from cygnet.runtime.sa_index import Keys

REQUEST = Datagram(Host.of("192.0.2.2", 4500), Host.of("192.0.2.1", 4500), b"on the new IKE_SA")


def _now() -> float:
    return 42.0


class Sa:
    """An IKE_SA that notes what it receives."""

    def __init__(self, unique_id: int) -> None:
        self.unique_id, self.received = unique_id, []

    @property
    def spi_local(self) -> bytes:
        return b"local-%02d" % self.unique_id

    def receive(self, data: bytes, *_: object) -> list[Effect]:
        self.received.append(data)
        return []

    def begin(self, _: float) -> list[Effect]:
        return []

    def snapshot(self, _: float) -> Any:
        return Keys("net")


class Table:
    """A handler with a manager, one IKE_SA and a decision that is always the same."""

    def __init__(self, decision: Decision) -> None:
        self.jobs, self.reports = JobQueue(1), Counter[str]()
        self.manager: Manager[Any] = Manager(
            self.jobs, SimpleNamespace(), lambda snapshot: snapshot, _now, Counters()  # type: ignore[arg-type]
        )
        self.old, self.new = Sa(1), Sa(2)
        self.manager.register(self.old)
        reports = SimpleNamespace(clock=_now, report=lambda counter, *_: self.reports.update([counter]))
        endpoint = SimpleNamespace(decide=lambda *_: decision)
        self.handler = DatagramHandler(
            endpoint, self.manager, None, self.jobs, None, reports  # type: ignore[arg-type]
        )

    def run(self) -> None:
        while any(self.jobs.lengths()):
            job = self.jobs.take()
            assert job is not None
            job.execute()
            self.jobs.done(job)


def test_what_overtakes_the_making_of_its_ike_sa_is_received_by_it() -> None:
    table = Table(Await(1, b"local-02"))
    table.manager.post(1, lambda _: [Adopt(table.new)], Priority.MEDIUM, "response")  # type: ignore[arg-type]
    table.handler(REQUEST, table.jobs)
    table.run()
    assert (table.old.received, table.new.received) == ([], [REQUEST.data])
    assert not table.reports


def test_what_comes_before_the_response_that_makes_its_ike_sa_is_dropped_and_counted() -> None:
    table = Table(Await(1, b"local-02"))
    table.handler(REQUEST, table.jobs)
    table.run()
    assert table.old.received == []
    assert table.reports == {"unknown_spi": 1}
