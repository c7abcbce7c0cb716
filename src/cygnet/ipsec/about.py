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
	up|down|rekey|route|unroute <connection name>
	down|rekey <connection name>{n}|{*}|[n]|[*]
	down-srcip <start> [<end>]
	status|statusall [<connection name>]
	listalgs|listpubkeys|listcerts [--utc]
	listcacerts|listaacerts|listocspcerts [--utc]
	listacerts|listgroups|listcainfos [--utc]
	listcrls|listocsp|listplugins|listall [--utc]
	listcounters|resetcounters [<connection name>|all]
	kernel [--check [--repair]]
	leases [<poolname> [<address>]]
	rereadsecrets|secrets|rereadcacerts|rereadaacerts
	rereadocspcerts|rereadacerts|rereadcrls|rereadall
	purgecerts|purgecrls|purgeike|purgeocsp
	pki [--gen|--self|--issue|--pub|--print] ...
	load-test <address> [--count N] [--concurrency N] [--rate N] [--hold] ... (--help lists all)
	starter|charon|stroke|pluto|whack ...
	ready
	version

Options:
	--help --version --versioncode --directory --confdir --piddir

Manual: docs/man/ipsec.8.md."""


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
