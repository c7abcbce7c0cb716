"""The receivers: threads that read datagrams, and do themselves what there is to do for them."""

import threading
import time
from collections.abc import Callable

from cygnet.runtime.network.datagrams import Datagram, IkeSocket
from cygnet.runtime.queues.jobs import JobQueue, Jobs, OwnJobs
from cygnet.runtime.threads.named import NamedThread, Report
from cygnet.runtime.threads.pool import perform

RECEIVERS = 2
PATIENCE_S = 0.01
"""How long all receivers may be at work, and none finish, before another reads in their place."""

Handle = Callable[[Datagram, Jobs], None]
"""Says what there is to do for a datagram, and puts it there. Must not block; is called by one at a time."""


class Receivers:
    """``count`` threads that read ``socket`` and do what there is to do, and one that stands in for them.

    To hand every job to a thread of the pool costs a sixth of all that charon does for a handshake
    (docs/decisions/0014), so who has read a datagram does its job. If jobs keep all receivers for longer than
    :data:`PATIENCE_S`, the stand-in reads until one has finished, and passes jobs on to the pool: slow ones
    hold up nobody. An exception in ``handle`` or in a job costs one datagram.
    """

    def __init__(
        self, socket: IkeSocket, handle: Handle, jobs: JobQueue, report: Report, count: int = RECEIVERS
    ) -> None:
        self._socket = socket
        self._handle = handle
        self._jobs = jobs
        self._report = report
        self._lock = threading.Lock()
        self._reading = count
        self._finished = 0
        self._nobody_reads = threading.Event()
        names = [f"receiver-{number}" for number in range(1, count + 1)]
        self._stand_in = NamedThread("receiver-stand-in", self._stand_in_once, self._nobody_reads.set, report)
        self.threads = (
            *(NamedThread(name, self._receive_next, socket.wake, report) for name in names),
            self._stand_in,
        )

    def _receive_next(self) -> bool:
        datagram = self._socket.receive()
        if datagram is None:
            return True
        own = OwnJobs()
        with self._lock:
            self._handle(datagram, own)
            self._reading -= 1
            if not self._reading:
                self._nobody_reads.set()
        for job in own:
            perform(job, self._report)
        with self._lock:
            self._reading += 1
            self._finished += 1
        return True

    def _stand_in_once(self) -> bool:
        self._nobody_reads.wait()
        self._nobody_reads.clear()
        finished = self._finished
        time.sleep(PATIENCE_S)
        while self._finished == finished and not self._reading and not self._stand_in.stopping:
            datagram = self._socket.receive(PATIENCE_S)
            if datagram is not None:
                with self._lock:
                    self._handle(datagram, self._jobs)
        return True
