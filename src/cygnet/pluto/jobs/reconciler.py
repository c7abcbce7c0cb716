"""What connections should be, compared with what they are: the one place that establishes unasked.

A connection is wanted for good (``auto=start``) or for once: a packet at a trap, ``dpdaction``,
``closeaction``, ``keyingtries``. The decisions are those of both daemons (``jobs.intents``); here they
become orders.
"""

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.kernel import port
from cygnet.keying.config.records import Action, ChildConfig
from cygnet.keying.intents import (
    AS_CONFIGURED,
    REVIVAL_S,
    Intents,
    Patience,
    Phase,
    Shape,
    Verdict,
    pause,
)
from cygnet.keying.sa.events import ChildUp
from cygnet.keying.traps import Trap
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.jobs.core import Finished, Picture, Sa
from cygnet.pluto.jobs.routes import Routes
from cygnet.pluto.jobs.workplace import Workplace
from cygnet.pluto.sa.events import ChildClosed, Reestablish
from cygnet.pluto.sa.orders import Acquire, Initiate, Order

FIRST_TICKET = 1 << 32
"""Operators' orders count from 1 (``jobs.negotiations``)."""
USABLE = ("CREATED", "CONNECTING", "ESTABLISHED")

MAX_CONFIGS = 20_000
"""Records of connections and instances that are remembered; no more than those may be wanted."""

MakeOrder = Callable[[PeerConfig, int], Order]


class Beginner(Protocol):
    """Makes ISAKMP SAs (``jobs.ikev1.Ikev1``)."""

    def begin(self, unique_id: int, config: PeerConfig, tries: int = 0) -> Sa:
        """A new one; raises ``LocalError``."""


@dataclass(frozen=True, slots=True)
class Makers:
    """``loaded`` is the record of a connection as it is now, ``family`` those that share its ISAKMP SAs;
    ``chance`` is a number from 0 up to 1."""

    beginner: Beginner
    loaded: Callable[[str], PeerConfig | None]
    family: Callable[[PeerConfig], tuple[PeerConfig, ...]]
    chance: Callable[[], float]


