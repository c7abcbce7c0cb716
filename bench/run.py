"""``make bench``: drives Cygnet and Debian's strongSwan as responders, in turn, with the same load; then
measures what tunnels between two of a kind carry: one, 1,000 at a time, and beside handshakes.

Hosts are namespaces (tests/system/lab); both responders run with user-space ESP and log at level 1. Results:
a table on standard output, ``results.json`` with every single value, and ``results.svg``.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "tests/system")]

import plot
import report
from busy import busy
from crowd import crowd
from lab.gateways import peer_missing
from lab.hosts import can_make_hosts, can_make_tun
from measurements import Scale, Sheet, growth, handshakes
from responders import KINDS, Hosts
from rows import ROWS, Row
from throughput import Extent, throughput

FULL = Scale(count=1000, runs=5, few=1000, many=10_000)
QUICK = Scale(count=200, runs=3, few=200, many=400)
QUICK_EXTENT = Extent(seconds=1.5)
GROWN = ("psk", "ecdsa")
"""Rows whose memory and growth are measured: with a secret and with certificates."""


PARTS = ("handshakes", "throughput", "crowd", "busy")
CROWD, QUICK_CROWD = 1000, 50
"""SAs that carry traffic at the same time."""


def main() -> int:
    """Exit status: 0 measured, 1 cannot be measured here."""
    options = _options()
    suites = {"" if row.version == 2 else "trixie" for row in ROWS if row.name in options.rows}
    peers = map(peer_missing, suites) if "strongswan" in options.responders else ()
    peer = next(filter(None, peers), "")
    if problem := can_make_hosts() or can_make_tun() or peer:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    scale, rows = _scale(options), tuple(row for row in ROWS if row.name in options.rows)
    began = time.monotonic()
    sheets, grown = _measure(options, rows, scale) if "handshakes" in options.parts else ({}, {})
    carried = _carried(options)
    if sheets:
        print("\n".join(report.table(rows, sheets, grown, scale)))
    for part, sheet in carried.items():
        print("\n".join(_table(part, sheet, _crowd(options))))
    options.out.mkdir(parents=True, exist_ok=True)
    _write_json(options.out / "results.json", scale, rows if sheets else (), sheets, grown, carried)
    shown = plot.missing() if sheets else "no plot of throughput"
    if not shown:
        plot.draw(rows, sheets, grown, scale, options.out / "results.svg")
        shown = f"{options.out}/results.svg"
    print(f"\n{time.monotonic() - began:.0f} s; {options.out}/results.json, {shown}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("bench", description=__doc__, allow_abbrev=False)
    names = [row.name for row in ROWS]
    parser.add_argument("--quick", action="store_true", help="under two minutes, coarse")
    parser.add_argument("--rows", nargs="+", choices=names, default=names)
    parser.add_argument("--responders", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seconds", type=float, help="of each run of throughput")
    parser.add_argument("--count", type=int, help="handshakes in each run")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--few", type=int, help="SAs for memory and time of status")
    parser.add_argument("--many", type=int, help="SAs for growth; less than twice --few: none")
    parser.add_argument("--crowd", type=int, help="SAs that carry traffic at the same time")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    return parser.parse_args()


def _scale(options: argparse.Namespace) -> Scale:
    base = QUICK if options.quick else FULL
    return Scale(
        options.count or base.count, options.runs or base.runs, options.few or base.few,
        base.many if options.many is None else options.many,
    )  # fmt: skip


def _measure(
    options: argparse.Namespace, rows: tuple[Row, ...], scale: Scale
) -> tuple[dict[str, Sheet | str], dict[str, Sheet]]:
    sheets: dict[str, Sheet | str] = {}
    grown: dict[str, Sheet] = {}
    for version in sorted({row.version for row in rows}, reverse=True):
        wanted = [row for row in rows if row.version == version]
        with _hosts(options, version) as hosts:
            for row in wanted:
                print(f"measuring {row.title}", file=sys.stderr, flush=True)
                sheets[row.name] = row.unsupported or handshakes(hosts, row, scale)
                if row.name in GROWN and not row.unsupported:
                    grown[row.name] = growth(hosts, row, scale)
    return sheets, grown


@contextmanager
def _hosts(options: argparse.Namespace, version: int) -> Iterator[Hosts]:
    with tempfile.TemporaryDirectory(prefix="cygnet-bench-") as folder:
        hosts = Hosts(Path(folder), tuple(options.responders), version)
        try:
            yield hosts
        finally:
            hosts.close()


def _carried(options: argparse.Namespace) -> dict[str, Sheet]:
    """What tunnels carry, by part."""
    base = QUICK_EXTENT if options.quick else Extent()
    extent = Extent(options.runs or base.runs, options.seconds or base.seconds)
    kinds = tuple(options.responders)
    measures: dict[str, Callable[[Path], Sheet]] = {
        "throughput": lambda folder: throughput(folder, kinds, extent),
        "crowd": lambda folder: crowd(folder, kinds, extent, _crowd(options)),
        "busy": lambda folder: busy(folder, kinds, extent),
    }
    found = {}
    for part, measure in measures.items():
        if part in options.parts:
            print(f"measuring {part}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory(prefix="cygnet-bench-") as folder:
                found[part] = measure(Path(folder))
    return found


def _crowd(options: argparse.Namespace) -> int:
    return options.crowd or (QUICK_CROWD if options.quick else CROWD)


def _table(part: str, sheet: Sheet, count: int) -> Iterator[str]:
    if part == "crowd":
        return report.crowd_table(sheet, count)
    return report.busy_table(sheet) if part == "busy" else report.throughput_table(sheet)


def _write_json(
    path: Path, scale: Scale, rows: tuple[Row, ...], sheets: report.Sheets, grown: dict[str, Sheet],
    carried: dict[str, Sheet],
) -> None:  # fmt: skip
    results: dict[str, Any] = {
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "kernel": platform.release(),
                    "python": platform.python_version()},
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "scale": vars(scale),
        "rows": {},
    }  # fmt: skip
    for row in rows:
        sheet = sheets[row.name]
        entry: dict[str, Any] = {"title": row.title, "ike": row.ike, "esp": row.esp, "auth": row.auth}
        entry |= {"unsupported": sheet} if isinstance(sheet, str) else {"handshakes": sheet.plain()}
        if row.name in grown:
            entry["growth"] = grown[row.name].plain()
        results["rows"][row.name] = entry
    results |= {part: sheet.plain() for part, sheet in carried.items()}
    path.write_text(json.dumps(results, indent=1) + "\n")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")


if __name__ == "__main__":
    sys.exit(main())
