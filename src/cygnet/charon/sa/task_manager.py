"""Runs the tasks of one IKE_SA: which exchange, which message, in which order (RFC 7296, 2.1 to 2.3).

The window is 1. Tasks are *queued* (wanted), *active* (our exchange in flight) or *passive* (the peer's).
"""

from cygnet.base.effects import Counted
from cygnet.base.errors import CygnetError, Ends, LocalError, PeerError
from cygnet.base.groups import Group
from cygnet.charon.encoding.errors import UnsupportedCriticalPayloadError
from cygnet.charon.encoding.exchanges import Exchange, check, exchange_name
from cygnet.charon.encoding.message import Message, Parsed, parse_message
from cygnet.charon.encoding.payloads import Delete, Eap, Notify
from cygnet.charon.sa.arrival import arrived
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.errors import refusal
from cygnet.charon.sa.path_found import found
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.tasks import TASKS
from cygnet.charon.sa.tasks.peer_notify import PeerNotify
from cygnet.charon.sa.tasks.task import Draft, Step, Task
from cygnet.charon.sa.transport import Route, Transport

_PLACE = {kind: place for place, kind in enumerate(TASKS)}
_MAKING = frozenset({Exchange.IKE_INTERMEDIATE, Exchange.IKE_AUTH})
_SETUP = _MAKING | {Exchange.IKE_SA_INIT}
_SETUP_TASKS = tuple(kind for kind in TASKS if kind.opens in _SETUP or kind.rides & _SETUP)
_CONNECTING = _MAKING | {Exchange.INFORMATIONAL}  # the latter to say why it gives up
_BEGINNINGS = {IkeState.CREATED: frozenset({Exchange.IKE_SA_INIT}), IkeState.CONNECTING: _CONNECTING}
_LIVE = (Exchange.CREATE_CHILD_SA, Exchange.IKE_FOLLOWUP_KE, Exchange.INFORMATIONAL)
_COMPLAINT_INTERVAL_S = 10.0  # at most one log line in that time about what is dropped


