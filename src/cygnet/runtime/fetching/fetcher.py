"""One fetcher for all: deadlines, few at a time, each URI once, and failures remembered for a while."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from urllib.parse import unquote

from cygnet.cert.revocation import FetchError
from cygnet.runtime.fetching import http, ldap
from cygnet.runtime.fetching.request import Deadline, Request, UnreachableError

MAX_FAILURES = 1000


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """``concurrent`` fetches run at a time; a failed one is not tried again for ``failure_s``."""

    timeout_s: float = 10.0
    concurrent: int = 8
    failure_s: float = 30.0
    redirects: int = http.MAX_REDIRECTS


class Fetcher:
    """Gets octets from ``http``, ``https``, ``ldap``, ``ldaps`` and ``file`` URIs. For all threads.

    Each fetch has a thread of its own, since looking up a name cannot be given a deadline: whoever waits
    leaves in time, the thread ends by itself. What is being fetched already is waited for, not fetched again.
    """

    def __init__(self, limits: FetchLimits, now: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._now = limits, now
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(limits.concurrent)
        self._running: dict[Request, Future[bytes]] = {}
        self._failed: dict[str, tuple[float, str]] = {}

    def fetch(self, request: Request, deadline: Deadline | None = None) -> bytes:
        """What is behind a URI; raises :class:`FetchError`, in time."""
        deadline = deadline or Deadline.after(self._limits.timeout_s)
        future = self._running_or_refused(request) or self._start(request, deadline)
        try:
            return future.result(deadline.left())
        except TimeoutError:
            error = deadline.passed()
            self._remember(request, error)
            raise error from None

    def forget_failures(self) -> None:
        """Try again whatever failed."""
        with self._lock:
            self._failed.clear()

    def _running_or_refused(self, request: Request) -> "Future[bytes] | None":
        """The fetch that is under way already; raises for what failed a moment ago."""
        with self._lock:
            for key in (request.uri, request.server):
                at, reason = self._failed.get(key, (0.0, ""))
                if reason and self._now() - at < self._limits.failure_s:
                    later = f"not tried again for {self._limits.failure_s:g} seconds"
                    raise FetchError(f"{reason} ({later})")
            return self._running.get(request)

    def _start(self, request: Request, deadline: Deadline) -> "Future[bytes]":
        if not self._slots.acquire(timeout=deadline.left()):
            raise FetchError(f"{self._limits.concurrent} fetches are under way already")
        future: Future[bytes] = Future()
        with self._lock:
            running = self._running.setdefault(request, future)
        if running is not future:
            self._slots.release()
            return running
        work = threading.Thread(
            target=self._work, args=(request, deadline, future), name="fetch", daemon=True
        )
        work.start()
        return future

    def _work(self, request: Request, deadline: Deadline, future: "Future[bytes]") -> None:
        octets, failure = b"", None
        try:
            octets = self._dispatch(request, deadline)
        except FetchError as error:
            failure = error
        except Exception as error:  # whatever a server provokes ends this fetch only
            failure = FetchError(f"{type(error).__name__}: {str(error)[:80]}")
        if failure is not None:
            self._remember(request, failure)
        with self._lock:
            self._running.pop(request, None)
        self._slots.release()
        if failure is not None:
            future.set_exception(failure)
        else:
            future.set_result(octets)

    def _dispatch(self, request: Request, deadline: Deadline) -> bytes:
        scheme = request.split().scheme.lower()
        if scheme in http.SCHEMES:
            return http.fetch(request, deadline, self._limits.redirects)
        if scheme in ldap.SCHEMES:
            return ldap.fetch(request, deadline)
        if scheme == "file":
            return read_file(request)
        raise FetchError(f"nothing here fetches '{scheme}:' URIs, only http, https, ldap, ldaps and file")

    def _remember(self, request: Request, error: FetchError) -> None:
        """A server that does not answer is left alone as a whole, else it is the one URI."""
        key = request.server if isinstance(error, UnreachableError) else request.uri
        with self._lock:
            while len(self._failed) >= MAX_FAILURES:
                del self._failed[next(iter(self._failed))]
            self._failed[key] = (self._now(), str(error))


def read_file(request: Request) -> bytes:
    """A ``file:`` URI: a regular file of this host."""
    parts = request.split()
    if parts.netloc not in ("", "localhost"):
        raise FetchError(f"a file of another host ('{parts.netloc}')")
    path = Path(unquote(parts.path))
    try:
        if not S_ISREG(path.stat().st_mode):
            raise FetchError(f"'{path}' is not a file")
        with path.open("rb") as file:
            octets = file.read(request.max_octets + 1)
    except OSError as error:
        raise FetchError(error.strerror or str(error)) from None
    if len(octets) > request.max_octets:
        raise FetchError(f"'{path}' is longer than {request.max_octets} octets")
    return octets
