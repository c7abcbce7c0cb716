"""What the daemon does when an ISAKMP SA tells of something. Every reaction only queues orders and jobs."""

from collections.abc import Callable
from typing import Any

from cygnet.base.groups import Group
from cygnet.keying.config.records import Unique
from cygnet.keying.sa.events import ChildUp
from cygnet.pluto.jobs.core import Finished, Picture
from cygnet.pluto.jobs.isakmp_sa import outcome
from cygnet.pluto.jobs.reconciler import Reconciler
from cygnet.pluto.jobs.told import translated
from cygnet.pluto.jobs.workplace import Workplace
from cygnet.pluto.sa import events
from cygnet.pluto.sa.events import ChildClosed, HandedOver, IkeEstablished, Reestablish
from cygnet.pluto.sa.orders import HandOver, TakeOver, TerminateIke
from cygnet.pluto.sa.ports import Ports
from cygnet.pluto.sa.succession import Estate, forfeit

CROSSING_S = 5.0
"""How far apart two renewals that crossed may be established here."""


class Reactions:
    """One method for each kind of event; what has none needs no reaction."""

    def __init__(self, place: Workplace, ports: Ports, reconciler: Reconciler) -> None:
        self._place, self._ports = place, ports
        self.reconciler = reconciler
        self._by_kind: dict[type, Callable[[Any], None]] = {
            IkeEstablished: self._established,
            HandedOver: self._handed_over,
            Reestablish: reconciler.reestablish,
            ChildClosed: reconciler.closed,
            ChildUp: reconciler.child_up,
            Finished: reconciler.finished,
        }

    def __call__(self, event: object) -> None:
        """React to one event."""
        for word in translated(event):
            self._place.bus.publish(word)
        react = self._by_kind.get(type(event))
        if react is not None:
            react(event)

    def _established(self, event: IkeEstablished) -> None:
        """``uniqueids``: others of the same connection and peer hand over to the new one, or end.

        IPsec SAs belong to the two hosts, not to the ISAKMP SA that made them (RFC 2409, 4): whoever
        reauthenticates keeps them. INITIAL-CONTACT says that the peer has lost them (RFC 2407, 4.6.3.3);
        ``uniqueids=never`` does not listen to it.
        """
        manager = self._place.manager
        new = manager.snapshot(event.ike_id)
        user = new.xauth_user if new is not None else ""
        for number in manager.by_identities((str(event.local_id), str(event.remote_id))):
            other = manager.snapshot(number)
            if number == event.ike_id or other is None or not _same_peer(other, event, user):
                continue
            if event.initial_contact and not event.replaces and event.config.unique is not Unique.NEVER:
                self._end(other, event, "received INITIAL_CONTACT", force=True)
            elif other.number == event.replaces or _hands_over(other, event):
                self._hand_over(other, event)
            elif event.config.unique is Unique.REPLACE and not event.initiator:
                self._end(other, event, "due to uniqueness policy")

    def _hand_over(self, other: Picture, event: IkeEstablished) -> None:
        """The older to the newer; of two renewals that crossed both sides keep the one of greater cookies.

        Each side may have seen another of them last, and would delete what the other one keeps.
        """
        new = self._place.manager.snapshot(event.ike_id)
        if new is not None and _crossed(other, new) and other.cookies > new.cookies:
            self._place.order(new.number, HandOver(other.number))
        else:
            self._place.order(other.number, HandOver(event.ike_id))

    def _end(self, other: Picture, event: IkeEstablished, why: str, *, force: bool = False) -> None:
        text = f"deleting duplicate IKE_SA for peer '{event.remote_id}' {why}"
        self._place.log(Group.IKE, text)
        self._place.order(other.number, TerminateIke(force=force, reason=why))

    def _handed_over(self, event: HandedOver) -> None:
        """The heir may have gone meanwhile: then everything ends, lest nobody knows it."""
        place = self._place
        self.reconciler.moved(event.ike_id, event.heir)
        if not place.order(event.heir, TakeOver(event.estate)):
            place.soon("forfeit", lambda: self._forfeit(event.estate))

    def _forfeit(self, estate: Estate) -> None:
        for told in forfeit(self._ports, estate):
            self._place.bus.publish(outcome(told) if isinstance(told, events.Finished) else told)
            for word in translated(told):
                self._place.bus.publish(word)


def _same_peer(other: Picture, event: IkeEstablished, user: str) -> bool:
    """Users of XAUTH may share an identity, that of their group."""
    return other.established and (other.name, other.xauth_user) == (event.config.name, user)


def _crossed(other: Picture, new: Picture) -> bool:
    """Whether one was begun by us and one by the peer to replace the same third, at about the same time."""
    ours = new if new.initiator else other
    if new.initiator is other.initiator or other.life != "ESTABLISHED":
        return False
    if not ours.replaces or ours.replaces in (new.number, other.number):
        return False
    times = (new.established_at, other.established_at)
    return None not in times and abs(times[0] - times[1]) < CROSSING_S  # type: ignore[operator]


def _hands_over(other: Picture, event: IkeEstablished) -> bool:
    """From the same host it is a reauthentication, or both began at once."""
    wanted = event.config.unique not in (Unique.NO, Unique.NEVER)
    return wanted and other.remote.address == event.remote.address
