"""Names of hosts, resolved with a cache and a deadline, so that a dead name server holds up nobody else."""

import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from ipaddress import ip_address
from time import monotonic

from cygnet.base.addresses import Address

THREADS = 3
LIFETIME_S = 60.0
FAILURE_LIFETIME_S = 5.0
NAMES = 10_000
WAITING = 1000


def system_lookup(name: str) -> tuple[Address, ...]:
    """All addresses of a name as the system resolves it, IPv4 first; none if it is unknown."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return ()
    texts = dict.fromkeys(str(row[4][0]).partition("%")[0] for row in found)
    return tuple(sorted(map(ip_address, texts), key=lambda address: address.version))


class Resolver:
    """Looks names up on a few threads of its own; an answer is kept for a minute.

    An expired answer is still given by :meth:`cached`, which then has it looked up again. A failure does
    not replace an older answer, and is tried again after a few seconds.
    """

    def __init__(
        self,
        lookup: Callable[[str], tuple[Address, ...]] = system_lookup,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._lookup = lookup
        self._now = now
        self._pool = ThreadPoolExecutor(THREADS, "resolver")
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, tuple[Address, ...]]] = {}
        self._asked: dict[str, Future[tuple[Address, ...]]] = {}

    def cached(self, name: str) -> tuple[Address, ...]:
        """What is known of ``name`` without waiting."""
        address = _literal(name)
        if address is not None:
            return (address,)
        at, addresses = self._known.get(name, (-LIFETIME_S, ()))
        if self._now() - at >= LIFETIME_S:
            self._ask(name)
        return addresses

    def resolve(self, name: str, deadline_s: float = 2.0) -> tuple[Address, ...]:
        """The addresses of ``name``, waiting at most ``deadline_s`` for an answer; then what was known."""
        address = _literal(name)
        if address is not None:
            return (address,)
        at, addresses = self._known.get(name, (-LIFETIME_S, ()))
        if self._now() - at < LIFETIME_S:
            return addresses
        asked = self._ask(name)
        try:
            return asked.result(deadline_s) if asked else addresses
        except TimeoutError:
            return addresses

    def close(self) -> None:
        """Answer no more; lookups under way are left to end by themselves."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, name: str) -> Future[tuple[Address, ...]] | None:
        with self._lock:
            if name in self._asked:
                return self._asked[name]
            if len(self._asked) >= WAITING:
                return None
            try:
                asked = self._asked[name] = self._pool.submit(self._lookup, name)
            except RuntimeError:  # closed
                return None
        asked.add_done_callback(lambda future: self._learn(name, future))
        return asked

    def _learn(self, name: str, future: Future[tuple[Address, ...]]) -> None:
        with self._lock:
            self._asked.pop(name, None)
            if future.cancelled() or future.exception() is not None:
                return
            _, older = self._known.pop(name, (0.0, ()))
            failed_s = 0 if future.result() else LIFETIME_S - FAILURE_LIFETIME_S
            self._known[name] = (self._now() - failed_s, future.result() or older)
            while len(self._known) > NAMES:
                del self._known[next(iter(self._known))]


def _literal(name: str) -> Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None
