"""The ``ipsec`` command: verb to function. A verb's module is imported only when it is asked for.

Exit status: 0 done, 1 failed (the reason on standard error), 2 usage, 3 not running (``status``) or not
part of this version, 5 not installed, 7 not running (other verbs).
"""

import sys
from importlib import import_module

PACKAGE = "cygnet.ipsec"
USAGE, NOT_IMPLEMENTED = 2, 3

MODULES = {
    "status": "control", "statusall": "control", "up": "control", "down": "control", "route": "control",
    "unroute": "control", "listcerts": "control", "listcacerts": "control", "listalgs": "control",
    "listplugins": "control", "listall": "control", "rereadsecrets": "control", "secrets": "control",
    "rereadcacerts": "control", "rereadall": "control",
    "start": "service", "stop": "service", "restart": "service", "update": "service", "reload": "service",
    "starter": "programs", "charon": "programs", "stroke": "programs", "pki": "programs", "whack": "programs",
    "pluto": "programs", "load-test": "programs",
    "version": "about", "--version": "about", "--versioncode": "about", "--help": "about", "help": "about",
    "--confdir": "about", "--piddir": "about", "--directory": "about",
}  # fmt: skip
LATER = frozenset({
    "down-srcip", "leases", "listpubkeys", "listaacerts", "listocspcerts", "listacerts", "listgroups",
    "listcainfos", "listcrls", "listocsp", "listcounters", "resetcounters", "listcards",
    "rereadaacerts", "rereadocspcerts", "rereadacerts", "rereadcrls", "rereadgroups", "purgeocsp",
    "purgecerts", "purgecrls", "purgeike", "ready", "scencrypt", "scdecrypt", "scepclient", "openac",
    "pool", "barf",
})  # fmt: skip


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
        sys.stdout = sys.stderr = open_nowhere()
        return 1
    except KeyboardInterrupt:
        return 130


def open_nowhere() -> "TextIO":
    """A stream that swallows everything."""
    import os

    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


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


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

if __name__ == "__main__":
    sys.exit(main())
