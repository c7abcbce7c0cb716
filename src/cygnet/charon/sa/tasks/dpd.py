"""Dead peer detection: an empty INFORMATIONAL exchange (RFC 7296, 2.4)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task


class Dpd(Task):
    """Asks whether the peer is there; that it answers is the answer. Retransmission finds it dead."""

    name = "IKE_DPD"
    opens: ClassVar[Exchange | None] = Exchange.INFORMATIONAL

    def build_request(self, draft: Draft) -> Step:
        self.sa.log(Group.IKE, "sending DPD request")
        return MORE

    def process_response(self, message: Message) -> Step:
        return DONE
