"""Certificates that peers showed us and that were found good (``cert_cache``): for lists and exports."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator

from cygnet.cert.certificates import Certificate

LIMIT = 1000


class SeenCertificates:
    """The last ``limit`` of them; nothing is trusted for being here. Safe for any thread."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._found: OrderedDict[Certificate, None] = OrderedDict()

    def add(self, certificates: Iterable[Certificate]) -> None:
        """Remember these; the ones seen longest ago make room."""
        with self._lock:
            for one in certificates:
                self._found[one] = None
                self._found.move_to_end(one)
            while len(self._found) > self._limit:
                self._found.popitem(last=False)

    def __iter__(self) -> Iterator[Certificate]:
        with self._lock:
            return iter(tuple(self._found))

    def __len__(self) -> int:
        return len(self._found)

    def clear(self) -> None:
        """Forget all (``purgecerts``)."""
        with self._lock:
            self._found.clear()
