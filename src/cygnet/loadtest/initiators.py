"""The shell of a load test: IKE_SAs of a daemon's core, one thread, real sockets, real time.

What the daemon does with threads, queues and a manager is one loop here, since nothing waits.
"""

import itertools
import select
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from cygnet.base.addresses import Host
from cygnet.base.effects import Adopt, Announce, Effect, Retire, Schedule, Send
from cygnet.loadtest.options import NUMBER
from cygnet.loadtest.pace import Pace
from cygnet.loadtest.plan import Plan
from cygnet.loadtest.results import Result
from cygnet.loadtest.versions import Finished, Retransmit, Sa, Version
from cygnet.loadtest.wires import Wire
from cygnet.wire.header import FLAG_INITIATOR, HEADER_SIZE

IDLE_S = 0.2
"""The longest wait, so that a wish to stop is noticed."""
ENDING_AT_ONCE = 64
_NONE, _UP, _DOWN = 0, 1, 2  # tickets: which order is under way
_FLAGS_AT = 19

Stops = Callable[[], int]
"""How often the end was wished for: once to begin nothing more, twice to drop everything."""


@dataclass(slots=True, eq=False)
class Initiator:
    """One initiator's IKE_SA; ``began`` is when its handshake was due, ``ticket`` its order under way."""

    number: int
    sa: Sa
    wire: Wire
    began: float
    ticket: int = _UP
    gone: bool = False  # its end is no loss: it failed, or a rekeyed one took its place


@dataclass(frozen=True, slots=True)
class Setting:
    """What all initiators of a process share.

    Without ``delete_after_s`` SAs live to the end.
    """

    plan: Plan
    version: Version
    target: Host
    wires: Sequence[Wire]
    delete_after_s: float | None = None
    clock: Callable[[], float] = time.monotonic


