"""Performs the effects of ISAKMP SAs: datagrams to the sender, timers to the scheduler, events onward."""

import traceback
from collections.abc import Callable, Sequence
from typing import Any

from cygnet.base.effects import Announce, Log, Schedule, Send
from cygnet.base.groups import Group, Level
from cygnet.pluto.jobs.core import Sa
from cygnet.pluto.jobs.told import translated
from cygnet.pluto.sa.events import Counted, MessageSeen
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.counters import Counters
from cygnet.runtime.network.datagrams import Datagram
from cygnet.runtime.queues.events import EventQueue
from cygnet.runtime.queues.sends import Sends


class EffectPerformer:
    """The manager's performer. ``expire``, ``react`` and ``gone`` are set once those who do it exist.

    What is only to be counted goes to the counters; other events are reacted to before the bus has them.
    """

    def __init__(
        self, sends: Sends, events: EventQueue, bus: Bus, counters: Counters, clock: Callable[[], float]
    ) -> None:
        self.expire: Callable[[int, Any], bool] = lambda unique_id, timer: False
        self.gone: Callable[[Sa], None] = lambda sa: None
        self.react: Callable[[Any], None] = lambda event: None
        self._sends, self._events, self._bus, self._clock = sends, events, bus, clock
        self._counters = counters

    def send(self, effect: Send) -> None:
        """Send a datagram; what has to wait is queued, a full queue counts and drops."""
        self._sends.put(Datagram(effect.source, effect.destination, effect.data, effect.dscp))

    def schedule(self, unique_id: int, effect: Schedule) -> None:
        """Have the SA's ``expire`` called later."""
        self._events.put_in(effect.delay_s, lambda: self.expire(unique_id, effect.timer))

    def announce(self, event: Any) -> None:
        """Publish an event, or a log line that anybody wants."""
        self.announce_all((event,), "")

    def announce_all(self, events: Sequence[Any], sa: str) -> None:
        """The same for several, whose log lines get the name of their SA."""
        told: list[Any] = []
        for event in events:
            if isinstance(event, Log):
                if self._bus.wants(event.group, event.level):
                    told.append(event if event.sa else Log(event.group, event.level, event.text, sa))
            elif isinstance(event, Counted):
                self._counters.add(event.name)
            elif not isinstance(event, MessageSeen):
                self._react(event)
                told += (event, *translated(event))
        self._bus.publish_all(told)

    def _react(self, event: Any) -> None:
        try:
            self.react(event)
        except Exception as error:
            trace = "".join(traceback.format_exception(error)).rstrip()
            self._bus.log(Group.MGR, Level.AUDIT, f"reacting to {type(event).__name__} failed\n{trace}")

    def retired(self, sa: Sa, reason: str, error: BaseException | None) -> None:
        """After a bug, let the SA give back what it holds; nothing goes to the peer."""
        if error is not None:
            self._bus.log(Group.IKE, Level.AUDIT, f"ISAKMP SA #{sa.unique_id} given up: {reason}")
            for effect in sa.abandon(self._clock()):
                if isinstance(effect, Announce):
                    self.announce(effect.event)
        self.gone(sa)
