"""A ping that goes on while things happen, and what became of it."""

import re
import signal
import subprocess
from dataclasses import dataclass
from itertools import pairwise

from lab.hosts import Host

INTERVAL_S = 0.02


@dataclass(frozen=True)
class Outcome:
    """How many were sent and lost, and the longest time between two answers, seconds."""

    sent: int
    lost: int
    gap_s: float


class Pings:
    """Echo requests at 50 a second from one address to another, from now on."""

    def __init__(self, host: Host, source: str, target: str) -> None:
        self._log = host.folder / "log" / f"pings-to-{target.replace(':', '-')}.log"
        command = ["nsenter", f"--net=/proc/{host.pid}/ns/net", "--", "ping", "-D", "-n"]
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "-i", str(INTERVAL_S), "-W", "1", "-I", source, target],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=host.environment(),
            )  # fmt: skip

    def stop(self) -> Outcome:
        """End it, and count."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(5)
        text = self._log.read_text()
        times = [float(found) for found in re.findall(r"^\[([\d.]+)\] \d+ bytes from", text, re.M)]
        counts = re.search(r"(\d+) packets transmitted, (\d+) received", text)
        assert counts is not None, text[-500:]
        sent, received = map(int, counts.groups())
        gaps = [later - earlier for earlier, later in pairwise(times)]
        return Outcome(sent, sent - received, max(gaps, default=float("inf")))
