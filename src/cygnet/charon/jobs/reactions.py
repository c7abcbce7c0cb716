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
    ChildDown,
    ChildStateChanged,
    ChildUp,
    Finished,
    IkeClosed,
    IkeEstablished,
    InboundLingers,
    Reauthenticate,
    Reauthenticated,
    ReauthenticationFailed,
)
from cygnet.charon.sa.states import ChildState


class Reactions:
    """One method for each kind of event; what has none needs no reaction."""

    def __init__(self, place: Workplace, reconciler: Reconciler, installed: Installed) -> None:
        self._place = place
        self._reconciler = reconciler
        self._installed = installed
        self._uniqueness = Uniqueness(place)
        self._reauthentications = Reauthentications(place)
        self._by_kind: dict[type, Callable[[Any], None]] = {
            IkeEstablished: self._established,
            ChildUp: self._child_up,
            ChildDown: self._child_down,
            ChildStateChanged: self._child_moved,
            ChildClosed: reconciler.child_closed,
            IkeClosed: reconciler.ike_closed,
            Finished: reconciler.finished,
            InboundLingers: self._lingers,
            Reauthenticate: self._reauthentications.begin,
            Reauthenticated: self._reauthentications.concluded,
            ReauthenticationFailed: self._reauthentications.failed,
        }

    def __call__(self, event: object) -> None:
        """React to one event."""
        react = self._by_kind.get(type(event))
        if react is not None:
            react(event)

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
        self._uniqueness(event)

    def _child_up(self, event: ChildUp) -> None:
        self._installed.add(event)
        self._reconciler.child_up(event)

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
