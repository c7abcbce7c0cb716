"""Verbs that are programs of their own: starter, charon, stroke, load-test, whack, pki."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from cygnet import __version__
from cygnet.runtime import paths

NOT_INSTALLED = 5
PROGRAMS = {
    "starter": "cygnet.starter.main",
    "charon": "cygnet.charon.main",
    "stroke": "cygnet.stroke.main",
    "load-test": "cygnet.loadtest.main",
    "pluto": "cygnet.pluto.main",
    "whack": "cygnet.whack.main",
}
PLUTO = ("whack", "pluto", "ready")


def run(verb: str, arguments: list[str]) -> int:
    """Become the program; ``pki`` runs in this process."""
    if verb in PLUTO and find_spec("cygnet.pluto") is None:
        print(f"ipsec {verb}: pluto (IKEv1) is not installed", file=sys.stderr)
        return NOT_INSTALLED
    if verb == "_updown":
        from cygnet.ipsec.updown import main as updown

        return updown(arguments)
    if verb == "ready":
        return execute("whack", ["--listen"])
    if verb == "pki":
        from cygnet.ipsec.pki.main import main

        return main(arguments)
    return execute(verb, arguments)


def execute(program: str, arguments: list[str]) -> int:
    """Replace this process by one of our programs, run by the same Python."""
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-P", "-m", PROGRAMS[program], *arguments]
    try:
        os.execve(sys.executable, command, {**os.environ, **environment()})
    except OSError as error:
        print(f"ipsec {program}: cannot run {sys.executable}: {error.strerror}", file=sys.stderr)
        return NOT_INSTALLED


def environment() -> dict[str, str]:
    """What strongSwan's ``ipsec`` tells its programs."""
    return {
        "IPSEC_DIR": str(directory()),
        "IPSEC_BINDIR": str(directory()),
        "IPSEC_SBINDIR": str(directory()),
        "IPSEC_CONFDIR": str(paths.confdir()),
        "IPSEC_PIDDIR": str(paths.rundir()),
        "IPSEC_SCRIPT": "ipsec",
        "IPSEC_NAME": "Cygnet",
        "IPSEC_VERSION": f"U{__version__}/K{os.uname().release}",
        "IPSEC_STARTER_PID": str(paths.starter_pid()),
        "IPSEC_CHARON_PID": str(paths.charon_pid()),
        "IPSEC_PLUTO_PID": str(paths.pluto_pid()),
    }


def directory() -> Path:
    """Where the programs are."""
    return Path(sys.executable).parent
