"""What is wanted of each CHILD_SA configuration, and what its end asks for: state and decisions, no action.

A connection is wanted up for good (``auto=start``) or for once (an operator's ``up``, a packet at a trap,
``dpdaction`` or ``closeaction``, re-authentication). Per configuration and selectors at most one attempt
runs, so that whatever asks for it, however often, nothing is made twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import count

from cygnet.keying.config.records import Action, ChildConfig
from cygnet.keying.sa.endings import Cause, Lost
from cygnet.keying.sa.marks import Marks
from cygnet.keying.sa.matching import Selectors, resolve

PAUSE_S, LONGEST_PAUSE_S = 5.0, 300.0
"""Between attempts that failed: doubled with each, up to the longest."""
REVIVAL_S = 5.0
"""How long a peer that ended its IKE_SA is left alone: it may be restarting and come by itself."""
MAX_MOVES = 2
"""How often one attempt may begin again since its IKE_SA was on its way out."""

Shape = tuple[Selectors, Selectors]
AS_CONFIGURED: Shape = ((), ())


class Response(Enum):
    """What the end of a CHILD_SA asks for."""

    NOTHING = "nothing"
    TRAP = "trap"
    NOW = "now"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class End:
    """How a CHILD_SA ended. ``ours``: it is our part to renew its IKE_SA."""

    cause: Cause
    ike_gone: bool
    ours: bool = True


# Of two IKE_SAs that crossed, who initiated the one that goes makes in the other what that lacks.
_OURS = frozenset({Cause.EXPIRED, Cause.CROSSED})
_AGAIN = frozenset({Cause.LOST, Cause.OUT_OF_STEP, Cause.RESET, Cause.REAUTH, Cause.REAUTHENTICATED})
_REVIVED = frozenset({Cause.CLOSED, Cause.DEAD, Cause.FAILED, Cause.EXPIRED, Cause.REPLACED, Cause.CROSSED})
_BY_ACTION = {Action.START: Response.NOW, Action.TRAP: Response.TRAP, Action.CLEAR: Response.NOTHING}


def response(end: End, config: ChildConfig, *, lasting: bool) -> Response:
    """What to do. ``lasting``: the connection is wanted up for good.

    ``closeaction`` and ``dpdaction`` come first. Where they say nothing, a lasting wish revives what went
    with its IKE_SA; a CHILD_SA that the peer closed alone it wanted closed.
    """
    actions = {Cause.CLOSED: config.close_action, Cause.DEAD: config.dpd_action}
    answer = _BY_ACTION.get(actions.get(end.cause, Action.NONE))
    if answer is not None:
        return answer
    if end.cause in _AGAIN:
        return Response.NOW
    if end.cause in _OURS and (end.ours or not end.ike_gone):
        return Response.NOW
    if end.cause in _REVIVED and end.ike_gone and lasting:
        return Response.LATER
    return Response.NOTHING


def shape_of(lost: Lost) -> Shape:
    """The selectors to ask for again; those of the configuration where they are the same."""
    shape, configured = (lost.local_ts, lost.remote_ts), (lost.config.local_ts, lost.config.remote_ts)
    if lost.hosts is not None:
        configured = resolve(configured[0], lost.hosts[0]), resolve(configured[1], lost.hosts[1])
    return AS_CONFIGURED if shape == configured else shape


def pause(failures: int, chance: float) -> float:
    """Seconds until the next attempt after so many that failed; ``chance`` is from 0 up to 1."""
    return min(PAUSE_S * 2.0 ** min(max(failures - 1, 0), 10), LONGEST_PAUSE_S) * (1 + chance / 4)


class Phase(Enum):
    """What goes on about an intent."""

    REST = "rest"
    WAIT = "wait"
    TRY = "try"


@dataclass(slots=True)
class Intent:
    """One CHILD_SA that is wanted.

    ``insists``: an attempt that fails is followed by others, as ``keyingtries`` says. ``held``: an operator
    took it down, so that it is not kept up until one takes it up again; ``dropped``: while an attempt ran,
    so that what comes of it is to be closed.
    ``tries`` is what ``keyingtries`` counts, with those that one IKE_SA made alone; ``failures`` are
    attempts as seen from here; ``moves`` how often the running one began again, its IKE_SA being on its way
    out. ``serial`` tells the wake-up that counts from older ones. ``ticket`` and
    ``ike_id`` are the running attempt's.
    """

    child: str
    shape: Shape = AS_CONFIGURED
    lasting: bool = False
    held: bool = False
    dropped: bool = False
    insists: bool = False
    phase: Phase = Phase.REST
    why: str = ""
    reqid: int = 0
    marks: Marks | None = None
    tries: int = 0
    failures: int = 0
    moves: int = 0
    serial: int = 0
    ticket: int = 0
    ike_id: int = 0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an intent goes on: ``keyingtries`` (0: for ever), ``retry_initiate_interval`` (0: off)."""

    keying_tries: int
    retry_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows a failed attempt: another in ``delay_s`` seconds, or none. ``given_up``: that is news."""

    intent: Intent
    delay_s: float | None = None
    given_up: bool = False


class Intents:
    """All of them. Those that rest are kept only while they are lasting. Not safe for threads."""

    def __init__(self) -> None:
        self._by_child: dict[str, dict[Shape, Intent]] = {}
        self._by_ticket: dict[int, Intent] = {}
        self._by_ike: dict[int, set[int]] = {}
        self._serials = count(1)

    def get(self, child: str, shape: Shape = AS_CONFIGURED) -> Intent | None:
        """What is wanted of it, if anything."""
        return self._by_child.get(child, {}).get(shape)

    def is_lasting(self, child: str) -> bool:
        """Whether it is wanted up for good, which is only ever wanted as it is configured."""
        intent = self.get(child)
        return intent is not None and intent.lasting and not intent.held

    def all(self) -> Iterator[Intent]:
        """Every intent."""
        return (intent for shapes in self._by_child.values() for intent in shapes.values())

    def keep(self, child: str) -> Intent:
        """It is wanted up for good."""
        intent = self._make(child, AS_CONFIGURED)
        intent.lasting, intent.held = True, False
        self._pick_up(intent)
        intent.tries = intent.failures = 0
        return intent

    def release(self, child: str) -> None:
        """An operator wants it up again: what was wanted before is wanted again."""
        for intent in self._by_child.get(child, {}).values():
            intent.held = False
            self._pick_up(intent)

    def wait(self, child: str, shape: Shape, why: str, like: Lost | None = None) -> Intent | None:
        """It is wanted again, insistently; ``None`` while an attempt runs or waits already."""
        intent = self._make(child, shape)
        if intent.phase is not Phase.REST:
            intent.insists = True
            return None
        intent.phase, intent.why, intent.insists = Phase.WAIT, why, True
        intent.reqid, intent.marks = (like.reqid, like.marks) if like else (0, None)
        intent.serial = next(self._serials)
        return intent

    def waiting(self, child: str, shape: Shape, serial: int) -> Intent | None:
        """The intent that a wake-up is for, ``None`` if it came too late."""
        intent = self.get(child, shape)
        waits = intent is not None and intent.phase is Phase.WAIT and intent.serial == serial
        return intent if waits else None

    def begin(self, child: str, shape: Shape, ticket: int) -> Intent:
        """An attempt begins, at once for whoever asks now."""
        intent = self._make(child, shape)
        if intent.phase is Phase.REST:
            intent.insists = intent.lasting and not intent.held
            intent.reqid, intent.marks = 0, None
        intent.phase, intent.ticket, intent.ike_id = Phase.TRY, ticket, 0
        intent.dropped, intent.moves = False, 0
        self._by_ticket[ticket] = intent
        return intent

    def located(self, ticket: int, ike_id: int) -> None:
        """The attempt is made in this IKE_SA."""
        if ticket in self._by_ticket:
            self._by_ticket[ticket].ike_id = ike_id
            self._by_ike.setdefault(ike_id, set()).add(ticket)

    def moved(self, old_ike: int, new_ike: int) -> None:
        """An IKE_SA was rekeyed: what is tried in it goes on in the new one."""
        for ticket in self._by_ike.pop(old_ike, ()):
            self.located(ticket, new_ike)

    def elsewhere(self, ticket: int) -> Intent | None:
        """An attempt's IKE_SA was on its way out: the attempt, if it may go on in another one."""
        intent = self._by_ticket.get(ticket)
        if intent is None or intent.dropped or intent.moves >= MAX_MOVES:
            return None
        self._leave_ike(intent, ticket)
        intent.ike_id, intent.moves = 0, intent.moves + 1
        return intent

    def tickets_of(self, ike_id: int) -> tuple[int, ...]:
        """The attempts that run in this IKE_SA."""
        return tuple(sorted(self._by_ike.get(ike_id, ())))

    def child_of(self, ticket: int) -> str:
        """The configuration that an attempt is about; empty if it is over."""
        intent = self._by_ticket.get(ticket)
        return intent.child if intent is not None else ""

    def succeeded(self, ticket: int) -> bool:
        """An attempt brought what was wanted; whether an operator took it down meanwhile."""
        intent = self._over(ticket)
        if intent is None:
            return False
        dropped = intent.dropped
        intent.tries = intent.failures = 0
        self._rest(intent)
        return dropped

    def failed(self, ticket: int, tries: int, patience: Patience, chance: float) -> Verdict | None:
        """An attempt failed; ``tries`` are those that went unanswered, as far as the IKE_SA counted them."""
        intent = self._over(ticket)
        if intent is None:
            return None
        intent.failures += 1
        intent.tries = max(intent.tries + 1, tries)
        insists, used_up = intent.insists, 0 < patience.keying_tries <= intent.tries
        self._rest(intent)
        if not insists:
            return Verdict(intent)
        if used_up and not patience.retry_s:
            intent.tries = intent.failures = 0
            return Verdict(intent, given_up=True)
        self._put(intent)
        intent.phase, intent.insists = Phase.WAIT, True
        intent.serial = next(self._serials)
        return Verdict(intent, patience.retry_s or pause(intent.failures, chance))

    def satisfied(self, child: str) -> None:
        """One of them is up, whoever made it: nothing more is waited for."""
        intent = self.get(child)
        if intent is not None and intent.phase is Phase.WAIT:
            intent.tries = intent.failures = 0
            self._rest(intent)

    def cancel(self, child: str) -> bool:
        """An operator does not want it: whether anything was wanted.

        What is being tried fails unheard, or what comes of it is closed again.
        """
        shapes = tuple(self._by_child.get(child, {}).values())
        wanted = any(intent.phase is not Phase.REST for intent in shapes) or self.is_lasting(child)
        for intent in shapes:
            intent.held, intent.insists, intent.dropped = True, False, intent.phase is Phase.TRY
            if intent.phase is not Phase.TRY:
                self._rest(intent)
        return wanted

    def forget(self, child: str) -> None:
        """The connection is loaded no more."""
        for intent in tuple(self._by_child.get(child, {}).values()):
            intent.lasting = intent.insists = False
            if intent.phase is not Phase.TRY:
                self._rest(intent)

    def _make(self, child: str, shape: Shape) -> Intent:
        known = self.get(child, shape)
        if known is None:
            known = Intent(child, shape)
            self._put(known)
        return known

    def _pick_up(self, intent: Intent) -> None:
        """The attempt that nobody wanted any more is wanted again."""
        if intent.dropped:
            intent.dropped, intent.insists = False, intent.lasting

    def _over(self, ticket: int) -> Intent | None:
        intent = self._by_ticket.pop(ticket, None)
        if intent is not None:
            self._leave_ike(intent, ticket)
        return intent

    def _leave_ike(self, intent: Intent, ticket: int) -> None:
        if intent.ike_id in self._by_ike:
            self._by_ike[intent.ike_id].discard(ticket)
            if not self._by_ike[intent.ike_id]:
                del self._by_ike[intent.ike_id]

    def _put(self, intent: Intent) -> None:
        self._by_child.setdefault(intent.child, {})[intent.shape] = intent

    def _rest(self, intent: Intent) -> None:
        intent.phase, intent.ticket, intent.ike_id = Phase.REST, 0, 0
        intent.insists = intent.dropped = False
        if intent.lasting:
            return
        shapes = self._by_child.get(intent.child, {})
        if shapes.get(intent.shape) is intent:
            del shapes[intent.shape]
            if not shapes:
                del self._by_child[intent.child]
