"""``ipsec kernel``: what the data plane holds, and where it differs from what charon believes."""

import sys

from cygnet.ctl.frames import conversation
from cygnet.runtime import paths
from cygnet.runtime.client import NOT_RUNNING, NotRunningError, ask

USAGE = 2
_FIELDS: dict[tuple[str, ...], dict[str, object]] = {
    (): {},
    ("--check",): {"check": True},
    ("--check", "--repair"): {"check": True, "repair": True},
}


def run(verb: str, arguments: list[str]) -> int:
    """Ask charon; 1 when there are differences that nobody has mended."""
    fields = _FIELDS.get(tuple(sorted(arguments)))
    if fields is None:
        print(f"Usage: ipsec {verb} [--check [--repair]]", file=sys.stderr)
        return USAGE
    try:
        return ask(paths.charon_ctl(), conversation("kernel", fields), f"ipsec {verb}")
    except NotRunningError as error:
        print(f"ipsec {verb}: charon is not running ({error}); start it with: ipsec start", file=sys.stderr)
        return NOT_RUNNING
