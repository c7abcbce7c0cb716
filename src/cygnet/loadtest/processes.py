"""Several processes that share one load test: each has its initiators, its sockets, its part of the rate."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from cygnet.base.addresses import Host
from cygnet.base.errors import LocalError
from cygnet.kernel.backends.host import source_address
from cygnet.loadtest.initiators import Initiators, Setting
from cygnet.loadtest.options import Options
from cygnet.loadtest.pace import Pace
from cygnet.loadtest.plan import Files, Plan
from cygnet.loadtest.ports import DiscardKernel, Numbers
from cygnet.loadtest.results import Result, latencies
from cygnet.loadtest.versions import Ikev1, Ikev2, reused_pair
from cygnet.loadtest.wires import Wire
from cygnet.runtime import collecting

PROGRESS_S = 0.5
PREPARE_S = 3600.0
"""The longest that preparations (certificates) may take."""


class Stage(StrEnum):
    """What a process tells of, in this order."""

    READY = "ready"
    PROGRESS = "progress"
    ESTABLISHED = "established"
    ENDED = "ended"


Report = tuple[Stage, Result | str]


class Crew:
    """The processes. ``reports`` is to be read to its end; :meth:`stop` may be called by a signal handler."""

    def __init__(self, options: Options, files: Files) -> None:
        context = multiprocessing.get_context("fork")
        self._members: dict[Connection, BaseProcess] = {}
        for share in range(options.processes):
            ours, theirs = context.Pipe()
            member = context.Process(target=_work, args=(options, files, share, theirs), daemon=True)
            member.start()
            theirs.close()
            self._members[ours] = member

    def reports(self) -> Iterator[tuple[int, Stage, Result]]:
        """Which process tells what; raises :class:`LocalError` when one fails. They begin together."""
        numbers = {pipe: number for number, pipe in enumerate(self._members)}
        ready, left = set[Connection](), set(self._members)
        while left:
            for pipe in wait(list(left), PREPARE_S):
                assert isinstance(pipe, Connection)
                stage, result = _receive(pipe)
                if stage is Stage.READY:
                    ready.add(pipe)
                    if len(ready) == len(self._members):
                        for other in self._members:
                            other.send(None)
                else:
                    yield numbers[pipe], stage, result
                if stage is Stage.ENDED:
                    left.discard(pipe)

    def stop(self) -> None:
        """Begin nothing more and come to the end; the second time, drop everything."""
        for member in self._members.values():
            if member.pid is not None and member.is_alive():
                os.kill(member.pid, signal.SIGTERM)

    def close(self) -> None:
        """End what still runs."""
        for pipe, member in self._members.items():
            pipe.close()
            member.join(1.0)
            if member.is_alive():
                member.kill()
                member.join()


def _receive(pipe: Connection) -> tuple[Stage, Result]:
    try:
        stage, content = pipe.recv()
    except (EOFError, OSError):
        raise LocalError("a process of the load test died") from None
    if not isinstance(content, Result):
        raise LocalError(content)
    return stage, content


class _Teller:
    """What a process tells, and how often it was told to stop."""

    def __init__(self, pipe: Connection, clock: Callable[[], float]) -> None:
        self._pipe = pipe
        self._clock = clock
        self._next = 0.0
        self._wishes = 0
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the parent passes it on
        signal.signal(signal.SIGTERM, self._wish)

    def stops(self, result: Result) -> int:
        """How often; tells of the result on the way, now and then."""
        if self._clock() >= self._next:
            self._next = self._clock() + PROGRESS_S
            self.tell(Stage.PROGRESS, replace(result, latencies_s=latencies()))
        return self._wishes

    def tell(self, stage: Stage, content: Result | str) -> None:
        """Tell the parent; without one this process has no business any more."""
        try:
            self._pipe.send((stage, content))
        except OSError:
            self._wishes = 2

    def await_start(self) -> None:
        """Until every process is ready."""
        with suppress(EOFError, OSError):
            self._pipe.recv()

    def _wish(self, *_: object) -> None:
        self._wishes += 1


def _work(options: Options, files: Files, share: int, pipe: Connection) -> None:
    """One process, from its first certificate to its last SA."""
    teller = _Teller(pipe, time.monotonic)
    try:
        _run(options, files, share, teller)
    except LocalError as error:
        teller.tell(Stage.ENDED, str(error))


def _run(options: Options, files: Files, share: int, teller: _Teller) -> None:
    numbers = range(options.first + share, options.first + options.count, options.processes)
    setting = _setting(options, files, share)
    for number in numbers:
        setting.plan.prepare(number)
    initiators = Initiators(setting)
    result = initiators.result

    def stops() -> int:
        return teller.stops(result)

    collecting.settle()
    teller.tell(Stage.READY, Result())
    teller.await_start()
    before = time.process_time()
    initiators.establish(numbers, _pace(options), stops)
    result.cpu_s = time.process_time() - before
    teller.tell(Stage.ESTABLISHED, result)
    initiators.hold(options.hold, stops)
    if not options.keep:
        initiators.delete(stops)
    teller.tell(Stage.ENDED, result)


def _pace(options: Options) -> Pace:
    """This process's part of the load."""
    return Pace(-(-options.concurrency // options.processes), options.rate / options.processes)


def _setting(options: Options, files: Files, share: int) -> Setting:
    plan = Plan(options, files, time.time())
    kernel = DiscardKernel(options.first + share, options.processes)
    numbers = Numbers(options.first + options.count + share)
    pair = reused_pair(options.ike) if options.reuse_keys else None
    version = (Ikev1 if options.ikev1 else Ikev2)(plan, kernel, numbers, os.urandom, pair)
    target = Host(options.target, options.port)
    return Setting(plan, version, target, _wires(options, target), options.delete_after)


def _wires(options: Options, target: Host) -> tuple[Wire, ...]:
    sources = options.source
    if not sources:
        found = source_address(target.address)
        if found is None:
            raise LocalError(f"no route to {target}")
        sources = [found]
    return tuple(Wire(Host(one, options.source_port), target, options.nat_t_port) for one in sources)
