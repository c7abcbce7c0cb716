"""Leaving the terminal, and telling whoever waits there how the start went."""

import os
import sys
from collections.abc import Callable
from typing import NoReturn

Report = Callable[[int], None]


def run_detached(body: Callable[[Report], int]) -> int:
    """Run ``body`` in a process of its own; return, here, the exit code that it reports or ends with.

    Until ``body`` reports, its stderr is ours.
    """
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    first = os.fork()
    if not first:
        os.close(reader)
        _leave(body, writer)
    os.close(writer)
    os.waitpid(first, 0)
    with os.fdopen(reader, "rb") as pipe:
        code = pipe.read(1)
    return code[0] if code else 1


def _leave(body: Callable[[Report], int], writer: int) -> NoReturn:
    """In the child: become a session leader's child, run ``body``, never return."""
    code = 1
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        report = _Reporter(writer)
        code = body(report)
        report(code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        _Reporter(writer)(1)
    finally:
        os._exit(code)


class _Reporter:
    """Writes the exit code once, then lets go of the terminal."""

    def __init__(self, writer: int) -> None:
        self._writer: int | None = writer

    def __call__(self, code: int) -> None:
        if self._writer is None:
            return
        sys.stdout.flush()
        sys.stderr.flush()
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        os.close(null)
        os.write(self._writer, bytes([code & 0xFF]))
        os.close(self._writer)
        self._writer = None
