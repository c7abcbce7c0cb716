"""What connections should be, compared with what they are: the one place that decides to establish."""

import threading
from collections.abc import Callable
from dataclasses import replace

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.charon.jobs.crossings import losers
from cygnet.charon.jobs.dialogues import Dialogue, Refusal, Settled
from cygnet.charon.jobs.fitting import fitting, outdated
from cygnet.charon.jobs.initiation import Initiation
from cygnet.charon.jobs.installed import Installed
from cygnet.charon.jobs.unwanted import Unwanted
from cygnet.charon.jobs.workplace import Workplace
from cygnet.charon.sa import orders
from cygnet.charon.sa.events import ChildClosed, Finished, IkeClosed
from cygnet.keying.config.records import ChildConfig, PeerConfig
from cygnet.keying.intents import (
    AS_CONFIGURED,
    REVIVAL_S,
    End,
    Intent,
    Intents,
    Patience,
    Phase,
    Response,
    Shape,
    Verdict,
    response,
    shape_of,
)
from cygnet.keying.sa.endings import Cause, Lost
from cygnet.keying.sa.events import ChildUp
from cygnet.keying.traps import Traps


class NotWantedError(LocalError):
    """An operator took the connection down before the attempt began."""


Answer = Dialogue | Refusal | Settled
MakeOrder = Callable[[ChildConfig, Intent], orders.Order]


