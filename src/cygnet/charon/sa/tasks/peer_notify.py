"""Notifications in INFORMATIONAL requests (RFC 7296, 2.21.2, 2.21.3)."""

from cygnet.base.groups import Group
from cygnet.charon.encoding import notify as notifies
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.tasks.mobike import HANDLED as MOBIKE_HANDLED
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task

MAX_LOGGED = 4
HANDLED = frozenset((*MOBIKE_HANDLED, NotifyType.COOKIE2))
"""What other tasks look at."""
_FATAL = (NotifyType.AUTHENTICATION_FAILED, NotifyType.INVALID_SYNTAX)


class PeerNotify(Task):
    """Ends the IKE_SA where the peer says that it did; of other notifications the log tells."""

    name = "IKE_NOTIFY"

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        if message.exchange != Exchange.INFORMATIONAL:
            return False
        return any(one.type not in HANDLED for one in message.notifies)

    def takes_part(self, exchange: int) -> bool:
        return exchange == Exchange.INFORMATIONAL

    def process_request(self, message: Message) -> Step:
        self._fatal = ""
        others = [one for one in message.notifies if one.type not in HANDLED]
        for notify in others[:MAX_LOGGED]:
            kind = "notify error" if notify.is_error else "notify"
            text = f"received {notifies.name(notify.type)} {kind}"
            self.sa.log(Group.IKE, text)
            if notify.type in _FATAL:
                self._fatal = text
        return MORE if self._fatal else DONE

    def build_response(self, draft: Draft) -> Step:
        return MORE

    def sent(self) -> None:
        if self._fatal:
            self.sa.retire(self._fatal)
