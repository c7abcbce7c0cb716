"""The SA manager: lends each SA to one worker at a time, and keeps mail for the others.

A job for an SA that is out waits in that SA's mailbox, not in a blocked thread. Work on one SA runs in
the order it was posted. The lock covers finding and marking, never work. Everything is hashed.
"""

import itertools
import threading
import traceback
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from cygnet.base.addresses import Address
from cygnet.base.effects import Adopt, Announce, Effect, Log, Retire, Schedule, Send
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.runtime.counters import Counters
from cygnet.runtime.queues.jobs import CallJob, JobQueue, Jobs, Priority
from cygnet.runtime.sa_index import Keys, SaIndex

MAILBOX_LIMIT = 128
SA_LIMIT = 100_000
BATCH = 8
"""How many pieces of work one SA gets in a row before others have their turn."""


class Sa(Protocol):
    """What the manager knows of an SA."""

    @property
    def unique_id(self) -> int:
        """Its number, never used twice (:meth:`Manager.next_unique_id`)."""

    @property
    def spi_local(self) -> bytes:
        """The SPI we gave it, by which the peer's messages find it."""

    def expire(self, timer: Any, now: float) -> list[Effect]:
        """Handle a timer that was scheduled earlier."""

    def begin(self, now: float) -> list[Effect]:
        """What it has to say first, once, after it came with ``Adopt``."""

    def snapshot(self, now: float) -> Any:
        """An immutable picture for status commands."""


S = TypeVar("S", bound=Sa)
Work = Callable[[S], list[Effect]]


class Performer(Protocol):
    """Performs the effects of an SA. None of the methods may block."""

    def send(self, effect: Send) -> None:
        """Queue a datagram."""

    def schedule(self, unique_id: int, effect: Schedule) -> None:
        """Have :meth:`Manager.expire` called later."""

    def announce(self, event: Any) -> None:
        """Publish an event on the bus."""

    def announce_all(self, events: Sequence[Any], sa: str) -> None:
        """Publish what one piece of work had to tell, in order; its log lines get the name ``sa``."""

    def retired(self, sa: Any, reason: str, error: BaseException | None) -> None:
        """The manager forgot ``sa``; with ``error``, because work on it failed in an unforeseen way."""


class TooManyError(LocalError):
    """The limit of SAs is reached."""


@dataclass(slots=True)
class _Mail(Generic[S]):
    """One piece of work that waits for its SA."""

    work: Work[S]
    priority: Priority
    name: str
    lost: Callable[[], None] | None


@dataclass(slots=True)
class _Entry(Generic[S]):
    """An SA with its mailbox; ``out`` while a worker has it. ``tickets`` are the priorities of the jobs
    queued for it, one of each at most."""

    sa: S
    mailbox: deque[_Mail[S]] = field(default_factory=deque)
    out: bool = False
    tickets: set[Priority] = field(default_factory=set)
    label: str = ""


