"""``rereadsecrets``, ``rereadcacerts``, ``rereadall``: read files again."""

from dataclasses import dataclass

from cygnet.charon.control.ports import Reply, Rereader
from cygnet.charon.control.replies import refuse
from cygnet.ctl.stroke import EXIT_FAILED, EXIT_USAGE, Done, Reread

KINDS = frozenset({"secrets", "cacerts", "certs"})
LATER = frozenset({"aacerts", "ocspcerts", "acerts", "crls"})


@dataclass(frozen=True, slots=True)
class RereadHandler:
    """Answers the reread commands; each kind is replaced as a whole or, if it cannot be read, kept."""

    stores: Rereader

    def __call__(self, request: Reread, reply: Reply) -> Done:
        """Read each kind again; ``all`` is everything there is. To leave something out is to fail."""
        kinds = frozenset(request.kinds)
        unknown = kinds - KINDS - LATER - {"all"}
        if unknown:
            return refuse(reply, f"cannot reread '{min(unknown)}'", EXIT_USAGE)
        if kinds & LATER:
            return refuse(reply, f"rereading {min(kinds & LATER)} is not part of this version")
        problems, complete = self.stores.reread(KINDS if "all" in kinds else kinds)
        for problem in problems:
            reply.text(problem)
        return Done() if complete else Done(EXIT_FAILED, "not everything could be loaded")
