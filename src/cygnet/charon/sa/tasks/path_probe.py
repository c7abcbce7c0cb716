"""Which path works? (RFC 4555, 3.10)."""

from typing import ClassVar

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.mobility import Pair
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task


def look_for_path(sa: Association, hint: Pair | None = None) -> None:
    """Find a path that works, ``hint`` being the likeliest, by what is under way or else by a probe."""
    sa.mobility.begin_probing(sa.now, hint)
    sa.wanted.append(PathProbe(sa))


class PathProbe(Task):
    """A request for path probing to send along all paths, where no other is under way.

    What path the answer comes by decides (``path_found``); what is in it does not matter.
    """

    name = "IKE_MOBIKE_PROBE"
    opens: ClassVar[Exchange | None] = Exchange.INFORMATIONAL

    def ready(self) -> bool:
        return self.sa.is_mobile

    def build_request(self, draft: Draft) -> Step:
        return MORE if self.sa.mobility.probing else DONE

    def process_response(self, message: Message) -> Step:
        return DONE
