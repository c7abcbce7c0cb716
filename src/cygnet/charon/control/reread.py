"""``rereadsecrets``, ``rereadcacerts`` and their kin, ``rereadall``: read files again."""

from dataclasses import dataclass

from cygnet.charon.control.ports import Reply, Rereader
from cygnet.charon.control.replies import refuse
from cygnet.ctl.stroke import EXIT_FAILED, EXIT_USAGE, Done, Reread

KINDS = frozenset({"secrets", "cacerts", "certs", "aacerts", "ocspcerts", "acerts", "crls"})


@dataclass(frozen=True, slots=True)
class RereadHandler:
    """Answers the reread commands; each kind is replaced as a whole or, if it cannot be read, kept."""

    stores: Rereader

    def __call__(self, request: Reread, reply: Reply) -> Done:
        """Read each kind again; ``all`` is everything there is. What cannot be used is a failure."""
        kinds = frozenset(request.kinds)
        unknown = kinds - KINDS - {"all"}
        if unknown:
            return refuse(reply, f"cannot reread '{min(unknown)}'", EXIT_USAGE)
        problems, complete = self.stores.reread(KINDS if "all" in kinds else kinds, reply.ask)
        reply.texts(problems)
        return Done() if complete else Done(EXIT_FAILED, "not everything could be loaded")
