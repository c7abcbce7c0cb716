"""Performs the effects of ISAKMP SAs: datagrams to the sender, timers to the scheduler, events onward."""

from collections.abc import Callable, Sequence
from typing import Any

from cygnet.base.effects import Announce, Log, Schedule, Send
from cygnet.base.groups import Group, Level
from cygnet.pluto.jobs.core import Sa
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.network.datagrams import Datagram
from cygnet.runtime.queues.events import EventQueue
from cygnet.runtime.queues.sends import Sends


class EffectPerformer:
    """The manager's performer. ``expire`` and ``gone`` are set once those who do it exist."""

    def __init__(self, sends: Sends, events: EventQueue, bus: Bus, clock: Callable[[], float]) -> None:
        self.expire: Callable[[int, Any], bool] = lambda unique_id, timer: False
        self.gone: Callable[[int], None] = lambda unique_id: None
        self._sends, self._events, self._bus, self._clock = sends, events, bus, clock

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
            if not isinstance(event, Log):
                told.append(event)
            elif self._bus.wants(event.group, event.level):
                told.append(event if event.sa else Log(event.group, event.level, event.text, sa))
        self._bus.publish_all(told)

    def retired(self, sa: Sa, reason: str, error: BaseException | None) -> None:
        """After a bug, let the SA give back what it holds; nothing goes to the peer."""
        if error is not None:
            self._bus.log(Group.IKE, Level.AUDIT, f"ISAKMP SA #{sa.unique_id} given up: {reason}")
            for effect in sa.abandon(self._clock()):
                if isinstance(effect, Announce):
                    self.announce(effect.event)
        self.gone(sa.unique_id)
