"""The program behind ``ipsec load-test``."""

import signal
import sys
import time

from cygnet.base.errors import LocalError
from cygnet.loadtest import report
from cygnet.loadtest.options import Options, parse
from cygnet.loadtest.plan import read_files
from cygnet.loadtest.processes import Crew, Stage
from cygnet.loadtest.results import Result

LINE_S = 1.0


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 every handshake succeeded, 1 some failed (reasons shown), 2 usage."""
    options = parse(sys.argv[1:] if argv is None else argv)
    try:
        result = _run(options)
    except LocalError as error:
        print(f"load-test: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(report.json_line("result", result), flush=True)
    else:
        print("\n".join(report.outcome_lines(result, str(options.target))), flush=True)
    return 0 if result.ok else 1


def _run(options: Options) -> Result:
    files = read_files(options)
    crew = Crew(options, files)
    for wish in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wish, lambda *_: crew.stop())
    screen = _Screen(options)
    try:
        for number, stage, result in crew.reports():
            screen.show(number, stage, result)
    finally:
        crew.close()
    return screen.total


class _Screen:
    """Adds up what the processes tell and shows it now and then."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._parts: dict[int, Result] = {}
        self._established: set[int] = set()
        self._began = time.monotonic()
        self._shown_at = self._began
        self._shown = 0

    @property
    def total(self) -> Result:
        """The sum of all processes."""
        total = Result()
        for part in self._parts.values():
            total.add(part)
        return total

    def show(self, number: int, stage: Stage, result: Result) -> None:
        """Take in what a process tells."""
        if stage is Stage.PROGRESS and number in self._established:
            self._parts[number].lost, self._parts[number].deleted = result.lost, result.deleted
            return
        self._parts[number] = result
        if stage is Stage.ESTABLISHED:
            self._established.add(number)
            if len(self._established) == self._options.processes:
                self._tell_all_established()
        elif stage is Stage.PROGRESS:
            self._tell_progress()

    def _tell_progress(self) -> None:
        now = time.monotonic()
        if now - self._shown_at < LINE_S:
            return
        total = self.total
        rate = (total.established - self._shown) / (now - self._shown_at)
        self._shown, self._shown_at = total.established, now
        if self._options.json:
            print(report.json_line("progress", total), flush=True)
        elif not self._options.quiet:
            line = report.progress_line(total, self._options.count, now - self._began, rate)
            print(line, file=sys.stderr, flush=True)

    def _tell_all_established(self) -> None:
        if self._options.json:
            print(report.json_line("established", self.total), flush=True)
        elif self._options.hold and not self._options.quiet:
            print(f"{self.total.established} SAs are up", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
