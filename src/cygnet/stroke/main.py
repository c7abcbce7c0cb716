"""The ``stroke`` program: one command line, one request to charon."""

import socket
import sys

from cygnet.ctl.frames import ControlError
from cygnet.ctl.stroke import EXIT_FAILED, EXIT_NOT_RUNNING, EXIT_USAGE, Done, Request, converse
from cygnet.runtime import paths
from cygnet.stroke.commands import HELP, LaterError, UsageError, parse


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 failed (the reason on standard error), 2 usage, 7 charon is not running."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] in (["--help"], ["-h"]) or not words:
        print(HELP)
        return 0 if words else EXIT_USAGE
    try:
        request = parse(words)
    except UsageError as error:
        print(f"stroke: {error}", file=sys.stderr)
        return EXIT_USAGE
    except LaterError as error:
        print(f"stroke: {error}", file=sys.stderr)
        return EXIT_FAILED
    return _ask(request)


def _ask(request: Request) -> int:
    shown: list[str] = []

    def show(text: str) -> None:
        shown[:] = [text]
        print(text, flush=True)

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        try:
            stream.connect(str(paths.charon_ctl()))
        except OSError as error:
            print(f"stroke: connecting to '{paths.charon_ctl()}' failed: {error.strerror}", file=sys.stderr)
            return EXIT_NOT_RUNNING
        try:
            done = converse(stream, request, show)
        except (ControlError, OSError) as error:
            done = Done(EXIT_FAILED, str(error))
    if done.exit_code and done.reason and [done.reason] != shown:
        print(f"stroke: {done.reason}", file=sys.stderr)
    return done.exit_code


if __name__ == "__main__":
    sys.exit(main())
