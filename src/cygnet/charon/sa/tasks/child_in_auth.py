"""A CHILD_SA that is negotiated in IKE_AUTH: asked for in the first message, answered in the last.

With EAP there are messages in between (RFC 7296, 2.16): nothing is looked at, made or told before both sides
are authenticated.
"""

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.tasks.series import Series
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step


class ChildInAuth(Series):
    """Keeps the steps of a CHILD_SA apart from the messages of IKE_AUTH in between."""

    _asked: Message | None = None

    def __init__(self, sa: Association, ticket: int = 0) -> None:
        super().__init__(sa, ticket)
        self._sent = False

    # As initiator

    def build_request(self, draft: Draft) -> Step:
        if draft.exchange == Exchange.IKE_AUTH and self._sent:
            return MORE
        self._sent = draft.exchange == Exchange.IKE_AUTH
        return self.ask(draft)

    def process_response(self, message: Message) -> Step:
        if message.exchange == Exchange.IKE_AUTH and self.sa.state is IkeState.CONNECTING:
            return MORE
        return self.take_answer(message)

    # As responder

    def process_request(self, message: Message) -> Step:
        if message.exchange != Exchange.IKE_AUTH:
            return self.consider(message)
        self._asked = self._asked or message
        return MORE

    def build_response(self, draft: Draft) -> Step:
        if draft.exchange != Exchange.IKE_AUTH or self._asked is None:
            return self.answer_with(draft)
        if self.sa.state is IkeState.CONNECTING:
            return MORE
        if self.consider(self._asked) is DONE:
            return DONE
        return self.answer_with(draft)

    def restart(self) -> None:
        super().restart()
        self._sent = False

    # What it keeps apart

    def ask(self, draft: Draft) -> Step:
        """Ask for a CHILD_SA."""
        raise NotImplementedError

    def take_answer(self, message: Message) -> Step:
        """Take the responder's answer."""
        raise NotImplementedError

    def consider(self, message: Message) -> Step:
        """Take what the initiator asked."""
        raise NotImplementedError

    def answer_with(self, draft: Draft) -> Step:
        """Answer it."""
        raise NotImplementedError
