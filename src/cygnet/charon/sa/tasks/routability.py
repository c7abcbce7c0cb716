"""Return routability: whether a peer gets what is sent to where it says it is (RFC 4555, 3.7)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding.errors import InvalidSyntaxError
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa import moving
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.errors import CookieMismatchError
from cygnet.charon.sa.states import LIVE
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task

COOKIE2 = NotifyType.COOKIE2
COOKIE_SIZE = 16
SIZES = range(8, 65)
"""What a cookie may measure (4.2.5)."""


class RoutabilityCheck(Task):
    """Asks a peer for a cookie back before its CHILD_SAs move there. Gives back the cookies of others."""

    name = "IKE_MOBIKE_CHECK"
    opens: ClassVar[Exchange | None] = Exchange.INFORMATIONAL

    def __init__(self, sa: Association, ticket: int = 0) -> None:
        super().__init__(sa, ticket)
        self._changes = 0
        self._cookie = b""
        self._theirs = b""

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        return message.exchange == Exchange.INFORMATIONAL and message.notify(COOKIE2) is not None

    # As initiator

    def build_request(self, draft: Draft) -> Step:
        sa = self.sa
        sa.mobility.checking = False
        if sa.mobility.verified is None:
            return DONE
        self._changes = sa.mobility.changes
        self._cookie = add_cookie(draft, sa)
        return MORE

    def process_response(self, message: Message) -> Step:
        """The peer is where it says, unless it has gone on since: the request went to both places then."""
        sa = self.sa
        check_cookie(message, self._cookie)
        if sa.state not in LIVE:
            return DONE  # a successor has the CHILD_SAs and asks for itself
        if self._changes != sa.mobility.changes:
            if sa.mobility.verified is not None and not sa.mobility.checking:
                sa.mobility.checking = True
                sa.wanted.append(RoutabilityCheck(sa))
            return DONE
        sa.log(Group.IKE, f"peer is reachable at {sa.remote.with_brackets()}")
        moving.settle(sa)
        return DONE

    def failed(self, reason: str) -> None:
        super().failed(reason)
        self.sa.mobility.checking = False

    # As responder

    def process_request(self, message: Message) -> Step:
        notify = message.notify(COOKIE2)
        if notify is None or len(notify.data) not in SIZES:
            raise InvalidSyntaxError(f"COOKIE2 must have {SIZES.start} to {SIZES.stop - 1} octets")
        self._theirs = notify.data
        return MORE

    def build_response(self, draft: Draft) -> Step:
        draft.notify(COOKIE2, self._theirs)
        return DONE


def add_cookie(draft: Draft, sa: Association) -> bytes:
    """Put a fresh cookie into a request."""
    cookie = sa.ports.rng(COOKIE_SIZE)
    draft.notify(COOKIE2, cookie)
    return cookie


def check_cookie(message: Message, cookie: bytes) -> None:
    """Raises :class:`CookieMismatchError`, which closes the IKE_SA, unless the response has that cookie."""
    notify = message.notify(COOKIE2)
    if notify is None or notify.data != cookie:
        raise CookieMismatchError("COOKIE2 mismatch, closing IKE_SA")
