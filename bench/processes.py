"""What the processes of one host use, from /proc of this machine."""

import os
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Processes:
    """The processes of a network namespace that serve handshakes, by program: charon, espd."""

    def __init__(self, holder: int) -> None:
        self._namespace = _namespace(Path("/proc", str(holder)))
        self._found: dict[str, Path] = {}

    def find(self, names: tuple[str, ...]) -> None:
        """Look for the programs of these names; raises ``RuntimeError`` if one is missing."""
        self._found = {}
        for place in Path("/proc").glob("[0-9]*"):
            name = _program(place)
            if name in names and _namespace(place) == self._namespace:
                self._found[name] = place
        if set(self._found) != set(names):
            raise RuntimeError(f"found {sorted(self._found)} running, not {sorted(names)}")

    def cpu_s(self) -> dict[str, float]:
        """User and system time so far, by program."""
        return {name: _cpu_s(place) for name, place in self._found.items()}

    def ids(self) -> list[int]:
        """Their process ids."""
        return [int(place.name) for place in self._found.values()]

    def resident(self) -> dict[str, int]:
        """Octets of memory that are resident, by program."""
        return {name: _resident(place) for name, place in self._found.items()}


def _namespace(place: Path) -> str:
    try:
        return os.readlink(place / "ns/net")
    except OSError:
        return ""


def _program(place: Path) -> str:
    """``charon`` of ``/usr/lib/ipsec/charon --use-syslog`` and of ``python -P -m cygnet.charon.main``."""
    try:
        words = (place / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    modules = [word.split(".")[1] for word in words if word.startswith("cygnet.") and word.endswith(".main")]
    return modules[0] if modules else Path(words[0]).name


def _cpu_s(place: Path) -> float:
    fields = (place / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def _resident(place: Path) -> int:
    line = next(line for line in (place / "status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024
