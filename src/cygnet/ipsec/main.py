"""The ``ipsec`` command: verb to function. A verb's module is imported only when it is asked for.

Exit status: 0 done, 1 failed (the reason on standard error), 2 usage, 3 not running (``status``) or not
part of this version, 5 not installed, 7 not running (other verbs).
"""

import sys
from importlib import import_module

PACKAGE = "cygnet.ipsec"
USAGE, NOT_IMPLEMENTED = 2, 3

MODULES = {
    **dict.fromkeys((
        "up", "down", "down-srcip", "rekey", "route", "unroute", "status", "statusall", "kernel", "leases",
        "listcounters", "resetcounters", "secrets",
        "listalgs", "listpubkeys", "listcerts", "listcacerts", "listaacerts", "listocspcerts", "listacerts",
        "listgroups", "listcainfos", "listcrls", "listocsp", "listplugins", "listall",
        "rereadsecrets", "rereadcacerts", "rereadaacerts", "rereadocspcerts", "rereadacerts", "rereadcrls",
        "rereadall", "purgecerts", "purgecrls", "purgeike", "purgeocsp",
    ), "control"),
    **dict.fromkeys(("start", "stop", "restart", "update", "reload"), "service"),
    **dict.fromkeys(
        ("starter", "charon", "stroke", "pki", "whack", "pluto", "ready", "load-test", "_updown"), "programs"
    ),
    **dict.fromkeys((
        "version", "--version", "--versioncode", "--help", "help", "--confdir", "--piddir", "--directory",
    ), "about"),
}  # fmt: skip
LATER = frozenset({
    "listcards", "rereadgroups", "scencrypt", "scdecrypt", "scepclient", "openac", "pool", "barf",
})
"""Verbs of some strongSwan that this version lacks."""


def main(argv: list[str] | None = None) -> int:
    """Run one verb."""
    words = sys.argv[1:] if argv is None else argv
    if not words:
        return _run("--help", [])
    verb = words[0]
    try:
        if verb in MODULES:
            return _run(verb, words[1:])
        return _unknown(verb)
    except BrokenPipeError:  # whoever read our output had enough; say no more, not even at exit
        from cygnet.runtime.client import open_nowhere

        sys.stdout = sys.stderr = open_nowhere()
        return 1
    except KeyboardInterrupt:
        return 130


def _run(verb: str, arguments: list[str]) -> int:
    status: int = import_module(f"{PACKAGE}.{MODULES[verb]}").run(verb, arguments)
    sys.stdout.flush()
    return status


def _unknown(verb: str) -> int:
    if verb in LATER:
        print(f"ipsec: '{verb}' is not part of this version", file=sys.stderr)
        return NOT_IMPLEMENTED
    if verb.startswith("-"):
        print(f"ipsec: unknown option `{verb}' (perhaps command name was omitted?)", file=sys.stderr)
    else:
        print(f"ipsec: unknown command `{verb}' (`ipsec --help' for list)", file=sys.stderr)
    return USAGE


if __name__ == "__main__":
    sys.exit(main())
