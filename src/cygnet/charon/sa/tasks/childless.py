"""IKE_SAs without a CHILD_SA (RFC 6023), and what becomes of one whose first CHILD_SA fails."""

from collections.abc import Iterable
from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding.errors import InvalidSyntaxError
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import AnyPayload, Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import IdentificationInitiator, SecurityAssociation
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.errors import NotPossibleError, RefusedError
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.charon.sa.timers import CloseChildless
from cygnet.crypto.proposals import Protocol
from cygnet.keying.config.records import Childless as Policy

KIND = NotifyType.CHILDLESS_IKEV2_SUPPORTED
CLOSE_S = 0.1
"""The IKE_AUTH response has to arrive before the deletion does."""


class Childless(Task):
    """Says that we accept it, and holds IKE_AUTH to what ``childless`` allows.

    It stands behind the task that makes the CHILD_SA, so that it sees whether there is one in a message.
    """

    name = "IKE_CHILDLESS"
    rides: ClassVar[frozenset[Exchange]] = frozenset({Exchange.IKE_SA_INIT, Exchange.IKE_AUTH})
    vital = True

    def __init__(self, sa: Association) -> None:
        super().__init__(sa)
        self._asked = False

    # As initiator

    def build_request(self, draft: Draft) -> Step:
        if not _begins_auth(draft.payloads):
            return MORE
        self._asked = _has_child(draft.payloads)
        if not self._asked and not self.sa.peer.childless:
            raise NotPossibleError("peer does not support childless IKE_SA initiation (RFC 6023)")
        return MORE

    def process_response(self, message: Message) -> Step:
        sa = self.sa
        if message.exchange == Exchange.IKE_SA_INIT:
            sa.peer.childless = message.notify(KIND) is not None
            if sa.peer_config.ike.childless is Policy.FORCE and not sa.peer.childless:
                raise RefusedError("peer does not support childless IKE_SA initiation (childless=force)")
            return MORE
        if sa.state is not IkeState.ESTABLISHED:
            return MORE
        if self._asked and not any(child.carries for child in sa.children.values()):
            self._failed()
        return DONE

    # As responder

    def process_request(self, message: Message) -> Step:
        sa = self.sa
        if not _begins_auth(message.payloads):
            return MORE
        self._asked = _has_child(message.payloads)
        policy = sa.peer_config.ike.childless
        if not self._asked and policy is Policy.NEVER:
            raise InvalidSyntaxError("peer tried to initiate a childless IKE_SA (childless=never)")
        if self._asked and policy is Policy.FORCE:
            raise InvalidSyntaxError("peer did not initiate a childless IKE_SA (childless=force)")
        return MORE

    def build_response(self, draft: Draft) -> Step:
        sa = self.sa
        if draft.exchange == Exchange.IKE_SA_INIT:
            candidates = sa.negotiation.candidates
            if any(one.ike.childless is not Policy.NEVER for one in candidates):
                draft.notify(KIND, protocol=Protocol.IKE)
            return MORE
        if sa.state is not IkeState.ESTABLISHED:
            return MORE
        if self._asked and not _has_child(draft.payloads):
            self._failed()
        return DONE

    # Both

    def _failed(self) -> None:
        if self.sa.ports.settings.close_ike_on_child_failure:
            self.sa.log(Group.IKE, "closing IKE_SA due CHILD_SA setup failure")
            self.sa.schedule(CLOSE_S, CloseChildless())

    def restart(self) -> None:
        self._asked = False


def defers(sa: Association, exchange: int) -> bool:
    """Whether a CHILD_SA waits for an exchange of its own (``childless=prefer`` or ``force``)."""
    wanted = sa.config is not None and sa.config.ike.childless in (Policy.PREFER, Policy.FORCE)
    return exchange == Exchange.IKE_AUTH and sa.peer.childless and wanted


def _begins_auth(payloads: Iterable[AnyPayload]) -> bool:
    """Whether this is the first request of IKE_AUTH; the CHILD_SA is asked for in it or not at all."""
    return any(isinstance(one, IdentificationInitiator) for one in payloads)


def _has_child(payloads: Iterable[AnyPayload]) -> bool:
    return any(isinstance(one, SecurityAssociation) for one in payloads)
