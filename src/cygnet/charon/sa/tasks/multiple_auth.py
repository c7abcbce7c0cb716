"""Whether both sides know several authentication rounds (RFC 4739): told by the responder in IKE_SA_INIT."""

from typing import ClassVar

from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.keying.config.records import PeerConfig

KIND = NotifyType.MULTIPLE_AUTH_SUPPORTED


class MultipleAuth(Task):
    """Says so where a connection has several rounds, and hears it of the peer."""

    name = "IKE_MULTIPLE_AUTH"
    rides: ClassVar[frozenset[Exchange]] = frozenset({Exchange.IKE_SA_INIT, Exchange.IKE_AUTH})

    def build_request(self, draft: Draft) -> Step:
        if draft.exchange != Exchange.IKE_AUTH:
            return MORE
        if has_several(self.sa.peer_config):
            draft.notify(KIND)
        return DONE

    def process_response(self, message: Message) -> Step:
        if message.exchange == Exchange.IKE_SA_INIT:
            self.sa.peer.multiple_auth = message.notify(KIND) is not None
        return MORE

    def build_response(self, draft: Draft) -> Step:
        if draft.exchange == Exchange.IKE_SA_INIT:
            if any(map(has_several, self.sa.negotiation.candidates)):
                draft.notify(KIND)
            return MORE
        return DONE

    def process_request(self, message: Message) -> Step:
        if message.exchange == Exchange.IKE_AUTH:
            self.sa.peer.multiple_auth = message.notify(KIND) is not None
        return MORE


def has_several(config: PeerConfig) -> bool:
    """Whether either side has more than one round."""
    return len(config.local) > 1 or len(config.remote) > 1
