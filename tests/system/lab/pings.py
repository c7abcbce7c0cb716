"""Pings that go on while something else happens, and what became of them."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from types import TracebackType
from typing import NamedTuple, Self

from lab.hosts import Host, until
from lab.tunnels import End

ANSWER = re.compile(r"^\[([\d.]+)\] \d+ bytes from .*icmp_seq=(\d+)", re.M)


class Answer(NamedTuple):
    """Which ping, and when its answer came, seconds since 1970."""

    time: float
    number: int


class Pings:
    """A hundred echo requests a second from one address to another, inside the block."""

    def __init__(self, host: Host, source: str, target: str, interval_s: float = 0.01) -> None:
        self._host = host
        self._log = host.folder / "log" / f"pings-to-{target.replace(':', '-')}.log"
        self._command = ["ping", "-D", "-n", "-W", "1", "-i", str(interval_s), "-I", source, target]

    def __enter__(self) -> Self:
        enter = ["nsenter", f"--net=/proc/{self._host.pid}/ns/net", "--"]
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [*enter, *self._command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._host.environment(),
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(5)
        finally:
            self._process.kill()
            self._process.wait(5)

    def answers(self) -> list[Answer]:
        """What has come so far, in the order it came."""
        return [Answer(float(time), int(number)) for time, number in ANSWER.findall(self._log.read_text())]

    @property
    def sent(self) -> int:
        """How many pings went out before the last one that was answered, and that one.

        What came after may have been under way at the end.
        """
        return max((answer.number for answer in self.answers()), default=0)

    @property
    def lost(self) -> list[int]:
        """The numbers of those among ``sent`` that nobody answered."""
        return sorted(set(range(1, self.sent + 1)) - {answer.number for answer in self.answers()})

    @property
    def gap_s(self) -> float:
        """The longest time without an answer, seconds, between two that came."""
        return max(later.time - earlier.time for earlier, later in pairwise(self.answers()))

    def go_on(self) -> None:
        """Waits until pings that leave from now on are answered."""
        last = self.sent
        until(lambda: self.sent > last + 10, f"answers to pings after {last}")


@contextmanager
def no_ping_lost(one: End, other: End, at_least: int = 10) -> Iterator[None]:
    """Pings both ways from entering the block to leaving it, each of which must be answered.

    ``at_least`` so many must go each way, lest the block ended before anything could be lost. A failure tells
    what the hosts themselves say of packets that they dropped.
    """
    hosts = one.host, other.host
    there = Pings(one.host, one.inside, other.inside)
    back = Pings(other.host, other.inside, one.inside)
    with there, back:
        yield
        for pings in (there, back):
            pings.go_on()
    for pings, end in ((there, one), (back, other)):
        what = f"of {pings.sent} pings from {end.host.name} nobody answered {pings.lost}"
        assert not pings.lost, "\n".join([what, *(f"{host.name}: {host.dropped()}" for host in hosts)])
        assert pings.sent >= at_least, f"only {pings.sent} pings from {end.host.name} were answered"
