"""``purgecerts``, ``purgecrls``, ``purgeocsp``, ``purgeike``."""

from dataclasses import dataclass

from cygnet.charon.control.ports import Purger, Reply
from cygnet.charon.control.replies import refuse
from cygnet.charon.control.terminate import TerminateHandler
from cygnet.ctl.stroke import EXIT_USAGE, Done, Purge

CACHES = frozenset({"certs", "crls", "ocsp"})


@dataclass(frozen=True, slots=True)
class PurgeHandler:
    """Answers the purge commands."""

    stores: Purger
    terminate: TerminateHandler

    def __call__(self, request: Purge, reply: Reply) -> Done:
        """Forget what is cached of these kinds; with ``ike`` close what carries nothing."""
        kinds = frozenset(request.kinds)
        unknown = kinds - CACHES - {"ike"}
        if unknown:
            return refuse(reply, f"there is nothing called '{min(unknown)}' to purge", EXIT_USAGE)
        self.stores.purge(kinds & CACHES)
        return self.terminate.childless(reply) if "ike" in kinds else Done()
