"""Counted pings that run while something else happens."""

import re
import subprocess
from types import TracebackType

from lab.hosts import Host


class CountedPings:
    """A hundred pings a second and way, from entering the block to leaving it; each must be answered."""

    def __init__(self, one: Host, source: str, other: Host, target: str, interval_s: float = 0.01) -> None:
        self.sent = self.lost = 0
        self._interval_s = interval_s
        self._ways = ((one, source, target), (other, target, source))
        self._running: list[subprocess.Popen[str]] = []

    def __enter__(self) -> "CountedPings":
        for host, source, target in self._ways:
            command = ["nsenter", f"--net=/proc/{host.pid}/ns/net", "--", "ping", "-n", "-W", "1"]
            command += ["-i", str(self._interval_s), "-I", source, target]
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=host.environment()
            )
            self._running.append(process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._running:
            process.send_signal(2)
            printed, _ = process.communicate(timeout=10)
            answered = {int(number) for number in re.findall(r"bytes from .* icmp_seq=(\d+)", printed)}
            assert answered, printed
            self.sent += max(answered)  # what came after may have been under way when the signal came
            self.lost += max(answered) - len(answered)
