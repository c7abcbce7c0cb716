"""What the daemon does when an IKE_SA tells of something: each event goes to those whose business it is.

Every reaction only notes, or queues orders and jobs: it runs on the worker that holds the IKE_SA.
"""

from collections.abc import Callable
from typing import Any

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.charon.jobs.installed import Installed
from cygnet.charon.jobs.reauthentications import Reauthentications
from cygnet.charon.jobs.reconciler import Reconciler
from cygnet.charon.jobs.uniqueness import Uniqueness
from cygnet.charon.jobs.workplace import Workplace
from cygnet.charon.sa.events import (
    ChildClosed,
    ChildStateChanged,
    Finished,
    IkeClosed,
    IkeEstablished,
    InboundLingers,
    OrderPassedOn,
    Reauthenticate,
    Reauthenticated,
    ReauthenticationFailed,
)
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.events import ChildDown, ChildUp


class Reactions:
    """One method for each kind of event; what has none needs no reaction."""

    def __init__(self, place: Workplace, reconciler: Reconciler, installed: Installed) -> None:
        self._place = place
        self._reconciler = reconciler
        self._installed = installed
        self._uniqueness = Uniqueness(place)
        self._reauthentications = Reauthentications(place, self._uniqueness)
        self._by_kind: dict[type, Callable[[Any], bool | None]] = {
            IkeEstablished: self._established,
            ChildUp: self._child_up,
            ChildDown: self._child_down,
            ChildStateChanged: self._child_moved,
            ChildClosed: self._child_closed,
            IkeClosed: self._ike_closed,
            Finished: reconciler.finished,
            OrderPassedOn: self._passed_on,
            InboundLingers: self._lingers,
            Reauthenticate: self._reauthentications.begin,
            Reauthenticated: self._reauthentications.concluded,
            ReauthenticationFailed: self._reauthentications.failed,
        }

    def __call__(self, event: object) -> bool:
        """React to one event; whether nobody else is to hear of it, since it goes on."""
        react = self._by_kind.get(type(event))
        return react is not None and react(event) is True

    def retired(self, ike_id: int) -> None:
        """An IKE_SA is gone, however it ended."""
        self._reconciler.retired(ike_id)

    def stop(self) -> None:
        """From now on nothing is established again."""
        self._reconciler.stop()

    def _established(self, event: IkeEstablished) -> None:
        if event.replaces:
            self._installed.move(event.replaces, event.ike_id)
            self._reconciler.moved(event.replaces, event.ike_id)
            self._reauthentications.moved(event.replaces, event.ike_id)
            self._uniqueness.moved(event.replaces, event.ike_id)
        self._uniqueness(event)

    def _ike_closed(self, event: IkeClosed) -> None:
        self._reconciler.ike_closed(self._uniqueness.closed(event))

    def _passed_on(self, event: OrderPassedOn) -> None:
        if not self._place.order(event.ike_id, event.order):
            self._place.finish(event.order.ticket, True, "the IKE_SA is gone")

    def _child_up(self, event: ChildUp) -> None:
        self._installed.add(event)
        self._reconciler.child_up(event, self._reauthentications.predecessor(event.ike_id))

    def _child_closed(self, event: ChildClosed) -> None:
        """It may be there for a moment still, but is not to be counted on."""
        self._installed.mark_leaving(event.child.child_id)
        self._reconciler.child_closed(event)

    def _child_down(self, event: ChildDown) -> None:
        self._installed.remove(event.child.unique_id)

    def _lingers(self, event: InboundLingers) -> None:
        """Nobody else knows the SA any more."""

        def delete() -> None:
            try:
                self._place.ports.kernel.delete_sa(event.id)
            except LocalError as error:
                text = f"deleting SA {event.id.spi:08x} failed: {error}"
                self._place.bus.log(Group.KNL, Level.CONTROL, text)

        self._place.later(event.delay_s, "delete SA", delete)

    def _child_moved(self, event: ChildStateChanged) -> None:
        if event.new is ChildState.DELETING:
            self._installed.mark_leaving(event.child_id)
