"""Whether both sides use a post-quantum pre-shared key: told in IKE_SA_INIT (RFC 8784, 3)."""

from typing import ClassVar

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa import ppk
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task


class UsePpk(Task):
    """Says so where there is a PPK for the connection, and hears it of the peer."""

    name = "IKE_USE_PPK"
    rides: ClassVar[frozenset[Exchange]] = frozenset({Exchange.IKE_SA_INIT})
    vital = True

    def build_request(self, draft: Draft) -> Step:
        if ppk.propose(self.sa):
            draft.notify(NotifyType.USE_PPK)
        return MORE

    def process_response(self, message: Message) -> Step:
        ppk.answered(self.sa, message)
        return DONE

    def process_request(self, message: Message) -> Step:
        ppk.answer(self.sa, message)
        return MORE

    def build_response(self, draft: Draft) -> Step:
        if self.sa.negotiation.ppk.agreed:
            draft.notify(NotifyType.USE_PPK)
        return DONE
