"""The thread pool: workers that take jobs in order of priority."""

from dataclasses import dataclass

from cygnet.runtime.queues.jobs import Job, JobQueue
from cygnet.runtime.threads.named import NamedThread, Report, stop_all


@dataclass(frozen=True, slots=True)
class PoolStatistics:
    """What ``statusall`` says about the pool; tuples are critical, high, medium, low."""

    total: int
    idle: int
    working: tuple[int, ...]
    waiting: tuple[int, ...]

    def describe(self, scheduled: int) -> str:
        """``worker threads: …`` in strongSwan's words, for ``scheduled`` events waiting."""
        return (f"worker threads: {self.idle} of {self.total} idle, {_slashes(self.working)} working, "
                f"job queue: {_slashes(self.waiting)}, scheduled: {scheduled}")


class Pool:
    """As many workers as ``jobs`` was made for. A worker survives any exception of a job."""

    def __init__(self, jobs: JobQueue, report: Report) -> None:
        self._jobs = jobs
        self._report = report
        self._workers = [NamedThread(f"worker-{number:02}", self._work, self._close, report)
                         for number in range(1, jobs.threads + 1)]

    def start(self) -> None:
        """Start all workers."""
        for worker in self._workers:
            worker.start()

    def stop(self, deadline_s: float = 1.0) -> bool:
        """Forget what waits, let running jobs end; False if one takes longer than ``deadline_s``."""
        self._close()
        return stop_all(self._workers, deadline_s)

    def statistics(self) -> PoolStatistics:
        """What the pool is doing now."""
        total, working = self._jobs.threads, self._jobs.working()
        return PoolStatistics(total, total - sum(working), working, self._jobs.lengths())

    def _work(self) -> bool:
        job = self._jobs.take()
        if job is None:
            return False
        perform(job, self._report)
        self._jobs.done(job)
        return True

    def _close(self) -> None:
        self._jobs.close()


def perform(job: Job, report: Report) -> None:
    """Do it; an exception is reported."""
    try:
        job.execute()
    except Exception as error:
        report(f"job '{job.name}'", error)


def _slashes(numbers: tuple[int, ...]) -> str:
    return "/".join(map(str, numbers))
