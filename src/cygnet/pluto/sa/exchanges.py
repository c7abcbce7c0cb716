"""The exchanges of one ISAKMP SA: finds the row for a message, has it processed, sends what it answers.

A message that no row lets in is dropped and counted. One that fails ends its own exchange; of phase 1, the
ISAKMP SA.
"""

from dataclasses import dataclass

from cygnet.base.errors import CygnetError, Ends, PeerError
from cygnet.base.groups import Group, Level
from cygnet.keying.config.records import ChildConfig
from cygnet.pluto.encoding.errors import InvalidPayloadTypeError, UndecipherableError
from cygnet.pluto.encoding.exchanges import PHASE_1, Exchange, exchange_name
from cygnet.pluto.encoding.message import Message, Parsed
from cygnet.pluto.encoding.notify import NotifyType, notify_name
from cygnet.pluto.encoding.payloads import Notification, Payload
from cygnet.pluto.sa import deletion, reading, succession
from cygnet.pluto.sa.arrivals import DroppedError, Route, TooEarlyError, find
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.authentication import WRONG_SECRET
from cygnet.pluto.sa.child_wishes import WantedChild
from cygnet.pluto.sa.conversation import Conversation
from cygnet.pluto.sa.errors import notify_of
from cygnet.pluto.sa.events import Reestablish
from cygnet.pluto.sa.informational import GoneError, RefusedError
from cygnet.pluto.sa.phase1 import use_keys
from cygnet.pluto.sa.states import IkeState, State
from cygnet.pluto.sa.transitions import Cover, Hash, Step, Transition, Wait
from cygnet.pluto.sa.transport import Outgoing, Transport
from cygnet.pluto.sa.wishes import Context

MAX_OVER = 64
"""Exchanges that are over and still remembered, so that copies of their messages are known."""

MAX_SPENT = 4096
"""Message IDs of older ones: they are used once (RFC 2408, 3.1), and replays are dropped by them."""


@dataclass(frozen=True, slots=True)
class _Early:
    """A message that came before it can be read or used (RFC 2409, 5: quick mode may overtake MI3)."""

    data: bytes
    route: Route