class TaskManager:
    """Message IDs, the window, and who builds and reads what."""

    def __init__(self, sa: Association) -> None:
        self.sa = sa
        self.transport = Transport(sa)
        self.queued: list[Task] = []
        self.active: list[Task] = []
        self.passive: list[Task] = []
        self._own_id = 0
        self._peer_id = 0
        self._complained_at = -_COMPLAINT_INTERVAL_S

    # From the network

    def receive(self, data: bytes, route: Route) -> None:
        """One datagram. Whatever it is, it ends at most this IKE_SA."""
        sa = self.sa
        way = f"from {route.source.with_brackets()} to {route.destination.with_brackets()}"
        sa.log(Group.NET, f"received packet: {way} ({len(data)} bytes)")
        try:
            parsed = parse_message(data)
        except PeerError as error:
            self._unreadable(data, route, error)
            return
        header = parsed.header
        if header.from_initiator is sa.initiator or header.spi_i != sa.spi_i:
            self._drop("not_from_peer", "its flags or SPIs are not the peer's")
        elif header.is_response:
            self._receive_response(parsed, route)
        else:
            self._receive_request(parsed, route)

    def _unreadable(self, data: bytes, route: Route, error: PeerError) -> None:
        """Malformed before any integrity check: silence, except for a first message (RFC 7296, 2.21.1)."""
        sa = self.sa
        self._drop("malformed", str(error))
        if sa.initiator or sa.keys is not None:
            return
        if isinstance(error, UnsupportedCriticalPayloadError):
            self._answer_refusal(Draft(Exchange.IKE_SA_INIT, 0, True), data, route, error)
        sa.retire(f"malformed first message: {error}")

    def _drop(self, counter: str, reason: str) -> None:
        """Count a message that is dropped; one log line now and then."""
        sa = self.sa
        sa.announce(Counted(counter, sa.connection))
        if sa.now - self._complained_at >= _COMPLAINT_INTERVAL_S:
            self._complained_at = sa.now
            sa.log(Group.IKE, f"message dropped: {reason}")

    def _receive_request(self, parsed: Parsed, route: Route) -> None:
        sa, header, cached = self.sa, parsed.header, self.transport.cached
        if header.message_id != self._peer_id:
            if cached is None or header.message_id != cached.message_id:
                text = f"received message ID {header.message_id}, expected {self._peer_id}"
                self._drop("out_of_window", text)
            elif self.transport.is_copy(parsed):
                self.transport.repeat_response(route)
            return
        if not self._expected_now(header.exchange) or (parsed.encrypted is None) is not (sa.keys is None):
            self._drop("wrong_time", f"{exchange_name(header.exchange)} request in state {sa.state}")
            return
        draft = Draft(header.exchange, header.message_id, True)
        try:
            message = self._read(parsed)
        except PeerError as error:
            self._bad_request(error, draft, parsed, route)
            return
        if message is not None:
            arrived(sa, (route.destination, route.source))
            self._process_request(message, draft, parsed.raw, route)

    def _expected_now(self, exchange: int) -> bool:
        """Whether the peer may begin this exchange in the present state."""
        allowed = _BEGINNINGS.get(self.sa.state)
        if allowed is None:
            return exchange not in _SETUP
        return exchange in allowed and not self.sa.initiator

    def _read(self, parsed: Parsed) -> Message | None:
        """Verified, complete, and with the payloads its exchange demands."""
        sa = self.sa
        protected = parsed.encrypted is not None
        message = self.transport.open(parsed) if protected else parsed.message
        if message is None:
            return None
        sa.log(Group.ENC, f"parsed {message.describe()}")
        sa.saw(message, incoming=True)
        check(message, protected)
        return message

    def _bad_request(self, error: PeerError, draft: Draft, parsed: Parsed, route: Route) -> None:
        """A request that cannot be read: silence if it may be anybody's, else a refusal."""
        if error.notify is None:
            self._drop("not_authentic", str(error))
            return
        name = exchange_name(draft.exchange)
        self.sa.log(Group.ENC, f"{name} request {draft.message_id} is wrong: {error}")
        ends = error.ends is Ends.SA or self.sa.state in (IkeState.CREATED, IkeState.CONNECTING)
        self._answer_refusal(draft, parsed.raw, route, error)
        self._peer_id += 1
        if ends:
            self.abort(str(error))

    # Requests

    def _process_request(self, message: Message, draft: Draft, raw: bytes, route: Route) -> None:
        sa = self.sa
        if message.exchange == Exchange.IKE_SA_INIT:
            sa.negotiation.request = raw
        self._choose_passive(message)
        error = self._run_passive(message, draft)
        if error is not None:
            self._answer_refusal(draft, raw, route, error)
            self._peer_id += 1
            self.abort(str(error))
            return
        packets = self.transport.pack(draft)
        if message.exchange == Exchange.IKE_SA_INIT:
            sa.negotiation.response = packets[0]
        elif message.exchange == Exchange.IKE_INTERMEDIATE:
            sa.negotiation.int_auth.add(sa.established_keys, message.covered, draft.covered)
        self.transport.respond(raw, draft, packets, route)
        self._peer_id += 1
        for task in self.passive:
            task.sent()
        if sa.state not in (IkeState.CREATED, IkeState.CONNECTING):
            self.passive.clear()

    def _choose_passive(self, message: Message) -> None:
        sa = self.sa
        if message.exchange == Exchange.IKE_SA_INIT:
            self.passive = [kind(sa) for kind in _SETUP_TASKS]
        elif message.exchange in _LIVE:
            kinds = (PeerNotify,) if sa.state is IkeState.CONNECTING else TASKS
            self.passive = [kind(sa) for kind in kinds if kind.answers(sa, message)]

    def _run_passive(self, message: Message, draft: Draft) -> CygnetError | None:
        """All tasks read the request, then all build the response; what ends the IKE_SA is returned."""
        going: list[Task] = []
        for task in self.passive:
            if not task.takes_part(message.exchange):
                going.append(task)
                continue
            try:
                if task.process_request(message) is Step.MORE:
                    going.append(task)
            except (PeerError, LocalError) as error:
                if self._is_fatal(task, error):
                    return error
                self._refuse(task, error, draft)
        self.passive = []
        for task in going:
            try:
                if not task.takes_part(message.exchange) or task.build_response(draft) is Step.MORE:
                    self.passive.append(task)
            except (PeerError, LocalError) as error:
                if self._is_fatal(task, error):
                    return error
                self._refuse(task, error, draft)
        return None

    def _is_fatal(self, task: Task, error: CygnetError) -> bool:
        if task.vital and self.sa.state in (IkeState.CREATED, IkeState.CONNECTING):
            return True
        return isinstance(error, PeerError) and error.ends is Ends.SA

    def _refuse(self, task: Task, error: CygnetError, draft: Draft) -> None:
        """The task ends, the rest goes on: its notify joins the response."""
        self.sa.log(Group.IKE, f"{task.name} failed: {error}")
        task.failed(str(error))
        if (notify := refusal(error)) is not None:
            draft.add(notify)

    def _answer_refusal(self, draft: Draft, raw: bytes, route: Route, error: CygnetError) -> None:
        """A response that is nothing but the error's notify."""
        notify = refusal(error)
        if notify is None:
            return
        self.sa.log(Group.IKE, f"refusing {exchange_name(draft.exchange)} request: {error}")
        draft.payloads = [notify]
        self.transport.respond(raw, draft, self.transport.pack(draft), route)

    # Responses

    def _receive_response(self, parsed: Parsed, route: Route) -> None:
        sa, header, waiting = self.sa, parsed.header, self.transport.outstanding
        if waiting is None or (header.message_id, header.exchange) != (waiting.message_id, waiting.exchange):
            self._drop("unexpected_response", f"response {header.message_id} to no request")
            return
        if (parsed.encrypted is None) is not (sa.keys is None):
            self._drop("not_protected", "response without the protection it must have")
            return
        if sa.keys is not None and header.spi_r != sa.spi_r:
            self._drop("not_from_peer", "its flags or SPIs are not the peer's")
            return
        try:
            message = self._read(parsed)
        except PeerError as error:
            self._bad_response(error)
            return
        if message is None:
            return
        pair = route.destination, route.source
        if sa.is_searching and pair not in waiting.tried:
            self._drop("unexpected_path", "the answer came by a path that was not asked")
            return
        if sa.is_searching:
            found(sa, pair)
        arrived(sa, pair)
        self._process_response(message, parsed.raw)

    def _bad_response(self, error: PeerError) -> None:
        """Not authentic: the real one may come yet. Authentic but wrong: the peer cannot be talked to."""
        if error.notify is None or self.sa.keys is None:
            self._drop("bad_response", str(error))
            return
        self.sa.log(Group.ENC, f"response is wrong: {error}")
        self._own_id += 1
        self.transport.outstanding = None
        self.abort(str(error), farewell=refusal(error))

    def _process_response(self, message: Message, raw: bytes) -> None:
        sa, waiting = self.sa, self.transport.outstanding
        if message.exchange == Exchange.IKE_SA_INIT:
            sa.negotiation.response = raw
        elif message.exchange == Exchange.IKE_INTERMEDIATE and waiting is not None:
            sa.negotiation.int_auth.add(sa.established_keys, waiting.covered, message.covered)
        self.transport.outstanding = None
        going: list[Task] = []
        for task in self.active:
            if not task.takes_part(message.exchange):
                going.append(task)
                continue
            try:
                step = task.process_response(message)
            except (PeerError, LocalError) as error:
                if self._is_fatal(task, error):
                    self._own_id += 1
                    self._failed(error)
                    return
                sa.log(Group.IKE, f"{task.name} failed: {error}")
                task.failed(str(error))
                continue
            if step is Step.AGAIN:
                return
            if step is Step.MORE:
                going.append(task)
            if sa.state is IkeState.DESTROYING:
                self.abort("IKE_SA deleted")
                return
        self._own_id += 1
        self.active = going

    def _failed(self, error: CygnetError) -> None:
        """What the peer answered ends the IKE_SA; it is told unless it said so itself."""
        self.sa.log(Group.IKE, str(error))
        notify = refusal(error)
        self.abort(str(error), farewell=notify if self.sa.keys is not None else None)

    # Requests of ours

    def queue(self, task: Task) -> None:
        """Have a task done as soon as its turn comes."""
        if len(self.queued) >= self.sa.ports.settings.max_queued_tasks:
            task.failed("too many tasks are queued")
            return
        self.queued.append(task)

    def initiate(self) -> None:
        """Send the next request if nothing is in flight."""
        sa = self.sa
        while sa.wanted:
            self.queue(sa.wanted.pop(0))
        if sa.mobility.resend:
            sa.mobility.resend = False
            self.transport.resend()
        while self.transport.outstanding is None and sa.state is not IkeState.DESTROYING:
            if not self.active:
                self._activate()
            exchange = next((found for task in self.active if (found := task.next_exchange())), None)
            if exchange is None:
                self.active.clear()
                return
            if not self._build_request(exchange):
                continue

    def _build_request(self, exchange: Exchange) -> bool:
        sa = self.sa
        draft = Draft(exchange, self._own_id, False)
        for task in tuple(self.active):
            if not task.takes_part(exchange):
                continue
            try:
                if task.build_request(draft) is Step.DONE:
                    self.active.remove(task)
            except LocalError as error:
                if sa.state in (IkeState.CREATED, IkeState.CONNECTING):
                    self._failed(error)
                    return False
                sa.log(Group.IKE, f"{task.name} failed: {error}")
                self.active.remove(task)
                task.failed(str(error))
        if not draft.payloads and not any(task.next_exchange() == exchange for task in self.active):
            return False
        packets = self.transport.pack(draft)
        if exchange == Exchange.IKE_SA_INIT:
            sa.negotiation.request = packets[0]
        self.transport.request(draft, packets)
        return True

    def _activate(self) -> None:
        """Move the task(s) of the next exchange from queued to active."""
        sa = self.sa
        if sa.state is IkeState.CREATED:
            chosen: dict[type[Task], Task] = {}
            for task in self.queued:
                if type(task) in _SETUP_TASKS:
                    chosen.setdefault(type(task), task)
            self.active = sorted(chosen.values(), key=lambda task: _PLACE[type(task)])
        elif sa.state is not IkeState.CONNECTING:
            ready = [
                task for task in self.queued if task.opens and task.not_before <= sa.now and task.ready()
            ]
            self.active = sorted(ready, key=lambda task: _PLACE[type(task)])[:1]
        for task in self.active:
            self.queued.remove(task)

    # Ends

    def restart(self, fresh: tuple[Task, ...]) -> None:
        """Begin again with the first message: ``fresh`` tasks take the place of those of their kinds."""
        self.transport.outstanding = self.transport.cached = None
        self._own_id = self._peer_id = 0
        kinds = {type(task) for task in fresh}
        kept = [task for task in self.active if type(task) not in kinds]
        for task in kept:
            task.restart()
        self.active = sorted((*fresh, *kept), key=lambda task: _PLACE[type(task)])
        self.passive = []

    def abort(self, reason: str, farewell: Notify | Eap | None = None) -> None:
        """The IKE_SA is over; with ``farewell`` the peer is told once, without waiting for an answer."""
        sa = self.sa
        if farewell is not None and sa.state is not IkeState.DESTROYING:
            self.say_farewell(farewell)
        tasks = (*self.active, *self.queued, *self.passive, *sa.wanted)
        self.active, self.queued, self.passive = [], [], []
        sa.wanted.clear()
        sa.forget_negotiations()
        for task in tasks:
            task.failed(reason)
        sa.retire(reason)

    def say_farewell(self, payload: Notify | Eap | Delete) -> None:
        """One INFORMATIONAL request that nobody waits for (RFC 7296, 2.21.2)."""
        sa = self.sa
        if self.transport.outstanding is not None or sa.keys is None:
            return
        draft = Draft(Exchange.INFORMATIONAL, self._own_id, False)
        draft.add(payload)
        for packet in self.transport.pack(draft):
            sa.send(sa.local, sa.remote, packet)
