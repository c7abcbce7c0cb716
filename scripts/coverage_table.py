"""Prints the coverage of each pure package and fails when one is below its threshold.

Reads the data file that ``coverage run`` left in the working folder.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

PURE = {
    "base": 90,
    "wire": 90,
    "crypto": 90,
    "cert": 85,
    "conf": 90,
    "ctl": 90,
    "esp": 90,
    "kernel/port.py": 90,
    "charon/encoding": 90,
    "charon/config": 85,
    "charon/sa": 85,
}
"""Lowest share (percent of lines and branches) that each pure package may fall to."""


def main() -> int:
    files = measured()
    low = 0
    print(f"{'pure package':<18} {'covered':>8} {'of':>7} {'share':>8} {'floor':>6}")
    for package, floor in PURE.items():
        covered, total = sums(files, package)
        share = 100.0 * covered / total if total else 100.0
        low += share < floor
        verdict = "  TOO LOW" if share < floor else ""
        print(f"{package:<18} {covered:>8} {total:>7} {share:>7.1f}% {floor:>5}%{verdict}")
    return 1 if low else 0


def measured() -> dict[str, dict[str, int]]:
    """The summary of each file below src/cygnet, by its path there."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "coverage.json")
        subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", report], check=True)
        data = json.loads(report.read_text())
    return {path.partition("src/cygnet/")[2]: entry["summary"] for path, entry in data["files"].items()}


def sums(files: dict[str, dict[str, int]], package: str) -> tuple[int, int]:
    """Lines and branches that were reached, and all of them."""
    chosen = [s for path, s in files.items() if path == package or path.startswith(package + "/")]
    covered = sum(s["covered_lines"] + s["covered_branches"] for s in chosen)
    return covered, sum(s["num_statements"] + s["num_branches"] for s in chosen)


if __name__ == "__main__":
    sys.exit(main())
