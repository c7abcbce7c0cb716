"""What the daemon holds, for ``stroke memusage``: read off, never counted by walking over objects."""

import gc
import os
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

Rows = list[tuple[str, str]]
Sizes = Mapping[str, Callable[[], int]]

STATUS = {
    "VmRSS": "resident set, KiB",
    "VmHWM": "resident set at most, KiB",
    "VmData": "data segment, KiB",
}
"""Lines of ``/proc/self/status``."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """Sections of labelled figures; ``tables``, ``queues`` and ``counters`` are asked at the moment."""

    tables: Sizes
    queues: Callable[[], Mapping[str, int]]
    counters: Callable[[], Mapping[str, int]]

    def memory(self) -> Iterator[tuple[str, Rows]]:
        """Captions, each with its rows."""
        yield "Process", process()
        yield "Python", python()
        yield "Tables (entries)", [(label, str(size())) for label, size in self.tables.items()]
        yield "Queues (waiting)", _rows(self.queues())
        yield "Counters (dropped, refused, ignored)", _rows(self.counters())


def process() -> Rows:
    """What the system says of this process."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        descriptors = len(os.listdir("/proc/self/fd"))
    except OSError:
        return [("threads", str(threading.active_count()))]
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    rows = [(label, values.get(key, "?").split()[0]) for key, label in STATUS.items()]
    return [*rows, ("open descriptors", str(descriptors)), ("threads", str(threading.active_count()))]


def python() -> Rows:
    """What the interpreter says of its memory. Where each block came from is known with tracemalloc only."""
    collected = [generation["collections"] for generation in gc.get_stats()]
    rows = [
        ("allocated blocks", str(sys.getallocatedblocks())),
        ("collections, young to old", "/".join(map(str, collected))),
        ("uncollectable objects", str(sum(one["uncollectable"] for one in gc.get_stats()))),
    ]
    if tracemalloc.is_tracing():
        now, most = tracemalloc.get_traced_memory()
        return [*rows, ("traced octets", str(now)), ("traced octets at most", str(most))]
    return [*rows, ("tracemalloc", "off")]


def _rows(values: Mapping[str, int]) -> Rows:
    return [(label, str(value)) for label, value in values.items()]
