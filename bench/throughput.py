"""What a tunnel carries, and what that costs: two hosts of one kind, user-space ESP at both ends.

Runs of the kinds take turns, so that what disturbs one disturbs the others.
"""

import ast
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from buffers import enlarge
from lab.hosts import Host
from lab.topology import Lab
from lab.tunnels import End, bring_up, configure
from measurements import SETTLE_S, Sheet
from processes import Processes
from responders import KINDS

STREAMS = str(Path(__file__).parent / "streams.py")
BUFFERS = 8 << 20
"""What espd asks for."""
IKE, ESP = "aes128gcm16-prfsha256-x25519!", "aes128gcm16!"
SIZES = (64, 1372)
"""Octets of the IP packets whose cost is measured, each sent alone."""
RATES = (2000, 20_000)
"""Packets per second: so few that both ends sleep between them, and so many that several wait at a time."""
HEADERS = 28
"""IPv4 and UDP."""


@dataclass(frozen=True)
class Extent:
    """How much is measured: runs, seconds of each."""

    runs: int = 3
    seconds: float = 5.0


@dataclass(frozen=True)
class Subject:
    """``enlarged``: its sockets get buffers like espd's."""

    name: str
    kind: str
    enlarged: bool = False


SUBJECTS = (
    Subject("cygnet", "cygnet"),
    Subject("strongswan", "strongswan"),
    Subject("strongswan_buffers", "strongswan", enlarged=True),
)


class Tunnel:
    """Two hosts with a tunnel that is up."""

    def __init__(
        self, folder: Path, subject: Subject, establish: Callable[[End, End], None] | None = None
    ) -> None:
        """``establish`` makes it; without, there is one, between the networks behind."""
        self.name = subject.name
        self._lab = Lab(folder)
        try:
            self.ends: tuple[End, End] = self._lab.pair(f"{subject.kind}-{subject.kind}")
            for end in self.ends:
                end.host.settings("kernel = userland")
            (establish or one_tunnel)(*self.ends)
            self._processes = [Processes(end.host.pid) for end in self.ends]
            for processes in self._processes:
                processes.find(KINDS[subject.kind][2][1])
                if subject.enlarged:
                    for pid in processes.ids():
                        enlarge(pid, BUFFERS)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Both hosts end."""
        self._lab.close()

    def cpu_s(self) -> float:
        """Seconds of both ends so far."""
        return sum(sum(processes.cpu_s().values()) for processes in self._processes)


def one_tunnel(near: End, far: End) -> None:
    """Configure it and bring it up."""
    configure(near, far, esp=ESP, forceencaps="yes", ike=IKE)
    bring_up(near, far)


def throughput(folder: Path, kinds: tuple[str, ...], extent: Extent) -> Sheet:
    """TCP one way, then single packets."""
    sheet, tunnels = Sheet(), list[Tunnel]()
    try:
        for subject in SUBJECTS:
            if subject.kind in kinds:
                tunnels.append(Tunnel(folder / subject.name, subject))
        for run in range(extent.runs):
            for tunnel in tunnels[:: 1 if run % 2 else -1]:
                stream(sheet, tunnel, extent)
                for size, rate in product(SIZES, RATES):
                    packets(sheet, tunnel, (size, rate), extent)
    finally:
        for tunnel in tunnels:
            tunnel.close()
    return sheet


def stream(sheet: Sheet, tunnel: Tunnel, extent: Extent) -> None:
    """TCP as fast as it goes."""
    near, far = tunnel.ends
    time.sleep(SETTLE_S)
    with Taker(far.host, "take", far.inside) as taker:
        before = tunnel.cpu_s()
        near.host.net(sys.executable, STREAMS, "give", near.inside, far.inside, str(extent.seconds))
        octets, seconds = taker.result()
        spent = tunnel.cpu_s() - before
    sheet.note("mbit_s", tunnel.name, octets * 8 / seconds / 1e6)
    sheet.note("cpu_s_per_gb", tunnel.name, spent / 2 / (octets / 1e9))


def packets(
    sheet: Sheet, tunnel: Tunnel, load: tuple[int, int], extent: Extent, targets: tuple[str, int] = ("", 1)
) -> None:
    """UDP, each packet sent alone: of a size, at a rate, to so many addresses from the first on."""
    near, far = tunnel.ends
    first, many = targets[0] or far.inside, targets[1]
    size, rate = load
    time.sleep(SETTLE_S)
    what = [str(size - HEADERS), str(rate), str(extent.seconds)]
    with Taker(far.host, "count", far.inside if many == 1 else "0.0.0.0") as taker:
        before = tunnel.cpu_s()
        poured = near.host.net(sys.executable, STREAMS, "pour", near.inside, first, *what, str(many))
        sent, (arrived, _) = float(poured.stdout), taker.result()
        spent = tunnel.cpu_s() - before
    sheet.note(f"packet_{size}_{rate}_us", tunnel.name, 1e6 * spent / max(arrived, 1))
    sheet.note(f"packet_{size}_{rate}_lost", tunnel.name, 100 * (sent - arrived) / sent)


class Taker:
    """The receiving end, which is there before anything is sent. The program is this machine's."""

    def __init__(self, host: Host, *what: str) -> None:
        enter = ["nsenter", f"--net=/proc/{host.pid}/ns/net", "--", sys.executable, STREAMS]
        self._process = subprocess.Popen([*enter, *what], stdout=subprocess.PIPE, text=True)
        self._told = self._process.stdout

    def __enter__(self) -> "Taker":
        if self._line() != "ready":
            raise RuntimeError("the receiving end does not listen")
        return self

    def __exit__(self, *details: object) -> None:
        self._process.kill()
        self._process.wait()

    def result(self) -> tuple[float, float]:
        """What it has counted."""
        amount, seconds = ast.literal_eval(self._line())
        return float(amount), float(seconds)

    def _line(self) -> str:
        assert self._told is not None
        return self._told.readline().strip()
