"""CREATE_CHILD_SA and the IKE_FOLLOWUP_KE exchanges that may follow it (RFC 9370, 2.2.4)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding import notify as notifies
from cygnet.charon.encoding.errors import InvalidSyntaxError, TemporaryFailureError
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import KeyExchange, Notify
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.errors import NotPossibleError
from cygnet.charon.sa.key_exchanges import KeyExchanges, method_name
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.tasks.ike_delete import IkeDelete
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.charon.sa.timers import FollowUpDue, Retry
from cygnet.crypto.errors import InvalidKeError
from cygnet.keying.sa.endings import Cause

LINK_SIZE, MAX_LINK = 16, 1024
RETRY_S = 10.0
MAX_RETRIES = 5
PATIENCE_S = 180.0  # of TEMPORARY_FAILUREs, "several minutes" in RFC 7296, 2.25


class Series(Task):
    """A negotiation by CREATE_CHILD_SA, with as many further key exchanges as were agreed on.

    Between two of them an initiator stays active, while a responder waits in ``Association.series`` under
    the link that it gave the peer. What there is to do after the last is for ``conclude``, in both roles.
    """

    opens: ClassVar[Exchange | None] = Exchange.CREATE_CHILD_SA

    initiating = False
    following = False
    complete = False
    nonce = b""
    peer_nonce = b""
    answer: KeyExchange | None = None
    _asked_again = 0
    _forgotten = 0
    _link = b""
    _refused_since: float | None = None

    def __init__(self, sa: Association, ticket: int = 0) -> None:
        super().__init__(sa, ticket)
        self.exchanges = KeyExchanges()

    @property
    def lowest(self) -> bytes:
        """The lower of the two nonces."""
        return min(self.nonce, self.peer_nonce)

    def ready(self) -> bool:
        """Not while either side rekeys the IKE_SA (RFC 7296, 2.25.2)."""
        return self.sa.state is IkeState.ESTABLISHED

    def next_exchange(self) -> Exchange | None:
        return Exchange.IKE_FOLLOWUP_KE if self.following else self.opens

    def takes_part(self, exchange: int) -> bool:
        if self.following:
            return exchange == Exchange.IKE_FOLLOWUP_KE
        return exchange == self.opens or exchange in self.rides

    def conclude(self) -> None:
        """All key exchanges are done: make what was negotiated."""
        raise NotImplementedError

    def give_up(self, reason: str) -> None:
        """End without success."""
        if not self.initiating:
            self.sa.series.pop(self._link, None)
        self.failed(reason)

    # As initiator

    def ask_further(self, draft: Draft) -> Step:
        """The next key exchange, with the responder's link (RFC 9370, 2.2.4)."""
        draft.add(self.exchanges.request(self.sa.ports.rng))
        draft.notify(NotifyType.ADDITIONAL_KEY_EXCHANGE, self._link)
        return MORE

    def take_further(self, message: Message) -> Step:
        """The answer to that."""
        errors = [one for one in message.notifies if one.is_error]
        if errors and message.first(KeyExchange) is None:
            return self.refused(errors[0])
        self.finish_exchange(message.first(KeyExchange))
        return self.follow(message)

    def finish_exchange(self, payload: KeyExchange | None) -> None:
        """Take the responder's value.

        With one that is no good the two sides no longer hold the same keys, so the IKE_SA goes
        (draft-ietf-ipsecme-ikev2-mlkem, 2.3).
        """
        try:
            self.exchanges.finish(payload)
        except InvalidKeError as error:
            start_over(self.sa, str(error))
            raise

    def follow(self, message: Message) -> Step:
        """After a response: on to the next key exchange, or finish."""
        if not self.exchanges.next:
            self.following = False
            self.conclude()
            return DONE
        notify = message.notify(NotifyType.ADDITIONAL_KEY_EXCHANGE)
        if notify is None or len(notify.data) > MAX_LINK:
            wanted = method_name(self.exchanges.next)
            raise InvalidSyntaxError(f"no usable ADDITIONAL_KEY_EXCHANGE notify, but {wanted} is next")
        self._link, self.following = notify.data, True
        return MORE

    def refused(self, notify: Notify) -> Step:
        """The peer answered with an error: try again where that may help, else fail."""
        sa, name = self.sa, notifies.name(notify.type)
        if notify.type == NotifyType.TEMPORARY_FAILURE:
            return self._later(name)
        if notify.type == NotifyType.STATE_NOT_FOUND:
            return self._from_the_start(name)
        wanted = int.from_bytes(notify.data, "big") if len(notify.data) == 2 else 0
        if notify.type == NotifyType.INVALID_KE_PAYLOAD and self._can_use(wanted):
            old = method_name(self.exchanges.requested)
            text = f"peer didn't accept key exchange method {old}, it requested {method_name(wanted)}"
            sa.log(Group.IKE, text)
            self._asked_again += 1
            self.use_method(wanted)
            return self.again(0)
        return self.refused_for_good(notify)

    def offered_methods(self) -> tuple[int, ...]:
        """The first key exchange methods that were offered."""
        raise NotImplementedError

    def use_method(self, number: int) -> None:
        """Begin the next attempt with this first method."""
        raise NotImplementedError

    def refused_for_good(self, notify: Notify) -> Step:
        """The notify ends it."""
        raise NotImplementedError

    def _can_use(self, method: int) -> bool:
        usable = method in self.offered_methods() and method != self.exchanges.requested
        return usable and self._asked_again < MAX_RETRIES and not self.following

    def _later(self, name: str) -> Step:
        """TEMPORARY_FAILURE: wait; after minutes of them, the IKE_SA is out of step (RFC 7296, 2.25)."""
        sa = self.sa
        if self._refused_since is None:
            self._refused_since = sa.now
        if sa.now - self._refused_since >= PATIENCE_S:
            self.failed(f"received {name} notify for {PATIENCE_S:.0f}s")
            start_over(sa, f"received {name} notify for {PATIENCE_S:.0f}s")
            return DONE
        sa.log(Group.IKE, f"received {name} notify, will retry later")
        return self.again(RETRY_S * (0.5 + sa.chance()))

    def _from_the_start(self, name: str) -> Step:
        """The responder forgot the beginning of the series; always doing so is fatal (RFC 9370, 2.2.4)."""
        self._forgotten, self._refused_since = self._forgotten + 1, None
        if self._forgotten > MAX_RETRIES:
            self.failed(f"received {name} notify {self._forgotten} times")
            start_over(self.sa, f"received {name} notify {self._forgotten} times")
            return DONE
        self.sa.log(Group.IKE, f"received {name} notify, starting over with the key exchanges")
        return self.again(0)

    def again(self, delay_s: float) -> Step:
        """The same in a new exchange, later."""
        self.restart()
        self.not_before = self.sa.now + delay_s
        self.sa.wanted.append(self)
        if delay_s:
            self.sa.schedule(delay_s, Retry())
        return DONE

    def restart(self) -> None:
        self.following, self.exchanges = False, KeyExchanges()

    # As responder

    def check_room(self) -> None:
        """Refuse to begin one more series than may wait (a limit of ours)."""
        if len(self.sa.series) >= self.sa.ports.settings.max_followups:
            raise TemporaryFailureError(f"{len(self.sa.series)} series of key exchanges are waiting already")

    def suspend(self, draft: Draft) -> None:
        """Wait for the next key exchange, for a while, under a link that nobody else can know."""
        sa = self.sa
        self.following, self._link = True, sa.ports.rng(LINK_SIZE)
        sa.series[self._link] = self
        draft.notify(NotifyType.ADDITIONAL_KEY_EXCHANGE, self._link)
        sa.schedule(sa.ports.settings.followup_timeout_s, FollowUpDue(self._link))

    def resume(self, message: Message) -> None:
        """The next key exchange came."""
        self.answer = self.exchanges.answer(message.first(KeyExchange), self.sa.ports.rng)

    def build_further(self, draft: Draft) -> None:
        """Answer it, and wait again or finish."""
        if self.answer is None:
            raise NotPossibleError("no key exchange to answer")
        if not self.exchanges.next:
            self.following = False
            self.conclude()
        draft.add(self.answer)
        if self.exchanges.next:
            self.suspend(draft)


def start_over(sa: Association, reason: str) -> None:
    """The two sides are out of step: delete the IKE_SA, then make it anew with its CHILD_SAs."""
    sa.log(Group.IKE, f"deleting IKE_SA {sa} to make it anew: {reason}")
    sa.cause = Cause.OUT_OF_STEP
    sa.wanted.append(IkeDelete(sa))
