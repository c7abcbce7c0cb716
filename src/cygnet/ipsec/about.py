"""What ``ipsec`` says of itself: versions, folders, help."""

import os
import sys

from cygnet import __version__
from cygnet.ipsec.programs import directory
from cygnet.runtime import paths

HELP = """ipsec command [arguments]

Commands:
	start|restart [--nofork] [--auto-update SECONDS] [--debug|--debug-more|--debug-all|--nolog] [--conf FILE]
	update|reload|stop
	up|down|route|unroute <connection name>
	down <connection name>{n}|{*}|[n]|[*]
	status|statusall [<connection name>]
	listalgs|listcerts|listcacerts|listplugins|listall [--utc]
	rereadsecrets|rereadcacerts|rereadall
	pki [--gen|--self|--issue|--pub|--print] ...
	load-test <address> [--count N] [--concurrency N] [--rate N] [--hold] ... (--help lists all)
	starter|charon|stroke ...
	version

Options:
	--help --version --versioncode --directory --confdir --piddir"""


def run(verb: str, arguments: list[str]) -> int:
    """Print the answer; arguments are of no matter."""
    release = os.uname().release
    answers = {
        "version": f"{os.uname().sysname} Cygnet U{__version__}/K{release}\nLicence: Apache-2.0",
        "--versioncode": f"U{__version__}/K{release}",
        "--confdir": str(paths.confdir()),
        "--piddir": str(paths.rundir()),
        "--directory": str(directory()),
    }
    answers["--version"] = answers["version"]
    sys.stdout.write(answers.get(verb, HELP) + "\n")
    return 0