class Initiators:
    """All initiators of one process, and what came of them (``result``)."""

    def __init__(self, setting: Setting) -> None:
        self.result = Result()
        self._setting = setting
        self._clock = setting.clock
        self._by_spi: dict[bytes, Initiator] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._ending: deque[Initiator] = deque()
        self._deleting = 0
        self._last = 0.0
        self._poll = select.poll()
        self._wires = {wire.fileno(): wire for wire in setting.wires}
        for descriptor in self._wires:
            self._poll.register(descriptor, select.POLLIN)

    # Phases

    def establish(self, numbers: Sequence[int], pace: Pace, stops: Stops) -> None:
        """Begin a handshake for each number and wait until all are over."""
        waiting, began = deque(numbers), self._clock()
        pace.start(began)
        while (waiting and not stops()) or (self.result.in_progress and stops() < 2):
            while waiting and (due := pace.due(self.result.in_progress, self._clock())) is not None:
                self._begin(waiting.popleft(), due)
            self._turn(pace.wait_s(self.result.in_progress, self._clock(), IDLE_S) if waiting else IDLE_S)
        self.result.busy_s = max(0.0, self._last - began)

    def hold(self, seconds: float, stops: Stops) -> None:
        """Keep the SAs for so long, and answer what the responder asks."""
        end = self._clock() + seconds
        while not stops() and (left := end - self._clock()) > 0:
            self._turn(min(left, IDLE_S))

    def delete(self, stops: Stops) -> None:
        """Delete what is still there, and wait for the answers."""
        self._ending.extend(one for one in self._by_spi.values() if one.ticket == _NONE)
        while (self._ending or self._deleting) and stops() < 2:
            self._turn(IDLE_S)

    # The loop

    def _turn(self, wait_s: float) -> None:
        """Do what is due, then what arrives within ``wait_s``."""
        now = self._clock()
        while self._timers and self._timers[0][0] <= now:
            heappop(self._timers)[2]()
        while self._ending and self._deleting < ENDING_AT_ONCE:
            self._end(self._ending.popleft())
        if self._timers:
            wait_s = min(wait_s, max(0.0, self._timers[0][0] - now))
        for descriptor, _ in self._poll.poll(wait_s * 1000):
            for data, source, destination in self._wires[descriptor].read():
                self._arrive(data, source, destination)

    def _arrive(self, data: bytes, source: Host, destination: Host) -> None:
        """The SPI that is ours tells whose it is (RFC 7296, 2.6, 3.1).

        IKEv1 has ours first in all messages, and no such flag.
        """
        if len(data) < HEADER_SIZE:
            return
        one = self._by_spi.get(data[8:16] if data[_FLAGS_AT] & FLAG_INITIATOR else data[:8])
        if one is not None:
            self._do(one, lambda now: one.sa.receive(data, source, destination, now))

    def _at(self, delay_s: float, action: Callable[[], None]) -> None:
        heappush(self._timers, (self._clock() + delay_s, next(self._order), action))

    # Beginning and ending

    def _begin(self, number: int, due: float) -> None:
        setting = self._setting
        wire = setting.wires[number % len(setting.wires)]
        one = Initiator(number, setting.version.make(number, wire, setting.target), wire, due)
        order = setting.version.initiate(number, _UP)
        self._by_spi[one.sa.spi_local] = one
        self.result.started += 1
        self._do(one, lambda now: one.sa.command(order, now))

    def _end(self, one: Initiator) -> None:
        if one.ticket == _NONE and one.sa.spi_local in self._by_spi:
            one.ticket = _DOWN
            self._deleting += 1
            order = self._setting.version.terminate(_DOWN)
            self._do(one, lambda now: one.sa.command(order, now))

    # Effects

    def _do(self, one: Initiator, work: Callable[[float], list[Effect]]) -> None:
        """Work on an IKE_SA and perform what it wants; what fails unforeseen ends that IKE_SA alone."""
        try:
            effects = work(self._clock())
        except Exception as error:
            self._failed(one, f"internal error: {error!r}")
            effects = one.sa.abandon(self._clock())
        for effect in effects:
            self._perform(one, effect)

    def _perform(self, one: Initiator, effect: Effect) -> None:
        match effect:
            case Send():
                self._send(one, effect)
            case Announce(outcome) if isinstance(outcome, Finished):
                self._finished(one, outcome)
            case Schedule(delay_s, timer):
                self._at(delay_s, lambda: self._expire(one, timer))
            case Adopt(sa):
                one.gone = True
                new = Initiator(one.number, sa, one.wire, one.began, _NONE)
                self._by_spi[sa.spi_local] = new
                self._do(new, sa.begin)
            case Retire(reason):
                self._retired(one, reason)

    def _send(self, one: Initiator, effect: Send) -> None:
        try:
            one.wire.send(effect.destination, effect.data)
        except OSError as error:
            self._failed(one, f"cannot send: {error.strerror}")

    def _expire(self, one: Initiator, timer: object) -> None:
        def work(now: float) -> list[Effect]:
            effects = one.sa.expire(timer, now)
            if isinstance(timer, Retransmit) and any(isinstance(effect, Send) for effect in effects):
                self.result.retransmits += 1
            return effects

        self._do(one, work)

    def _finished(self, one: Initiator, outcome: Finished) -> None:
        if outcome.ticket == _DOWN:
            self.result.deleted += outcome.ok
        elif not outcome.ok:
            self._failed(one, outcome.reason)
        elif one.ticket == _UP:
            one.ticket, self._last = _NONE, self._clock()
            self.result.established += 1
            self.result.latencies_s.append(self._last - one.began)
            if self._setting.delete_after_s is not None:
                self._at(self._setting.delete_after_s, lambda: self._ending.append(one))

    def _failed(self, one: Initiator, reason: str) -> None:
        """The handshake came to nothing, once; what there is of the IKE_SA goes."""
        if one.ticket == _UP:
            one.ticket = _NONE
            self.result.fail(self._anonymous(one, reason))
            one.gone = True
            self._ending.append(one)

    def _retired(self, one: Initiator, reason: str) -> None:
        self._by_spi.pop(one.sa.spi_local, None)
        self._failed(one, reason)
        if one.ticket == _DOWN:
            self._deleting -= 1
        elif not one.gone:
            self.result.lose(self._anonymous(one, reason))

    def _anonymous(self, one: Initiator, reason: str) -> str:
        """The reason without who it was and what it asked for, so that equal ones are counted together."""
        reason = reason.partition("; ")[0]
        identity = self._setting.plan.identity(one.number)
        return reason.replace(str(identity), NUMBER) if identity is not None else reason
