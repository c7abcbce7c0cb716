"""The ``whack`` program: one command line, one message to pluto."""

import sys
from pathlib import Path

from cygnet import __version__
from cygnet.ctl.frames import ControlError
from cygnet.ctl.whack_lines import conversation
from cygnet.runtime import paths
from cygnet.runtime.client import NOT_RUNNING, NotRunningError, ask, open_nowhere
from cygnet.whack.command_line import parse
from cygnet.whack.help import help_text
from cygnet.whack.values import UsageError

PROBLEM, INTERRUPTED = 1, 130


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 done, 1 wrong usage, 7 pluto is not running, else pluto's last significant code."""
    try:
        order = parse(sys.argv[1:] if argv is None else argv, _read)
        if order.text:
            print(help_text() if order.text == "help" else f"Cygnet {__version__}")
            return 0
        path = Path(order.ctlbase + ".ctl") if order.ctlbase else paths.pluto_ctl()
        status = ask(path, conversation(order.requests, order.label), "whack")
        sys.stdout.flush()
    except (UsageError, ControlError) as error:
        print(f"whack: {error}", file=sys.stderr)
        return PROBLEM
    except NotRunningError as error:
        print(f"whack: pluto is not running ({error})", file=sys.stderr)
        return NOT_RUNNING
    except BrokenPipeError:  # whoever read our output had enough
        sys.stdout = sys.stderr = open_nowhere()
        return PROBLEM
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def _read(name: str) -> str:
    """The file of ``--optionsfrom``; raises ``OSError``."""
    return Path(name).read_text()


if __name__ == "__main__":
    sys.exit(main())
