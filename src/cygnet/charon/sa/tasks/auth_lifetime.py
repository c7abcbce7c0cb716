"""AUTH_LIFETIME: the responder says by when the initiator has to authenticate anew (RFC 4478)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.establish import set_auth_lifetime
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task

KIND = NotifyType.AUTH_LIFETIME


class AuthLifetime(Task):
    """Told by a responder that wants re-authentication itself, in the last message of IKE_AUTH."""

    name = "IKE_AUTH_LIFETIME"
    rides: ClassVar[frozenset[Exchange]] = frozenset({Exchange.IKE_AUTH})

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        return message.exchange == Exchange.INFORMATIONAL and message.notify(KIND) is not None

    def takes_part(self, exchange: int) -> bool:
        return exchange == Exchange.INFORMATIONAL or super().takes_part(exchange)

    # As initiator of the IKE_SA

    def process_response(self, message: Message) -> Step:
        if self.sa.state is not IkeState.ESTABLISHED:
            return MORE
        self._take(message)
        return DONE

    # As responder of the IKE_SA, or asked in an INFORMATIONAL exchange

    def process_request(self, message: Message) -> Step:
        if message.exchange == Exchange.INFORMATIONAL:
            self._take(message)
            return DONE
        return MORE

    def build_response(self, draft: Draft) -> Step:
        sa = self.sa
        if sa.state is not IkeState.ESTABLISHED:
            return MORE
        if sa.times.reauth is not None:
            left = max(int(sa.times.reauth - sa.now), 0)
            draft.notify(KIND, min(left, 2**32 - 1).to_bytes(4, "big"))
        return DONE

    # Both

    def _take(self, message: Message) -> None:
        sa, notify = self.sa, message.notify(KIND)
        if notify is None:
            return
        if not sa.initiator or len(notify.data) != 4:
            reason = "its data are not 4 octets" if sa.initiator else "only the responder may ask for it"
            sa.log(Group.IKE, f"ignoring AUTH_LIFETIME: {reason}")
            return
        set_auth_lifetime(sa, int.from_bytes(notify.data, "big"))