class Reconciler:
    """Keeps :class:`~cygnet.keying.intents.Intents` and acts on them; safe for any thread.

    Nothing polls: attempts follow from orders and from the events of IKE_SAs, later ones from one timer
    each. The lock covers the table, never an attempt.
    """

    def __init__(self, place: Workplace, initiation: Initiation, traps: Traps, installed: Installed) -> None:
        self._place = place
        self._initiation = initiation
        self._traps = traps
        self._installed = installed
        self._intents = Intents()
        self._unwanted = Unwanted()
        self._lock = threading.RLock()
        self._stopping = False

    # What is wanted

    def up(self, peer: PeerConfig, child: ChildConfig, level: int) -> Answer:
        """An operator wants it now. What is up stays as it is, and a running attempt is joined."""
        ticket = self._place.numbers.ticket()
        with self._lock:
            self._intents.release(child.name)
            self._unwanted.again(child.name)
            intent = self._intents.get(child.name)
            if intent is not None and intent.phase is Phase.TRY:
                return Dialogue(self._place.bus, intent.ike_id, intent.ticket, level)
            known = fitting(self._installed, child)
            if known is not None:
                return Settled(ticket, known.child.duplicate_text)
            intent = self._intents.begin(child.name, AS_CONFIGURED, ticket)
        return self._attempt(peer, child, intent, _initiate, level)

    def keep(self, child: ChildConfig) -> None:
        """It is to be up for good (``auto=start``)."""
        with self._lock:
            self._intents.keep(child.name)
            self._unwanted.again(child.name)
        if fitting(self._installed, child) is None:
            self._want(child.name, AS_CONFIGURED, "auto=start")

    def acquire(self, peer: PeerConfig, order: orders.Acquire, only: Address | None = None) -> None:
        """A packet met a trap; while an attempt runs it waits for that.

        With ``only`` the peer is whoever has that address. The trap hears when nothing came of it.
        """
        child, shape = order.child, order.selectors or AS_CONFIGURED
        with self._lock:
            intent = self._intents.get(child.name, shape)
            if self._stopping:
                return
            if intent is not None and intent.phase is Phase.TRY:
                self._traps.asked(order.reqid, intent.ticket)
                return
            intent = self._intents.begin(child.name, shape, self._place.numbers.ticket())
            self._traps.asked(order.reqid, intent.ticket)

        def make(config: ChildConfig, intent: Intent) -> orders.Order:
            return replace(order, child=config, ticket=intent.ticket)

        self._place.soon(f"acquire '{peer.name}'", lambda: self._quietly(peer, child, intent, make, only))

    def cancel(self, child: str) -> bool:
        """An operator does not want it any more; whether it was wanted."""
        with self._lock:
            return self._cancel(child)

    def _cancel(self, child: str) -> bool:
        for known in self._installed.every(child):
            self._unwanted.add(known)
        return self._intents.cancel(child)

    def cancel_child(self, child_id: int, name: str) -> None:
        """An operator wants a CHILD_SA no more."""
        self._installed.mark_leaving(child_id)
        self.cancel(name)

    def cancel_ike(self, ike_id: int) -> None:
        """An operator wants neither what an IKE_SA has nor what is being made in it."""
        for known in self._installed.of_ike(ike_id):
            self._installed.mark_leaving(known.child.unique_id)
        names = [known.config.name for known in self._installed.of_ike(ike_id)]
        with self._lock:
            names += map(self._intents.child_of, self._intents.tickets_of(ike_id))
            for name in dict.fromkeys(names):
                self._cancel(name)

    def forget(self, child: str) -> None:
        """The connection is loaded no more; SAs stay."""
        with self._lock:
            self._intents.forget(child)

    def stop(self) -> None:
        """From now on nothing is established."""
        self._stopping = True

    # What happened

    def finished(self, event: Finished) -> bool:
        """An order came to its end; if it was an attempt of ours, this decides about the next.

        Whether that was not the end of it: what an IKE_SA on its way out did not do goes on in another one.
        """
        if event.leaving and self._goes_on(event.ticket):
            return True
        self._finished(event)
        return False

    def _goes_on(self, ticket: int) -> bool:
        with self._lock:
            intent = None if self._stopping else self._intents.elsewhere(ticket)
        found = self._place.loaded.child(intent.child) if intent is not None else None
        if intent is None or found is None:
            return False
        self._place.soon(f"establish '{intent.child}'", lambda: self._quietly(*found, intent, _initiate))
        return True

    def _finished(self, event: Finished) -> None:
        reqid = self._traps.answered(event.ticket)
        if reqid and not event.ok:
            self._place.soon("failed acquire", lambda: self._traps.acquire_failed(reqid))
        with self._lock:
            name = self._intents.child_of(event.ticket)
            if not name:
                return
            found = self._place.loaded.child(name)
            if event.ok:
                unwanted = self._intents.succeeded(event.ticket)
                verdict = None
            else:
                patience = self._patience(found[0] if found else None)
                verdict = self._intents.failed(event.ticket, event.tries, patience, self._place.chance())
        if event.ok and unwanted:
            self._close_unwanted(name)
        elif event.ok and found is not None:
            self._close_outdated(found[1])
        elif verdict is not None:
            self._after_failure(verdict, event.reason)

    def retired(self, ike_id: int) -> None:
        """An IKE_SA is gone, with the orders that it had not begun."""
        with self._lock:
            tickets = self._intents.tickets_of(ike_id)
            self._unwanted.retired(ike_id)
        for ticket in tickets:
            if not self.finished(Finished(ticket, False, "the IKE_SA is gone", leaving=True)):
                self._place.finish(ticket, False, "the IKE_SA is gone")

    def moved(self, old_ike: int, new_ike: int) -> None:
        """An IKE_SA was rekeyed."""
        with self._lock:
            self._intents.moved(old_ike, new_ike)
            self._unwanted.moved(old_ike, new_ike)

    def child_up(self, event: ChildUp, predecessor: int = 0) -> None:
        """A CHILD_SA is there, whoever asked for it, perhaps for what the IKE_SA before had."""
        name = event.config.name
        with self._lock:
            self._intents.satisfied(name)
            taken_down = name in self._unwanted.names(predecessor) and not self._has_wanted(predecessor, name)
        if taken_down:
            self._close_unwanted(name)
        elif not event.replaces:
            self._fold(event)

    def _has_wanted(self, ike_id: int, name: str) -> bool:
        """Whether the IKE_SA has one that was not taken down: made again since another one was."""
        known = self._installed.of_ike(ike_id, name)
        return any(not self._unwanted.has(ike_id, one.child.unique_id) for one in known)

    def child_closed(self, event: ChildClosed) -> None:
        """A CHILD_SA ended, and its IKE_SA lives on."""
        self._lost(event.ike_id, event.child, End(event.cause, ike_gone=False))

    def ike_closed(self, event: IkeClosed) -> None:
        """An IKE_SA ended with its CHILD_SAs."""
        renews = event.peer.rekey or event.cause is Cause.CROSSED
        end = End(event.cause, ike_gone=True, ours=event.initiator and renews)
        for lost in event.children:
            self._lost(event.ike_id, lost, end)

    # Decisions

    def _lost(self, ike_id: int, lost: Lost, end: End) -> None:
        """The connection as it is loaded now says what to do."""
        found = self._place.loaded.child(lost.config.name)
        if self._stopping or found is None:
            return
        with self._lock:
            if self._unwanted.has(ike_id, lost.child_id):
                return
            lasting = self._intents.is_lasting(lost.config.name)
        answer = response(end, found[1], lasting=lasting)
        if answer is Response.TRAP:
            self._place.soon(f"route '{lost.config.name}'", lambda: self._route(*found))
        elif answer is Response.NOW and not self._replaced(lost):
            self._want(lost.config.name, shape_of(lost), end.cause, lost)
        elif answer is Response.LATER and not self._replaced(lost):
            delay = REVIVAL_S * (1 + self._place.chance())
            self._want(lost.config.name, AS_CONFIGURED, end.cause, delay=delay)

    def _replaced(self, lost: Lost) -> bool:
        """Whether another CHILD_SA carries the same."""
        traffic = lost.config.name, lost.local_ts, lost.remote_ts
        return self._installed.has_other(lost.child_id, traffic)

    def _want(
        self, name: str, shape: Shape, why: str, like: Lost | None = None, delay: float = 0.0
    ) -> None:
        with self._lock:
            intent = self._intents.wait(name, shape, why, like)
        if intent is not None:
            self._wake_in(delay, intent)

    def _wake_in(self, delay: float, intent: Intent) -> None:
        name, shape, serial = intent.child, intent.shape, intent.serial

        def wake() -> None:
            self._wake(name, shape, serial)

        if delay:
            self._place.later(delay, f"establish '{name}'", wake)
        else:
            self._place.soon(f"establish '{name}'", wake)

    def _wake(self, name: str, shape: Shape, serial: int) -> None:
        """Time for an attempt, if it is still wanted and not there yet."""
        found = self._place.loaded.child(name)
        with self._lock:
            intent = self._intents.waiting(name, shape, serial)
            if intent is None or self._stopping:
                return
            if found is None:
                self._intents.forget(name)
                return
            if shape == AS_CONFIGURED and fitting(self._installed, found[1]) is not None:
                self._intents.satisfied(name)
                return
            self._intents.begin(name, shape, self._place.numbers.ticket())
        self._quietly(*found, intent, _initiate)

    def _close_unwanted(self, name: str) -> None:
        """An operator took down what was not there yet."""
        for known in self._installed.named(name):
            with self._lock:
                self._unwanted.add(known)
            self._log(f"closing CHILD_SA {name}{{{known.child.unique_id}}}, it was taken down meanwhile")
            self._place.order(known.ike_id, orders.TerminateChild(known.child.unique_id))

    def _close_outdated(self, child: ChildConfig) -> None:
        """The configuration had changed, and what it says now is up: what it said before may go."""
        for known in outdated(self._installed, child):
            name = f"{child.name}{{{known.child.unique_id}}}"
            self._log(f"closing CHILD_SA {name}, its configuration changed")
            self._place.order(known.ike_id, orders.TerminateChild(known.child.unique_id))

    def _fold(self, event: ChildUp) -> None:
        """Both sides asked for the same at the same time: one of the two goes."""
        others = self._installed.of_ike(event.ike_id, event.config.name)
        for loser in losers(event, (known for known in others if not known.leaving)):
            name = f"{loser.name}{{{loser.unique_id}}}"
            self._log(f"deleting duplicate CHILD_SA {name}, both sides made one")
            self._place.order(event.ike_id, orders.TerminateChild(loser.unique_id))

    # Attempts

    def _attempt(
        self, peer: PeerConfig, child: ChildConfig, intent: Intent, make: MakeOrder, level: int
    ) -> Answer:
        """Give the order for what :meth:`Intents.begin` began, and follow it."""
        ticket = intent.ticket
        try:
            ike_id = self._open(peer, intent)
        except LocalError as error:
            if not isinstance(error, NotWantedError):
                intent.insists = intent.insists or self._patience(peer).retry_s > 0
            self.finished(Finished(ticket, False, str(error)))
            return Refusal(ticket, str(error))
        dialogue = Dialogue(self._place.bus, ike_id, ticket, level)
        if self._place.order(ike_id, make(child, intent)):
            return dialogue
        dialogue.close()
        self.finished(Finished(ticket, False, "the IKE_SA is gone"))
        return Refusal(ticket, f"IKE_SA [{ike_id}] is gone")

    def _quietly(
        self,
        peer: PeerConfig,
        child: ChildConfig,
        intent: Intent,
        make: MakeOrder,
        only: Address | None = None,
    ) -> None:
        ticket = intent.ticket
        try:
            ike_id = self._open(peer, intent, only)
            if not self._place.order(ike_id, make(child, intent)):
                self.finished(Finished(ticket, False, "the IKE_SA is gone"))
        except LocalError as error:
            self.finished(Finished(ticket, False, str(error)))

    def _open(self, peer: PeerConfig, intent: Intent, only: Address | None = None) -> int:
        """The IKE_SA for an attempt; names may have to be looked up, and meanwhile it may be given up."""
        limit, ticket = peer.keying_tries, intent.ticket
        ike_id = self._initiation.open(peer, intent.tries if intent.tries < limit else 0, only)
        with self._lock:
            if intent.dropped:
                raise NotWantedError(f"'{intent.child}' was taken down")
            self._intents.located(ticket, ike_id)
        return ike_id

    def _after_failure(self, verdict: Verdict, reason: str) -> None:
        intent = verdict.intent
        what = f"establishing '{intent.child}'" + (f" ({intent.why})" if intent.why else "")
        if verdict.delay_s is not None:
            self._log(f"{what} failed: {reason}; trying again in {int(verdict.delay_s)}s")
            self._wake_in(verdict.delay_s, intent)
        elif verdict.given_up:
            self._log(f"{what} failed: {reason}; giving up (keyingtries)")

    def _patience(self, peer: PeerConfig | None) -> Patience:
        interval = self._place.ports.settings.retry_initiate_interval_s
        return Patience(peer.keying_tries if peer else 1, interval if peer else 0.0)

    def _route(self, peer: PeerConfig, child: ChildConfig) -> None:
        if any(routed.name == child.name for routed in self._traps.installed()):
            return
        try:
            self._traps.install(peer, child)
        except LocalError as error:
            self._log(f"installing trap for '{child.name}' failed: {error}")

    def _log(self, text: str) -> None:
        self._place.bus.log(Group.IKE, Level.CONTROL, text)


def _initiate(child: ChildConfig, intent: Intent) -> orders.Order:
    selectors = None if intent.shape == AS_CONFIGURED else intent.shape
    return orders.Initiate(child, intent.reqid, intent.ticket, selectors, intent.marks)
