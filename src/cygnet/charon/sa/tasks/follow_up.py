"""IKE_FOLLOWUP_KE requests: back to the series that waits for them (RFC 9370, 2.2.4)."""

from typing import ClassVar

from cygnet.charon.encoding.errors import StateNotFoundError, TemporaryFailureError
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.states import LIVE
from cygnet.charon.sa.tasks.series import Series
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task


class FollowUp(Task):
    """Finds by its link what a request continues; each link serves once."""

    name = "IKE_FOLLOWUP_KE"
    rides: ClassVar[frozenset[Exchange]] = frozenset({Exchange.IKE_FOLLOWUP_KE})

    def __init__(self, sa: Association, ticket: int = 0) -> None:
        super().__init__(sa, ticket)
        self._series: Series | None = None

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        return message.exchange == Exchange.IKE_FOLLOWUP_KE

    def process_request(self, message: Message) -> Step:
        sa = self.sa
        notify = message.notify(NotifyType.ADDITIONAL_KEY_EXCHANGE)
        self._series = sa.series.pop(notify.data, None) if notify else None
        if self._series is None:
            raise StateNotFoundError("no series of key exchanges waits for this one")
        if sa.state not in LIVE:
            raise TemporaryFailureError(f"IKE_SA is in state {sa.state}")
        self._series.resume(message)
        return MORE

    def build_response(self, draft: Draft) -> Step:
        if self._series is not None:
            self._series.build_further(draft)
        return DONE

    def failed(self, reason: str) -> None:
        if self._series is not None:
            self._series.give_up(reason)
        super().failed(reason)