class Exchanges:
    """Phase 1 is conversation 0, others go by their message IDs."""

    def __init__(self, sa: Association) -> None:
        self._sa = sa
        self._transport = Transport(sa)
        self._open: dict[int, Conversation] = {}
        self._spent: dict[int, None] = {}  # message IDs of exchanges that are forgotten
        self._early: list[_Early] = []
        self._replaying = False

    @property
    def under_way(self) -> tuple[Conversation, ...]:
        """Exchanges that are not over."""
        return tuple(one for one in self._open.values() if not one.over)

    @property
    def has_begun(self) -> bool:
        """Whether there is an exchange, or as much of its first message as has come."""
        return self._transport.is_gathering or bool(self.under_way)

    # Messages

    def receive(self, data: bytes, route: Route) -> None:
        """One datagram."""
        try:
            collected = self._transport.collect(data)
            if collected is None:
                return
            parsed, whole = collected
            conversation = find(self._sa, self._open, parsed, route)
            if conversation.message_id in self._spent:
                self._drop("replayed", f"message ID {conversation.message_id} was used before")
            elif conversation.knows(whole):
                self._copy(conversation, whole)
            else:
                self._process(conversation, parsed, whole, route)
        except TooEarlyError as error:
            self._keep(whole, route, error)
        except DroppedError as error:
            self._drop(error.counter, str(error))
        except PeerError as error:
            self._drop("malformed", str(error))
        if self._sa.phase1_over:
            self._replay()

    def begin(self, row: Transition, context: Context | None = None) -> None:
        """Begin an exchange with its opening row."""
        sa = self._sa
        number = 0 if row.exchange in PHASE_1 else self._fresh_id()
        conversation = Conversation(row.exchange, number, True, State.START, context)
        step = Step(sa, conversation, Message(row.exchange, number))
        try:
            reply = row.processor(step)
        except CygnetError as error:
            if row.exchange in PHASE_1:
                self.fail(str(error))
            elif context is not None:
                context.failed(str(error))
            return
        if reply is None:
            return
        self._open[number] = conversation
        self._answer(conversation, row, reply)

    def retransmit(self, number: int, serial: int) -> None:
        """A timer of the transport's."""
        conversation = self._open.get(number)
        if conversation is None or conversation.over or conversation.serial != serial:
            return
        if self._is_gone(conversation) or self._transport.retransmit(conversation):
            return
        sa = self._sa
        if conversation.exchange in PHASE_1:
            hint = sa.handshake.hint if sa.handshake else ""
            self.fail(hint or "peer not responding")
            return
        del self._open[number]
        self._give_up(conversation, "peer not responding")
        if sa.authenticating or not sa.configured:
            self.fail("peer not responding")
        elif conversation.initiator and not conversation.digests and sa.usable:
            deletion.over(sa, dead=True, reason="peer not responding")
            self.end("peer not responding")

    def inform(self) -> None:
        """Send what is to be told, each in an informational exchange of its own."""
        sa = self._sa
        while sa.outbox:
            self._send_informational(sa.outbox.pop(0), clear=sa.keys is None)

    # Ends

    def fail(self, reason: str) -> None:
        """Phase 1 comes to nothing; an initiator tries again as often as ``keyingtries`` says."""
        sa, config = self._sa, self._sa.config
        sa.log(Group.IKE, f"establishing IKE_SA failed, {reason}")
        if sa.initiator and config is not None and sa.life in (IkeState.CREATED, IkeState.CONNECTING):
            tries = sa.tries + 1
            children = _wanted_children(sa)
            if sa.replaces:
                sa.log(Group.IKE, "the ISAKMP SA that was to be renewed goes on")
            elif not config.keying_tries or tries < config.keying_tries:
                sa.announce(Reestablish(config, children, reason, tries=tries))
        self.end(reason)

    def end(self, reason: str) -> None:
        """The ISAKMP SA is over: all that was under way or waiting failed."""
        sa = self._sa
        there, self._open = self._open, {}
        self._early.clear()
        for conversation in there.values():
            if not conversation.over:
                self._give_up(conversation, reason)
        if sa.heir:
            succession.hand_over(sa)
        wanted, sa.wanted = sa.wanted, []
        for wish in wanted:
            wish.context.failed(reason)
        tickets, sa.tickets = sa.tickets, []
        for ticket in tickets:
            sa.finish(ticket, False, reason)
        sa.retire(reason)

    # Inside: one message

    def _keep(self, data: bytes, route: Route, error: TooEarlyError) -> None:
        """What came early may be in time later."""
        if len(self._early) >= self._sa.ports.settings.max_early:
            self._drop(error.counter, str(error))
            return
        self._early.append(_Early(data, route))
        self._sa.log(Group.IKE, f"{error}, kept")

    def _replay(self) -> None:
        """What came early may be in time now; what is not is kept again."""
        if self._replaying:
            return
        self._replaying = True
        waiting, self._early = self._early, []
        for early in waiting:
            self.receive(early.data, early.route)
        self._replaying = False

    def _is_gone(self, conversation: Conversation) -> bool:
        """Whether it was about an IPsec SA that was deleted meanwhile: then it is over."""
        context = conversation.context
        if context is None or not context.gone:
            return False
        conversation.over = True
        self._give_up(conversation, "deleted meanwhile")
        return True

    def _copy(self, conversation: Conversation, whole: bytes) -> None:
        self._sa.count("retransmits_received")
        if conversation.is_last(whole):
            self._transport.repeat(conversation)

    def _process(self, conversation: Conversation, parsed: Parsed, whole: bytes, route: Route) -> None:
        sa = self._sa
        if conversation.over or self._is_gone(conversation):
            self._drop("unexpected", f"{exchange_name(conversation.exchange)} message, the exchange is over")
            return
        try:
            keys, opened = reading.read(sa, self._transport, parsed, conversation)
        except UndecipherableError as error:
            self._unreadable(conversation, error)
            return
        message = opened.message
        row = reading.row_for(sa, conversation, parsed.encrypted, message)
        if row is None:
            self._unexpected(conversation, message)
            return
        reading.check_hash(sa, conversation, row, message)
        sa.log(Group.ENC, f"parsed {message.describe(conversation.initiator)}")
        sa.saw(conversation.exchange, incoming=True, response=conversation.initiator)
        if keys is not None:
            use_keys(sa, keys)
            self._transport.advance(conversation, opened.block)
        if row.checks is not Hash.NONE:
            sa.times.received = sa.now
        self._take(conversation, row, Step(sa, conversation, row.select(message)), (whole, route, parsed))

    def _take(
        self, conversation: Conversation, row: Transition, step: Step, came: tuple[bytes, Route, Parsed]
    ) -> None:
        whole, route, parsed = came
        if conversation.exchange != Exchange.INFORMATIONAL_V1 or parsed.encrypted:
            self._remember(conversation)
        try:
            reply = row.processor(step)
        except GoneError as error:
            deletion.over(self._sa, dead=False, reason=str(error))
            self.end(str(error))
            return
        except CygnetError as error:
            self._sa.refusal = error.type if isinstance(error, RefusedError) else notify_of(error) or 0
            if isinstance(error, RefusedError):
                self._refused(error)
            else:
                self._failed(conversation, error)
            self._sa.refusal = 0
            return
        conversation.received(whole)
        if parsed.encrypted:
            self._follow(route)
        self._answer(conversation, row, reply)
        if row.after is not None:
            self._afterwards(conversation, row, step)

    def _unexpected(self, conversation: Conversation, message: Message) -> None:
        """No row takes it. Whoever begins with such a message is told; later anybody may have sent it."""
        shown = message.describe(conversation.initiator)
        if conversation.state in (State.MAIN_R0, State.AGGR_R0):
            self._failed(conversation, InvalidPayloadTypeError(f"unexpected payloads in {shown}"))
        else:
            self._drop("unexpected", f"{shown} in state {conversation.state.label}")

    def _afterwards(self, conversation: Conversation, row: Transition, step: Step) -> None:
        try:
            if row.after is not None:
                row.after(step)
        except CygnetError as error:
            self._failed(conversation, error)

    def _answer(self, conversation: Conversation, row: Transition, reply: tuple[Payload, ...] | None) -> None:
        sa = self._sa
        conversation.state = row.next
        if reply is not None and row.answers is not None:
            outgoing = Outgoing(reply, row.answers, row.signs, not conversation.initiator)
            self._transport.send(conversation, outgoing)
        elif reply is None:
            conversation.packets = ()
            conversation.serial += 1
        if row.wait is Wait.RETRANSMIT:
            self._transport.await_answer(conversation)
        conversation.over = row.wait is Wait.OVER
        if conversation.exchange == Exchange.INFORMATIONAL_V1:
            return
        child = getattr(conversation.context, "child", None)
        sa.reached(row.next, child.unique_id if child else 0)

    def _remember(self, conversation: Conversation) -> None:
        self._open[conversation.message_id] = conversation
        over = [number for number, one in self._open.items() if one.over and number]
        for number in over[: max(len(over) - MAX_OVER, 0)]:
            del self._open[number]
            self._spent[number] = None
        while len(self._spent) > MAX_SPENT:
            del self._spent[next(iter(self._spent))]

    def _follow(self, route: Route) -> None:
        """The peer's authentic messages come from elsewhere: a NAT, or the change to port 4500."""
        if route != (self._sa.remote, self._sa.local) and self._sa.nat.any:
            self._sa.follow(route.destination, route.source)

    # Inside: failures

    def _failed(self, conversation: Conversation, error: CygnetError) -> None:
        """A message failed: tell the peer, and end as much as the error says."""
        sa = self._sa
        sa.log(Group.IKE, str(error))
        ends = error.ends if isinstance(error, PeerError) else Ends.SA
        if conversation.exchange in PHASE_1:
            if sa.initiator and isinstance(error, PeerError) and ends is Ends.MESSAGE:
                self._drop("unexpected", "")
                return
            if sa.life is IkeState.ESTABLISHED:
                sa.move_to(IkeState.DELETING)
            self._tell(conversation, error)
            self.fail(str(error))
            return
        self._tell(conversation, error)
        conversation.over = True
        self._give_up(conversation, str(error))
        if ends is Ends.SA and conversation.exchange == Exchange.TRANSACTION:
            deletion.delete_ike(sa)
            self.inform()
            self.end(str(error))

    def _tell(self, conversation: Conversation, error: CygnetError) -> None:
        sa, notify = self._sa, notify_of(error)
        if notify is None or conversation.exchange == Exchange.INFORMATIONAL_V1:
            return
        sa.log(Group.IKE, f"sending {notify_name(notify)} error notify")
        child = getattr(conversation.context, "child", None)
        spi = child.spi_octets if child else b""
        phase1 = conversation.exchange in PHASE_1
        protocol = 1 if phase1 else 3
        payload = Notification(notify, b"", protocol, sa.cookies if phase1 else spi)
        encrypted = sa.keys is not None and bool(sa.last_block)
        self._send_informational((payload,), clear=not encrypted)

    def _send_informational(self, payloads: tuple[Payload, ...], *, clear: bool) -> None:
        conversation = Conversation(Exchange.INFORMATIONAL_V1, self._fresh_id(), True, State.INFO_PROTECTED)
        cover, signs = (Cover.CLEAR, Hash.NONE) if clear else (Cover.ENCRYPTED, Hash.HASH_1)
        self._transport.send(conversation, Outgoing(payloads, cover, signs))

    def _refused(self, error: RefusedError) -> None:
        """The peer refuses: an exchange of ours if it names one, else the oldest; phase 1 if that goes on."""
        sa = self._sa
        if not sa.usable:
            self.fail(str(error))
            return
        waiting = [one for one in self.under_way if one.initiator]
        named = [one for one in waiting if one.spi == error.spi and error.spi]
        for conversation in (named or waiting)[:1]:
            del self._open[conversation.message_id]
            self._give_up(conversation, str(error))

    def _unreadable(self, conversation: Conversation, error: UndecipherableError) -> None:
        """Encrypted with other keys. While phase 1 goes on with a pre-shared key it is that which differs."""
        sa, shake = self._sa, self._sa.handshake
        if shake is None or sa.method is None or not sa.method.psk or not self._tells_of_secret(conversation):
            self._drop("undecipherable", str(error))
            return
        shake.hint = f"{WRONG_SECRET}: ours for {sa.remote} is not the peer's ({error})"
        sa.log(Group.IKE, shake.hint)
        sa.count("wrong_secret")
        if not sa.initiator and not shake.complained:
            shake.complained = True
            payload = Notification(NotifyType.PAYLOAD_MALFORMED, b"", 1, sa.cookies)
            self._send_informational((payload,), clear=True)

    def _tells_of_secret(self, conversation: Conversation) -> bool:
        """The first encrypted message of the other side: of phase 1, or its complaint about ours."""
        state, phase1 = self._sa.state, conversation.exchange in PHASE_1
        return state in (State.MAIN_I3, State.AGGR_R1) or (state is State.MAIN_R2 and phase1)

    def _give_up(self, conversation: Conversation, reason: str) -> None:
        context, conversation.context = conversation.context, None
        if context is not None:
            context.failed(reason)

    def _drop(self, counter: str, why: str) -> None:
        if why:
            self._sa.log(Group.IKE, f"message dropped: {why}", Level.DETAIL)
        self._sa.count(f"dropped_{counter}")

    def _fresh_id(self) -> int:
        """A message ID that is not in use, at random (RFC 2408, 3.1)."""
        number = 0
        while not number or number in self._open or number in self._spent:
            number = int.from_bytes(self._sa.ports.rng(4), "big")
        return number


def _wanted_children(sa: Association) -> tuple[ChildConfig, ...]:
    """The configurations, each once, of what waits."""
    found = (wish.context.config for wish in sa.wanted if isinstance(wish.context, WantedChild))
    return tuple({config.name: config for config in found}.values())
