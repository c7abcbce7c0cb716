"""The measurements. Runs of the two responders take turns, so that what disturbs one disturbs the other."""

import statistics
import time
from dataclasses import dataclass, field
from typing import Any

from loads import Load, Loader, Measured
from responders import Hosts, Responder
from rows import Row

STATUS_TIMES = 5
SETTLE_S = 0.3
"""After a load, until logs and timers have come to rest."""


@dataclass(frozen=True)
class Scale:
    """How much is measured: handshakes in each run, runs, SAs at which memory and growth are looked at."""

    count: int
    runs: int
    few: int
    many: int
    concurrency: int = 16


@dataclass
class Sheet:
    """What was measured, by measurement and responder; the values are those of single runs."""

    values: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def note(self, measurement: str, responder: str, value: float) -> None:
        """One value of one run."""
        self.values.setdefault(measurement, {}).setdefault(responder, []).append(value)

    def median(self, measurement: str, responder: str) -> float | None:
        """The median of its runs, ``None`` if there were none."""
        found = self.values.get(measurement, {}).get(responder)
        return statistics.median(found) if found else None

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return self.values


def handshakes(hosts: Hosts, row: Row, scale: Scale) -> Sheet:
    """Cost, rate and latency of one kind of handshake, and how long starting takes."""
    sheet, loader = Sheet(), Loader(hosts.loader)
    for responder in hosts.responders:
        responder.configure(row)
        sheet.note("start_s", responder.name, responder.start(hosts.loader, row))
    for run in range(scale.runs):
        for responder in hosts.responders[:: 1 if run % 2 else -1]:
            _one_run(sheet, loader, responder, row, scale)
    for responder in hosts.responders:
        responder.stop()
    return sheet


def _one_run(sheet: Sheet, loader: Loader, responder: Responder, row: Row, scale: Scale) -> None:
    time.sleep(SETTLE_S)
    with loader.loaded(responder, row, Load(scale.count, scale.concurrency)) as measured:
        _note_cpu(sheet, responder, measured, "")
        latency = measured.result["latency_s"]
        sheet.note("rate", responder.name, measured.result["rate"])
        sheet.note("busy_median_ms", responder.name, 1000 * latency["50"])
        sheet.note("busy_99_ms", responder.name, 1000 * latency["99"])
        sheet.note("loader_ms", responder.name, 1000 * measured.result["cpu_s"] / scale.count)
    time.sleep(SETTLE_S)
    with loader.loaded(responder, row, Load(max(10, scale.count // 4), 1)) as measured:
        latency = measured.result["latency_s"]
        sheet.note("single_median_ms", responder.name, 1000 * latency["50"])
        sheet.note("single_99_ms", responder.name, 1000 * latency["99"])


def growth(hosts: Hosts, row: Row, scale: Scale) -> Sheet:
    """Memory per SA, time of ``ipsec status``, and cost per handshake as SAs grow in number."""
    sheet, loader = Sheet(), Loader(hosts.loader)
    for responder in hosts.responders:
        responder.configure(row)
        responder.start(hosts.loader, row)
        with loader.loaded(responder, row, Load(max(10, scale.few // 20), scale.concurrency)):
            pass
        time.sleep(SETTLE_S)
        sheet.note("status_empty_ms", responder.name, 1000 * responder.status_s(STATUS_TIMES))
        _grow(sheet, loader, responder, row, scale)
        responder.stop()
    return sheet


def _grow(sheet: Sheet, loader: Loader, responder: Responder, row: Row, scale: Scale) -> None:
    empty, few, many = sum(responder.processes.resident().values()), scale.few, scale.many
    _note_cpu(sheet, responder, loader.left(responder, row, Load(few, scale.concurrency)), "first_")
    time.sleep(SETTLE_S)
    full = sum(responder.processes.resident().values())
    sheet.note("kib_per_sa_few", responder.name, (full - empty) / few / 1024)
    sheet.note("status_few_ms", responder.name, 1000 * responder.status_s(STATUS_TIMES))
    if many < 2 * few:
        return
    if many > 2 * few:
        loader.left(responder, row, Load(many - 2 * few, scale.concurrency, few))
    last = loader.left(responder, row, Load(few, scale.concurrency, many - few))
    _note_cpu(sheet, responder, last, "last_")
    time.sleep(SETTLE_S)
    full = sum(responder.processes.resident().values())
    sheet.note("kib_per_sa_many", responder.name, (full - empty) / many / 1024)


def _note_cpu(sheet: Sheet, responder: Responder, measured: Measured, prefix: str) -> None:
    each = measured.cpu_ms_each
    sheet.note(f"{prefix}cpu_ms", responder.name, sum(each.values()))
    for program, value in each.items():
        sheet.note(f"{prefix}cpu_{program}_ms", responder.name, value)
