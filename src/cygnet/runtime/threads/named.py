"""Named, numbered threads that survive exceptions and end by a deadline."""

import itertools
import threading
import time
from collections.abc import Callable

Report = Callable[[str, BaseException], None]
"""Told (what was being done, the exception) when something escaped that should not have."""

PAUSE_S = 0.01
"""After an exception, so that a lasting fault does not take a whole processor."""

_numbers = itertools.count(1)
_own = threading.local()


def thread_number() -> int:
    """This thread's number in log lines: 0 for the main thread and all that are not ours."""
    number: int = getattr(_own, "number", 0)
    return number


class NamedThread:
    """A thread that repeats ``step`` until it returns False or the thread is stopped.

    ``wake`` makes a blocked step return. An exception in a step is reported, and the thread goes on.
    """

    def __init__(self, name: str, step: Callable[[], bool], wake: Callable[[], None], report: Report) -> None:
        self.name = name
        self._step = step
        self._wake = wake
        self._report = report
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, deadline_s: float = 1.0) -> bool:
        """Ask to end and wait at most ``deadline_s``; False if it still runs. Harmless if repeated."""
        self._stopping.set()
        self._wake()
        return self.join(deadline_s)

    def join(self, deadline_s: float) -> bool:
        """Wait at most ``deadline_s`` for the end; False if it still runs."""
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.0, deadline_s))
        return not self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether the end was asked for."""
        return self._stopping.is_set()

    def _run(self) -> None:
        _own.number = next(_numbers)
        while not self._stopping.is_set():
            try:
                if not self._step():
                    return
            except Exception as error:
                self._report(self.name, error)
                self._stopping.wait(PAUSE_S)


def stop_all(threads: list[NamedThread], deadline_s: float) -> bool:
    """Stop several at once, all within ``deadline_s``; False if one still runs."""
    end = time.monotonic() + deadline_s
    for thread in threads:
        thread.stop(0.0)
    ended = [thread.join(end - time.monotonic()) for thread in threads]
    return all(ended)
