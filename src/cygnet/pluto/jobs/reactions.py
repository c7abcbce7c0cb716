"""What the daemon does when an ISAKMP SA tells of something. Every reaction only queues orders and jobs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from cygnet.base.effects import Effect
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.config.shared import Action, ChildConfig, Unique
from cygnet.pluto.jobs.core import Order, Picture, Sa
from cygnet.pluto.jobs.isakmp_sa import outcome
from cygnet.pluto.jobs.told import translated
from cygnet.pluto.sa.events import ChildClosed, Finished, HandedOver, IkeEstablished, Reestablish
from cygnet.pluto.sa.orders import HandOver, Initiate, TakeOver, TerminateIke
from cygnet.pluto.sa.ports import Ports
from cygnet.pluto.sa.succession import Estate, forfeit
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.manager import Manager
from cygnet.runtime.queues.events import EventQueue
from cygnet.runtime.queues.jobs import CallJob, JobQueue, Priority

CROSSING_S = 5.0
"""How far apart two renewals that crossed may be established here."""


class Beginner(Protocol):
    """Makes ISAKMP SAs (``jobs.ikev1.Ikev1``)."""

    def begin(self, unique_id: int, config: PeerConfig, tries: int = 0) -> Sa:
        """A new one; raises ``LocalError``."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """What orders and jobs need."""

    manager: Manager[Sa]
    jobs: JobQueue
    events: EventQueue
    bus: Bus
    clock: Callable[[], float]

    def order(self, number: int, order: Order) -> bool:
        """Have an ISAKMP SA carry something out; whether it is there."""

        def command(sa: Sa) -> list[Effect]:
            return sa.command(order, self.clock())

        return self.manager.post(number, command, Priority.MEDIUM, type(order).__name__, sure=True)

    def soon(self, name: str, action: Callable[[], None], delay_s: float = 0) -> None:
        """Have something done on a worker, outside whatever is being done now."""

        def queue() -> None:
            self.jobs.put(CallJob(name, Priority.MEDIUM, action), sure=True)

        if delay_s:
            self.events.put_in(delay_s, queue)
        else:
            queue()

    def log(self, group: Group, text: str) -> None:
        """A line of the daemon's own."""
        self.bus.log(group, Level.CONTROL, text)


class Reactions:
    """One method for each kind of event; what has none needs no reaction."""

    def __init__(self, place: Workplace, beginner: Beginner, ports: Ports) -> None:
        self._place, self._beginner, self._ports = place, beginner, ports
        self._stopped = False
        self._by_kind: dict[type, Callable[[Any], None]] = {
            IkeEstablished: self._established,
            HandedOver: self._handed_over,
            Reestablish: self._reestablish,
            ChildClosed: self._child_closed,
        }

    def __call__(self, event: object) -> None:
        """React to one event."""
        react = self._by_kind.get(type(event))
        if react is not None:
            react(event)

    def stop(self) -> None:
        """From now on nothing is established again."""
        self._stopped = True

    def _established(self, event: IkeEstablished) -> None:
        """``uniqueids``: others of the same connection and peer hand over to the new one, or end.

        IPsec SAs belong to the two hosts, not to the ISAKMP SA that made them (RFC 2409, 4): whoever
        reauthenticates keeps them. INITIAL-CONTACT says that the peer has lost them (RFC 2407, 4.6.3.3);
        ``uniqueids=never`` does not listen to it.
        """
        new = self._place.manager.snapshot(event.ike_id)
        user = new.xauth_user if new is not None else ""
        for other in self._place.manager.snapshots():
            if other.number == event.ike_id or not _same_peer(other, event, user):
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
        if not place.order(event.heir, TakeOver(event.estate)):
            place.soon("forfeit", lambda: self._forfeit(event.estate))

    def _forfeit(self, estate: Estate) -> None:
        for told in forfeit(self._ports, estate):
            self._place.bus.publish(outcome(told) if isinstance(told, Finished) else told)
            for word in translated(told):
                self._place.bus.publish(word)

    def _reestablish(self, event: Reestablish) -> None:
        self._place.log(Group.IKE, f"establishing connection '{event.config.name}' again: {event.reason}")
        work = _Again(event.config, event.children, event.tries)
        self._place.soon("establish again", lambda: self._begin(work), event.delay_s)

    def _child_closed(self, event: ChildClosed) -> None:
        if event.action is Action.START and event.peer is not None:
            work = _Again(event.peer, (event.config,))
            self._place.soon("establish again", lambda: self._begin(work))
        elif event.action is Action.TRAP:
            text = f"no trap for {event.config.name}: they are not implemented yet in this version of pluto"
            self._place.log(Group.CHD, text)

    def _begin(self, work: "_Again") -> None:
        """On an ISAKMP SA of the connection that is up, else on a new one."""
        if self._stopped:
            return
        place = self._place
        number = self._usable(work.config)
        if number is None:
            try:
                sa = self._beginner.begin(place.manager.next_unique_id(), work.config, work.tries)
                number = place.manager.register(sa)
            except LocalError as error:
                place.log(Group.IKE, f"establishing connection '{work.config.name}' failed: {error}")
                return
        for child in work.children or (None,):
            place.order(number, Initiate(child))

    def _usable(self, config: PeerConfig) -> int | None:
        for number in reversed(self._place.manager.by_name(config.name)):
            picture = self._place.manager.snapshot(number)
            if picture is not None and picture.instance == config.instance and picture.life == "ESTABLISHED":
                return number
        return None


@dataclass(frozen=True, slots=True)
class _Again:
    """What is to be established again."""

    config: PeerConfig
    children: tuple[ChildConfig, ...]
    tries: int = 0


def _same_peer(other: Picture, event: IkeEstablished, user: str) -> bool:
    """Users of XAUTH may share an identity, that of their group."""
    seen = (event.config.name, str(event.local_id), str(event.remote_id), user)
    return other.established and (other.name, other.local_id, other.remote_id, other.xauth_user) == seen


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