class Manager(Generic[S]):
    """All SAs of a daemon.

    ``keys`` reads names and identities from a snapshot; ``clock`` is monotonic, in seconds. There may be
    ``sa_limit`` SAs (``ikesa_limit``), and ``mailbox_limit`` pieces of work waiting for each.
    """

    def __init__(  # noqa: PLR0913  (what it is wired to, and two limits)
        self, jobs: JobQueue, performer: Performer, keys: Callable[[Any], Keys], clock: Callable[[], float],
        counters: Counters, *, sa_limit: int = SA_LIMIT, mailbox_limit: int = MAILBOX_LIMIT,
    ) -> None:
        self._jobs = jobs
        self._performer = performer
        self._keys = keys
        self._clock = clock
        self._counters = counters
        self._sa_limit = sa_limit
        self._mailbox_limit = mailbox_limit
        self._numbers = itertools.count(1)
        self._changed = threading.Condition(threading.Lock())
        self._entries: dict[int, _Entry[S]] = {}
        self._index = SaIndex()

    def next_unique_id(self) -> int:
        """A number for a new SA."""
        return next(self._numbers)

    def register(self, sa: S, message_hash: bytes | None = None) -> int:
        """Take over a new SA; returns its unique id.

        If ``message_hash`` is that of a first message already seen, ``sa`` is not taken and the unique id
        of the SA that it made is returned. Raises :class:`TooManyError` at the limit.
        """
        snapshot = sa.snapshot(self._clock())
        keys = self._keys(snapshot)
        with self._changed:
            known = self._index.by_hash.get(message_hash) if message_hash is not None else None
            if known is not None:
                return known
            if len(self._entries) >= self._sa_limit:
                self._counters.add("manager SAs refused")
                raise TooManyError(f"the limit of {self._sa_limit} SAs is reached")
            self._take_over(sa, snapshot, keys)
            if message_hash is not None:
                self._index.add_hash(sa.unique_id, message_hash)
        return sa.unique_id

    def post(  # noqa: PLR0913  (what, and three ways in which that is not the usual)
        self, unique_id: int, work: Work[S], priority: Priority, name: str, *,
        sure: bool = False, jobs: Jobs | None = None, lost: Callable[[], None] | None = None,
    ) -> bool:
        """Have ``work`` done on the SA, after all that was posted before, by the pool or where ``jobs`` go.

        False (and counted) if there is no such SA, its mailbox is full or the job queue is; ``sure``
        ignores both limits. ``lost`` is called if the SA ends before it comes to this.
        """
        with self._changed:
            entry = self._entries.get(unique_id)
            if entry is None:
                self._counters.add("manager SA gone")
                return False
            if len(entry.mailbox) >= self._mailbox_limit and not sure:
                self._counters.add("manager mailbox full")
                return False
            entry.mailbox.append(_Mail(work, priority, name, lost))
            if self._issue_ticket(entry, priority, name, self._jobs if jobs is None else jobs, sure=sure):
                return True
            entry.mailbox.pop()
            return False

    def expire(self, unique_id: int, timer: Any, priority: Priority = Priority.MEDIUM) -> bool:
        """Have the SA's ``expire`` called; what a scheduled event does. False if the SA is gone."""
        return self.post(unique_id, lambda sa: sa.expire(timer, self._clock()), priority, "timer", sure=True)

    def by_spi(self, spi_local: bytes) -> int | None:
        """The unique id of the SA with this local SPI."""
        return self._index.by_spi.get(spi_local)

    def by_next_spi(self, spi_local: bytes) -> int | None:
        """The unique id of the SA whose successor, which it is making, will have this local SPI."""
        return self._index.by_next_spi.get(spi_local)

    def by_message_hash(self, message_hash: bytes) -> int | None:
        """The unique id of the SA that this first message made."""
        return self._index.by_hash.get(message_hash)

    def by_name(self, name: str) -> tuple[int, ...]:
        """Unique ids of the SAs of a connection, oldest first."""
        with self._changed:
            return tuple(self._index.by_name.get(name, ()))

    def by_identities(self, identities: Hashable) -> tuple[int, ...]:
        """Unique ids of the SAs between two identities, oldest first."""
        with self._changed:
            return tuple(self._index.by_identities.get(identities, ()))

    def by_kernel_spi(self, spi: int) -> tuple[int, ...]:
        """Unique ids of the SAs with this SPI in the kernel; several, since peers choose half of them."""
        with self._changed:
            return tuple(self._index.by_kernel_spi.get(spi, ()))

    def half_open(self, source: Address | None = None) -> int:
        """How many SAs are half open, in total or from one address."""
        return self._index.half_open_total if source is None else self._index.half_open.get(source, 0)

    def snapshot(self, unique_id: int) -> Any | None:
        """The last snapshot of one SA."""
        return self._index.snapshots.get(unique_id)

    def snapshots(self) -> tuple[Any, ...]:
        """The last snapshots of all SAs, oldest first; takes no SA."""
        with self._changed:
            return tuple(self._index.snapshots.values())

    def unique_ids(self) -> tuple[int, ...]:
        """All SAs, oldest first."""
        with self._changed:
            return tuple(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def wait_empty(self, timeout_s: float) -> bool:
        """Wait until no SA is left; False after ``timeout_s``."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._entries, timeout_s)

    def _issue_ticket(
        self, entry: _Entry[S], priority: Priority, name: str, jobs: Jobs, *, sure: bool
    ) -> bool:
        """Queue a job for an SA that is in, unless one at least as urgent is queued. Holds the lock.

        A less urgent job queued earlier stays; it may find nothing left to do.
        """
        if entry.out or any(ticket <= priority for ticket in entry.tickets):
            return True
        job = CallJob(name, priority, partial(self._lend, entry, priority))
        if not jobs.put(job, sure=sure or bool(entry.tickets)):
            return False
        entry.tickets.add(priority)
        return True

    def _lend(self, entry: _Entry[S], priority: Priority) -> None:
        """Check the SA out, do what waits for it, check it in. Runs on a worker."""
        with self._changed:
            entry.tickets.discard(priority)
            if entry.out or not entry.mailbox:
                return
            entry.out = True
        done = 0
        while True:
            with self._changed:
                mail = self._next_mail(entry, priority, done)
            if mail is None:
                return
            self._work(entry, mail)
            done += 1

    def _next_mail(self, entry: _Entry[S], priority: Priority, done: int) -> _Mail[S] | None:
        """The next work for this worker; ``None``: the SA is in again. Holds the lock.

        A worker goes on with what is at least as urgent as its own job, up to :data:`BATCH`; for the
        rest a new job is queued, so that reserved threads stay free and no SA starves others.
        """
        if entry.mailbox:
            mail = entry.mailbox[0]
            if done == 0 or (done < BATCH and mail.priority <= priority):
                return entry.mailbox.popleft()
        entry.out = False
        if entry.mailbox:
            urgent = min(entry.mailbox, key=lambda mail: mail.priority)
            self._issue_ticket(entry, urgent.priority, urgent.name, self._jobs, sure=True)
        return None

    def _work(self, entry: _Entry[S], mail: _Mail[S]) -> None:
        """Do one piece of work and perform its effects; nothing escapes from here."""
        try:
            effects = mail.work(entry.sa)
            by_kind = _sorted(effects)
            reasons = [effect.reason for effect in by_kind.get(Retire, ())]
            for effect in by_kind.get(Adopt, ()):
                self._adopt(effect.sa)
            self._publish(entry, retire=bool(reasons))
        except Exception as error:
            self._forget(entry)
            self._complain(f"job '{mail.name}' failed, IKE_SA retired", error, entry.label)
            self._tell_retired(entry, f"job '{mail.name}' failed", error)
            return
        self._perform(entry, by_kind)
        if reasons:
            self._tell_retired(entry, reasons[0], None)

    def _perform(self, entry: _Entry[S], effects: dict[type, list[Any]]) -> None:
        """Datagrams last, each kind in its order; what cannot be performed does not stop the rest.

        A peer may answer at once, even on another SA: by then everybody has heard what it answers to.
        """
        performer, number = self._performer, entry.sa.unique_id
        steps = []
        if Announce in effects:
            events = [one if isinstance(one, Log) else one.event for one in effects[Announce]]
            steps.append(partial(performer.announce_all, events, entry.label))
        steps += [partial(performer.schedule, number, effect) for effect in effects.get(Schedule, ())]
        steps += [partial(performer.send, effect) for effect in effects.get(Send, ())]
        for step in steps:
            try:
                step()
            except Exception as error:
                self._complain("performing an effect failed", error, entry.label)

    def _publish(self, entry: _Entry[S], *, retire: bool) -> None:
        """Show the SA as it is after the work, before anybody is told of the work."""
        if retire:
            self._forget(entry)
            return
        snapshot = entry.sa.snapshot(self._clock())
        keys = self._keys(snapshot)
        with self._changed:
            entry.label = f"{keys.name}|{entry.sa.unique_id}"
            if entry.sa.unique_id in self._entries:
                self._index.update(entry.sa.unique_id, snapshot, keys)

    def _adopt(self, sa: S) -> None:
        """Take over an SA made by another (rekeying); the limit does not apply, it replaces one."""
        snapshot = sa.snapshot(self._clock())
        keys = self._keys(snapshot)
        with self._changed:
            self._take_over(sa, snapshot, keys)
        self.post(sa.unique_id, lambda sa: sa.begin(self._clock()), Priority.HIGH, "begin", sure=True)

    def _take_over(self, sa: S, snapshot: Any, keys: Keys) -> None:
        """Holds the lock."""
        if sa.unique_id in self._entries or sa.spi_local in self._index.by_spi:
            raise ValueError(f"SA {sa.unique_id} is there already")
        self._entries[sa.unique_id] = _Entry(sa, label=f"{keys.name}|{sa.unique_id}")
        self._index.add(sa.unique_id, sa.spi_local, snapshot, keys)

    def _forget(self, entry: _Entry[S]) -> None:
        with self._changed:
            unread = [*entry.mailbox]
            self._counters.add("manager mail of retired SAs", len(unread))
            entry.mailbox.clear()
            if self._entries.pop(entry.sa.unique_id, None) is not None:
                self._index.remove(entry.sa.unique_id)
            if not self._entries:
                self._changed.notify_all()
        for mail in unread:
            if mail.lost is not None:
                mail.lost()

    def _tell_retired(self, entry: _Entry[S], reason: str, error: BaseException | None) -> None:
        try:
            self._performer.retired(entry.sa, reason, error)
        except Exception as failure:
            self._complain("performing Retire failed", failure, entry.label)

    def _complain(self, text: str, error: BaseException, label: str) -> None:
        """Log a bug with its traceback; the last resort, so it must not fail itself."""
        self._counters.add("manager failures")
        trace = "".join(traceback.format_exception(error)).rstrip()
        with suppress(Exception):
            self._performer.announce(Log(Group.MGR, Level.AUDIT, f"{text}\n{trace}", label))


def _sorted(effects: list[Effect]) -> dict[type, list[Any]]:
    """The effects by their kind, each kind in its order; log lines are among what is announced."""
    by_kind: dict[type, list[Any]] = {}
    for effect in effects:
        by_kind.setdefault(Announce if isinstance(effect, Log) else type(effect), []).append(effect)
    return by_kind
