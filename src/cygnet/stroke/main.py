"""The ``stroke`` program: one command line, one request to charon."""

import sys
from dataclasses import asdict

from cygnet.ctl.frames import conversation
from cygnet.runtime import paths
from cygnet.runtime.client import NOT_RUNNING, NotRunningError, ask, open_nowhere, prompt
from cygnet.stroke.commands import UsageError, help_text, parse

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 failed (the reason on standard error), 2 usage, 7 charon is not running."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] in (["--help"], ["-h"]):
        print(help_text())
        return 0
    try:
        request = parse(words, prompt)
        status = ask(paths.charon_ctl(), conversation(request.kind, asdict(request)), "stroke")
        sys.stdout.flush()
    except UsageError as error:
        print(f"stroke: {error}", file=sys.stderr)
        return USAGE
    except NotRunningError as error:
        print(f"stroke: charon is not running ({error})", file=sys.stderr)
        return NOT_RUNNING
    except BrokenPipeError:  # whoever read our output had enough
        sys.stdout = sys.stderr = open_nowhere()
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


if __name__ == "__main__":
    sys.exit(main())