class Reconciler:
    """Keeps intents by the connection's label and acts on them; safe for any thread.

    Nothing polls: attempts follow from what ISAKMP SAs and the kernel tell, later ones from one timer each.
    """

    def __init__(self, place: Workplace, makers: Makers, routes: Routes) -> None:
        self._place, self._makers, self._routes = place, makers, routes
        self._intents = Intents()
        self._configs: dict[str, PeerConfig] = {}
        self._tickets = itertools.count(FIRST_TICKET)
        self._lock = threading.RLock()
        self._stopping = False

    # What is wanted

    def keep(self, config: PeerConfig) -> None:
        """It is to be up for good (``auto=start``)."""
        with self._lock:
            self._intents.keep(label(config))
        if not self._is_up(config):
            self._want(config, "auto=start")

    def wanted(self, name: str) -> None:
        """An operator wants it up: what was wanted before he took it down is wanted again."""
        with self._lock:
            self._intents.release(name)

    def cancel(self, name: str) -> bool:
        """An operator took it down: no attempt follows until it is wanted again; whether one would have."""
        with self._lock:
            return self._intents.cancel(name)

    def forget(self, name: str) -> None:
        """The connection is loaded no more; SAs stay."""
        with self._lock:
            for key in [key for key, config in self._configs.items() if config.name == name] or [name]:
                self._intents.cancel(key)
                self._intents.forget(key)
                self._configs.pop(key, None)

    def stop(self) -> None:
        """From now on nothing is established."""
        self._stopping = True

    def acquire(self, trap: Trap, event: port.Acquire) -> None:
        """A packet met a trap; while an attempt for the same runs, it waits for that."""
        config = self._makers.loaded(trap.child.name)
        child = config.child(config.name) if config is not None else None
        if self._stopping or config is None or child is None:
            return
        alone = len(self._routes.of(config.name)) == 1
        shape = AS_CONFIGURED if alone else (trap.routed.local_ts, trap.routed.remote_ts)
        key, ticket = label(config), next(self._tickets)
        with self._lock:
            intent = self._intents.get(key, shape)
            if intent is not None and intent.phase is Phase.TRY:
                self._routes.traps.asked(event.reqid, intent.ticket)
                return
            self._remember(key, config)
            self._intents.begin(key, shape, ticket)
            self._routes.traps.asked(event.reqid, ticket)

        def order(config: PeerConfig, ticket: int) -> Order:
            return Acquire(child, event.reqid, event.source, event.destination, ticket)

        self._place.soon(f"acquire '{key}'", lambda: self._attempt(key, ticket, order))

    # What happened

    def finished(self, event: Finished) -> None:
        """An order came to its end; if it was an attempt of ours, this decides about the next."""
        reqid = self._routes.traps.answered(event.ticket)
        if reqid and not event.ok:
            self._place.soon("failed acquire", lambda: self._routes.traps.acquire_failed(reqid))
        with self._lock:
            key = self._intents.child_of(event.ticket)
            if not key:
                return
            if event.ok:
                self._intents.succeeded(event.ticket)
                return
            patience = Patience(self._tries_of(key))
            verdict = self._intents.failed(event.ticket, 0, patience, self._makers.chance())
        if verdict is not None:
            self._after_failure(verdict, event.reason.partition("\n")[0])

    def retired(self, ike_id: int) -> None:
        """An ISAKMP SA is gone, with the orders that it had not begun."""
        with self._lock:
            tickets = self._intents.tickets_of(ike_id)
        for ticket in tickets:
            self.finished(Finished(ticket, False, 0, "the ISAKMP SA is gone"))

    def moved(self, old_ike: int, new_ike: int) -> None:
        """Another ISAKMP SA goes on with what one had."""
        with self._lock:
            self._intents.moved(old_ike, new_ike)

    def child_up(self, event: ChildUp) -> None:
        """An IPsec SA is there, whoever asked for it."""
        with self._lock:
            self._intents.satisfied(event.config.name)

    def reestablish(self, event: Reestablish) -> None:
        """An ISAKMP SA failed or ended, and says what shall be established again.

        What it says of failed attempts (``tries``) is for ours too, whose end it is about to tell.
        """
        delay = pause(event.tries, self._makers.chance()) if event.tries else 0.0
        names = dict.fromkeys(child.name for child in event.children) or (event.config.name,)
        for config in filter(None, [self._owner(event.config, name) for name in names]):
            self._want(config, event.reason, delay=delay, tries=event.tries)

    def closed(self, event: ChildClosed) -> None:
        """An IPsec SA ended without our asking: ``closeaction``, ``dpdaction``, a lasting wish."""
        peer = event.peer
        config = self._current(self._owner(peer, event.config.name)) if peer is not None else None
        if config is None or self._stopping:
            return
        if event.action is Action.TRAP:
            self._place.soon(f"route '{config.name}'", lambda: self._route(config))
        elif event.action is Action.START:
            self._want(config, event.reason)
        else:
            with self._lock:
                lasting = self._intents.is_lasting(label(config))
            if lasting:
                self._want(config, event.reason, delay=REVIVAL_S * (1 + self._makers.chance()))

    # Decisions

    def _want(self, config: PeerConfig, why: str, *, delay: float = 0.0, tries: int = 0) -> None:
        key = label(config)
        with self._lock:
            if self._stopping:
                return
            self._remember(key, config)
            intent = self._intents.wait(key, AS_CONFIGURED, why)
            if intent is None:
                return
            intent.tries, serial = tries, intent.serial
        again = f"; trying again in {int(delay)}s" if delay else ""
        self._place.log(Group.IKE, f"establishing connection '{key}' again: {why}{again}")
        self._wake(key, AS_CONFIGURED, serial, delay)

    def _wake(self, key: str, shape: Shape, serial: int, delay_s: float) -> None:
        self._place.soon(f"establish '{key}'", lambda: self._awake(key, shape, serial), delay_s)

    def _awake(self, key: str, shape: Shape, serial: int) -> None:
        ticket = next(self._tickets)
        with self._lock:
            if self._stopping or self._intents.waiting(key, shape, serial) is None:
                return
            config = self._current(self._configs.get(key))
            if config is None:
                self._intents.forget(key)
                return
            if self._is_up(config):
                self._intents.satisfied(key)
                return
            self._intents.begin(key, shape, ticket)
        self._attempt(key, ticket, _initiate)

    def _attempt(self, key: str, ticket: int, make: MakeOrder) -> None:
        """On an ISAKMP SA of the connection that is up or coming up, else on a new one."""
        try:
            config = self._current(self._configs.get(key))
            if config is None:
                raise LocalError("the connection is loaded no more")
            number = self.usable(config) or self._create(config, ticket)
            with self._lock:
                self._intents.located(ticket, number)
            if not self._place.order(number, make(config, ticket)):
                raise LocalError("the ISAKMP SA is gone")
        except LocalError as error:
            self.finished(Finished(ticket, False, 0, str(error)))

    def _create(self, config: PeerConfig, ticket: int) -> int:
        manager = self._place.manager
        with self._lock:
            intent = self._intents.get(label(config))
            tries = intent.tries if intent is not None and intent.ticket == ticket else 0
        return manager.register(self._makers.beginner.begin(manager.next_unique_id(), config, tries))

    def _after_failure(self, verdict: Verdict, reason: str) -> None:
        intent = verdict.intent
        what = f"establishing '{intent.child}'" + (f" ({intent.why})" if intent.why else "")
        if verdict.delay_s is not None:
            self._log(f"{what} failed: {reason}; trying again in {int(verdict.delay_s)}s")
            self._wake(intent.child, intent.shape, intent.serial, verdict.delay_s)
        elif verdict.given_up:
            self._log(f"{what} failed: {reason}; giving up (keyingtries)")

    def _route(self, config: PeerConfig) -> None:
        if self._routes.of(config.name):
            return
        try:
            self._routes.install(config)
        except LocalError as error:
            self._log(f"installing trap for '{config.name}' failed: {error}")

    # What there is

    def _current(self, config: PeerConfig | None) -> PeerConfig | None:
        """As it is loaded now, ``None`` if it is not; an instance is what its peer made of the template."""
        if config is None:
            return None
        loaded = self._makers.loaded(config.name)
        return config if config.instance and loaded is not None else loaded

    def _remember(self, key: str, config: PeerConfig) -> None:
        """What an attempt is made with; of those that nothing is wanted of, some are forgotten."""
        if len(self._configs) >= MAX_CONFIGS:
            for other in [one for one in self._configs if self._intents.get(one) is None]:
                del self._configs[other]
        self._configs[key] = config

    def _tries_of(self, key: str) -> int:
        config = self._current(self._configs.get(key))
        return config.keying_tries if config is not None else 1

    def usable(self, config: PeerConfig) -> int | None:
        """The newest ISAKMP SA with the connection's peer that an IPsec SA can be made on: its own first."""
        manager = self._place.manager
        for one in self._makers.family(config):
            for number in reversed(manager.by_name(one.name)):
                picture = manager.snapshot(number)
                if picture is not None and picture.life in USABLE and _is_with(picture, config):
                    return number
        return None

    def _owner(self, peer: PeerConfig, child: str) -> PeerConfig | None:
        """The connection of an IPsec SA, which may be on an ISAKMP SA that another one made.

        ``None`` for a template: it has no peer that something could be begun with.
        """
        if child == peer.name:
            return peer
        return None if peer.instance else self._makers.loaded(child) or peer

    def _is_up(self, config: PeerConfig) -> bool:
        """Whether there is an IPsec SA of it."""
        return any(
            child.name == config.name and child.life in ("INSTALLED", "REKEYING")
            for sa in self._place.manager.snapshots()
            if sa.instance == config.instance
            for child in sa.children
        )

    def _log(self, text: str) -> None:
        self._place.log(Group.IKE, text)


def _is_with(picture: Picture, config: PeerConfig) -> bool:
    """Whether an ISAKMP SA is a connection's, or that of another one with the very same peer."""
    if picture.name == config.name:
        return picture.instance == config.instance
    return picture.config is not None and picture.config.peer == config.peer


def label(config: PeerConfig) -> str:
    """``rw[2]``, by which intents are kept."""
    return config.name + (f"[{config.instance}]" if config.instance else "")


def _initiate(config: PeerConfig, ticket: int) -> Order:
    child: ChildConfig | None = config.child(config.name)
    return Initiate(child, ticket=ticket)
