"""The ``stroke`` program: one command line, one request to charon."""

import sys
from dataclasses import asdict

from cygnet.base.errors import CygnetError
from cygnet.ctl import whack, whack_lines
from cygnet.ctl.frames import conversation
from cygnet.ctl.stroke import UserCredentials
from cygnet.runtime import paths
from cygnet.runtime.client import NOT_RUNNING, NotRunningError, ask, connected, open_nowhere, prompt
from cygnet.stroke.commands import UsageError, help_text, parse

FAILED, USAGE, INTERRUPTED = 1, 2, 130
ANSWER_S = 10.0
"""How long pluto may take to say whether a user is one of its connections'."""


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 failed (the reason on standard error), 2 usage, 7 charon is not running."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] in (["--help"], ["-h"]):
        print(help_text())
        return 0
    try:
        request = parse(words, prompt)
        if isinstance(request, UserCredentials) and _is_set_in_pluto(request):
            return 0
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


def _is_set_in_pluto(request: UserCredentials) -> bool:
    """Whether the connection is one of pluto's that asks for a user of XAUTH, who is set now."""
    wanted = whack.UserCredentials(request.name, request.username, request.password)
    try:
        with connected(paths.pluto_ctl()) as stream:
            stream.settimeout(ANSWER_S)
            talk = whack_lines.conversation([wanted])
            return talk(stream, lambda line: None, lambda question: "", lambda: None)[0] == 0
    except (CygnetError, NotRunningError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main())
