"""Performs the effects of SAs: datagrams to the sender, timers to the scheduler, events onward."""

import traceback
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from cygnet.base.effects import Announce, Counted, Effect, Log, MessageSeen, Schedule, Send
from cygnet.base.groups import Group, Level
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.counters import Counters
from cygnet.runtime.network.datagrams import Datagram
from cygnet.runtime.queues.events import EventQueue
from cygnet.runtime.queues.sends import Sends

React = Callable[[Any], object]
Name = Callable[[Any], str]
Retired = Callable[[Any], None]
Expire = Callable[[int, Any], bool]


class Finished(Protocol):
    """An SA that came to its end."""

    @property
    def unique_id(self) -> int:
        """Its number."""

    def abandon(self, now: float) -> list[Effect]:
        """Give back all that it holds; the peer is not told."""


class EffectPerformer:
    """The manager's performer. ``count`` and ``react`` get every event but log lines before the bus does.

    ``expire``, ``count``, ``react`` and ``gone`` are set once those who do it exist; ``name`` says how the
    log calls an SA.
    """

    def __init__(
        self, sends: Sends, events: EventQueue, bus: Bus, counters: Counters, clock: Callable[[], float]
    ) -> None:
        self.name: Name = _name
        self.expire: Expire = _nobody
        self.count: React = _ignore
        self.react: React = _ignore
        self.gone: Retired = _ignore
        self._sends = sends
        self._events = events
        self._bus = bus
        self._counters = counters
        self._clock = clock

    def send(self, effect: Send) -> None:
        """Send a datagram; what has to wait is queued, a full queue counts and drops."""
        datagram = Datagram(effect.source, effect.destination, effect.data, effect.dscp)
        if effect.delay_s:
            self._events.put_in(effect.delay_s, lambda: self._sends.put(datagram))
        else:
            self._sends.put(datagram)

    def schedule(self, unique_id: int, effect: Schedule) -> None:
        """Have the SA's ``expire`` called later."""
        self._events.put_in(effect.delay_s, lambda: self.expire(unique_id, effect.timer))

    def announce(self, event: Any) -> None:
        """A log line to the bus if anybody wants it; other events to the reactions first."""
        self.announce_all((event,), "")

    def announce_all(self, events: Sequence[Any], sa: str) -> None:
        """The same for several. A reaction that fails is logged, and the others follow."""
        told: list[Any] = []
        for event in events:
            if isinstance(event, Log):
                if self._bus.wants(event.group, event.level):
                    told.append(event if event.sa else Log(event.group, event.level, event.text, sa))
                continue
            self.count(event)
            if isinstance(event, Counted):
                self._counters.add(event.name)
            elif not isinstance(event, MessageSeen):
                self._react(event, told, sa)
                told.append(event)
        self._bus.publish_all(told)

    def _react(self, event: Any, told: list[Any], sa: str) -> None:
        try:
            self.react(event)
        except Exception as error:
            trace = "".join(traceback.format_exception(error)).rstrip()
            text = f"reacting to {type(event).__name__} failed\n{trace}"
            told.append(Log(Group.MGR, Level.AUDIT, text, sa))

    def retired(self, sa: Finished, reason: str, error: BaseException | None) -> None:
        """After a bug, let the SA give back what it holds; nothing goes to the peer."""
        if error is not None:
            self._bus.log(Group.IKE, Level.AUDIT, f"{self.name(sa)} given up: {reason}")
            for effect in sa.abandon(self._clock()):
                if isinstance(effect, Announce | Log):
                    self.announce(effect if isinstance(effect, Log) else effect.event)
        self.gone(sa)


def _name(sa: Finished) -> str:
    return f"SA {sa.unique_id}"


def _nobody(unique_id: int, timer: Any) -> bool:
    return False


def _ignore(event: Any) -> None:
    return None
