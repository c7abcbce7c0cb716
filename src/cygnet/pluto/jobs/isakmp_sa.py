"""An ISAKMP SA of the core as the daemon drives it: orders go in, what it tells becomes whack's lines."""

from collections.abc import Callable, Iterable
from typing import Any

from cygnet.base.effects import Adopt, Announce, Effect
from cygnet.ctl.whack_codes import Rc
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.jobs.core import Establish, Finished, Order, Picture, Progress, Rekey, Terminate
from cygnet.pluto.jobs.pictures import picture_of
from cygnet.pluto.sa import events, orders
from cygnet.pluto.sa.ike_sa import IkeSa
from cygnet.pluto.sa.states import PHASE_1_DONE, State
from cygnet.runtime.network.datagrams import Datagram

DONE = PHASE_1_DONE | {State.QUICK_I2, State.QUICK_R2}
FAILED_CODE = Rc.NO_RETRANSMISSION


class IsakmpSa:
    """Implements ``jobs.core.Sa``. ``configs`` finds the core's record of a connection."""

    def __init__(self, sa: IkeSa, config_of: Callable[[Any], PeerConfig]) -> None:
        self._sa, self._config_of = sa, config_of
        self._asked: dict[int, str] = {}  # ticket -> what was ordered, in words

    @property
    def unique_id(self) -> int:
        """Its number."""
        return self._sa.unique_id

    @property
    def spi_local(self) -> bytes:
        """Our cookie."""
        return self._sa.spi_local

    @property
    def name(self) -> str:
        """The connection's name, for log lines."""
        return self._sa.name

    def begin(self, now: float) -> list[Effect]:
        """Phase 1 of one that another made to take its place."""
        return self._told(self._sa.begin(now))

    def receive(self, datagram: Datagram, now: float) -> list[Effect]:
        """Handle a message of the peer."""
        return self._told(self._sa.receive(datagram.data, datagram.source, datagram.destination, now))

    def command(self, order: Order, now: float) -> list[Effect]:
        """Carry out an order; raises ``LocalError`` for a connection that cannot be used any more."""
        return self._told(self._sa.command(self._translated(order), now))

    def expire(self, timer: Any, now: float) -> list[Effect]:
        """Handle a timer."""
        return self._told(self._sa.expire(timer, now))

    def abandon(self, now: float) -> list[Effect]:
        """Give back what it holds."""
        return self._told(self._sa.abandon(now))

    def snapshot(self, now: float) -> Picture:
        """How it stands."""
        return picture_of(self._sa, now)

    def _translated(self, order: Order) -> orders.Order:
        if isinstance(order, Establish):
            config = self._config_of(order.connection)
            self._note(order.ticket, f"establishing connection '{config.name}'")
            return orders.Initiate(config.child(config.name), ticket=order.ticket)
        if isinstance(order, Terminate):
            what = f"CHILD_SA {{{order.child}}}" if order.child else f"IKE_SA [{self.unique_id}]"
            self._note(order.ticket, f"closing {what}")
            if order.child:
                return orders.TerminateChild(order.child, ticket=order.ticket)
            return orders.TerminateIke(order.ticket)
        if isinstance(order, Rekey):
            if order.child:
                self._note(order.ticket, f"rekeying CHILD_SA {{{order.child}}}")
                return orders.RekeyChild(order.child, ticket=order.ticket)
            self._note(order.ticket, f"reauthenticating IKE_SA [{self.unique_id}]")
            return orders.RekeyIke(order.ticket)
        return order

    def _note(self, ticket: int, what: str) -> None:
        if ticket:
            self._asked[ticket] = what

    def _told(self, effects: Iterable[Effect]) -> list[Effect]:
        return [self._translate(effect) for effect in effects]

    def _translate(self, effect: Effect) -> Effect:
        if isinstance(effect, Adopt):
            return Adopt(IsakmpSa(effect.sa, self._config_of))
        if isinstance(effect, Announce):
            if isinstance(effect.event, events.StateChanged):
                return Announce(self._progress(effect.event))
            if isinstance(effect.event, events.Retransmitted):
                return Announce(self._repeated(effect.event))
            if isinstance(effect.event, events.Finished):
                return Announce(outcome(effect.event, self._asked.pop(effect.event.ticket, "")))
        return effect

    def _progress(self, event: events.StateChanged) -> Progress:
        state = event.state
        code = Rc.SUCCESS if state in DONE else Rc.NEW_STATE + state.value
        return Progress(
            event.ike_id, event.number, self._label(event.name), code, f"{state.label}: {state.story}"
        )

    def _repeated(self, event: events.Retransmitted) -> Progress:
        text = f"{event.state.label}: retransmission; will wait {event.wait_s:.0f}s for response"
        return Progress(event.ike_id, event.ike_id, self._label(event.name), Rc.RETRANSMISSION, text)

    def _label(self, name: str) -> str:
        config = self._sa.config
        return f'"{name}"' + (f"[{config.instance}]" if config is not None and config.instance else "")


_DONE = {
    "establishing": "established successfully", "closing": "closed successfully",
    "rekeying": "rekeyed successfully", "reauthenticating": "is being authenticated anew",
}  # fmt: skip
"""How an order that began so ends well."""


def outcome(event: events.Finished, what: str = "") -> Finished:
    """strongSwan's last line of ``ipsec up`` and ``down``, with the reason of a failure before it.

    ``what`` was ordered, in words.
    """
    if event.ok:
        begun, _, words = what.partition(" ")
        return Finished(event.ticket, True, Rc.SUCCESS, f"{words} {_DONE[begun]}" if what else "done")
    reason = f"{event.reason}\n" if event.reason else ""
    code = Rc.NOTIFICATION + event.notify if event.notify else FAILED_CODE
    return Finished(event.ticket, False, code, f"{reason}{what or 'order'} failed")
