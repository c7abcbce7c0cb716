"""Which signatures the other side will accept: announced by both, where that is not all (RFC 9593, 3.1)."""

from collections.abc import Sequence
from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding.auth_methods import Announcement, build, parse
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.crypto.signatures import scheme_of_name
from cygnet.keying.config.records import AuthClass, PeerConfig

KIND = NotifyType.SUPPORTED_AUTH_METHODS


class AuthMethods(Task):
    """Says so for connections that name signature schemes, and hears it of the peer."""

    name = "IKE_AUTH_METHODS"
    rides: ClassVar[frozenset[Exchange]] = frozenset({Exchange.IKE_SA_INIT, Exchange.IKE_AUTH})

    def build_request(self, draft: Draft) -> Step:
        if draft.exchange != Exchange.IKE_AUTH:
            return MORE
        self._announce(draft, (self.sa.peer_config,))
        return DONE

    def process_response(self, message: Message) -> Step:
        if message.exchange == Exchange.IKE_SA_INIT:
            self._hear(message)
        return MORE

    def build_response(self, draft: Draft) -> Step:
        if draft.exchange != Exchange.IKE_SA_INIT:
            return DONE
        self._announce(draft, self.sa.negotiation.candidates)
        return MORE

    def process_request(self, message: Message) -> Step:
        if message.exchange == Exchange.IKE_AUTH:
            self._hear(message)
        return MORE

    def _announce(self, draft: Draft, configs: Sequence[PeerConfig]) -> None:
        methods = accepted(configs) if self.sa.ports.settings.signature_authentication else ()
        if methods:
            draft.notify(KIND, build(methods))

    def _hear(self, message: Message) -> None:
        """Several notifications are one list (RFC 9593, 3.1); an empty one promises a list for later."""
        data = b"".join(one.data for one in message.notifies if one.type == KIND)
        found = parse(data)
        if found:
            self.sa.log(Group.IKE, f"peer announces {len(found)} authentication methods")
        self.sa.negotiation.announced = found


def accepted(configs: Sequence[PeerConfig]) -> tuple[Announcement, ...]:
    """What all these connections together accept in the peer's first round; nothing where one takes any."""
    names: dict[str, None] = {}
    for config in configs:
        first = config.remote[0]
        if first.auth is not AuthClass.PUBKEY or not first.signature_schemes:
            return ()
        names |= dict.fromkeys(first.signature_schemes)
    schemes = (scheme_of_name(name) for name in names)
    return tuple(Announcement(one.method, algorithm=one.identifier) for one in schemes)
