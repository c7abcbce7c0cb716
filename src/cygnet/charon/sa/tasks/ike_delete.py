"""Deleting the IKE_SA (RFC 7296, 1.4.1)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.payloads import Delete
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.handover import settle_for_theirs
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.succession import outlived
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.crypto.proposals import Protocol
from cygnet.keying.sa.endings import Cause

LAST_PACKETS_S = 0.1
"""How long our last packets may take to a peer that lets none in once it has our answer; shorter than anybody
waits before it sends a request again."""


class IkeDelete(Task):
    """Ends the IKE_SA. When both sides delete at once, both answer and both are done.

    ``ordered``: it is meant for whatever a rekeying makes of the IKE_SA, too.
    """

    name = "IKE_DELETE"
    opens: ClassVar[Exchange | None] = Exchange.INFORMATIONAL
    ordered = False

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        if message.exchange != Exchange.INFORMATIONAL:
            return False
        return any(one.protocol == Protocol.IKE for one in message.all(Delete))

    def ready(self) -> bool:
        return self.sa.state is not IkeState.DESTROYING

    # As initiator

    def build_request(self, draft: Draft) -> Step:
        sa = self.sa
        sa.log(Group.IKE, f"deleting IKE_SA {sa} between {sa.between}")
        sa.log(Group.IKE, f"sending DELETE for IKE_SA {sa}")
        if sa.state is not IkeState.DELETING:
            sa.move_to(IkeState.DELETING)
        draft.add(Delete(Protocol.IKE))
        return MORE

    def process_response(self, message: Message) -> Step:
        sa = self.sa
        sa.log(Group.IKE, "IKE_SA deleted")
        sa.retire("IKE_SA deleted")
        return DONE

    # As responder

    def process_request(self, message: Message) -> Step:
        sa = self.sa
        sa.log(Group.IKE, f"received DELETE for IKE_SA {sa}")
        settle_for_theirs(sa)
        sa.log(Group.IKE, f"deleting IKE_SA {sa} between {sa.between}")
        return MORE

    def build_response(self, draft: Draft) -> Step:
        """Where CHILD_SAs have successors elsewhere, what was sent through them arrives before our answer."""
        if outlived(self.sa):
            draft.delay_s = LAST_PACKETS_S
        return MORE

    def sent(self) -> None:
        sa = self.sa
        sa.log(Group.IKE, "IKE_SA deleted")
        if sa.cause is Cause.FAILED:
            sa.cause = Cause.CLOSED
        sa.retire("deleted by the peer")

    def failed(self, reason: str) -> None:
        """The IKE_SA is over one way or another: that is what was wanted."""
        self.sa.finish(self.ticket, True, reason)
        self.ticket = 0
