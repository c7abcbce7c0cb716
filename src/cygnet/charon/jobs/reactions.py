"""What the daemon does when an IKE_SA tells of something: uniqueness, restarts, traps, kernel bookkeeping.

Every reaction only queues orders and jobs: it runs on the worker that holds the IKE_SA.
"""

from collections.abc import Callable
from typing import Any, Protocol

from cygnet.base.groups import Group, Level
from cygnet.charon.config.records import Action, ChildConfig, PeerConfig, Unique
from cygnet.charon.jobs.installed import Installed
from cygnet.charon.jobs.negotiations import Negotiations, Workplace
from cygnet.charon.jobs.traps import Traps
from cygnet.charon.sa.events import ChildClosed, ChildDown, ChildUp, Finished, IkeEstablished, Reestablish
from cygnet.charon.sa.orders import TerminateIke
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.runtime.queues.events import EventQueue
from cygnet.runtime.queues.jobs import CallJob, Priority

SIMULTANEOUS_S = 10.0
"""IKE_SAs that both sides initiated within this time are one intention, not a return of the peer."""


class Loaded(Protocol):
    """The loaded connections."""

    def peer(self, name: str) -> PeerConfig | None:
        """The peer config of that name."""


class Reactions:
    """One method for each kind of event; what has none needs no reaction."""

    def __init__(
        self,
        place: Workplace,
        negotiations: Negotiations,
        traps: Traps,
        installed: Installed,
        events: EventQueue,
        loaded: Loaded,
    ) -> None:
        self._place = place
        self._negotiations = negotiations
        self._traps = traps
        self._installed = installed
        self._events = events
        self._loaded = loaded
        self._stopping = False
        self._by_kind: dict[type, Callable[[Any], None]] = {
            IkeEstablished: self._apply_uniqueness,
            ChildUp: self._remember_child,
            ChildDown: self._forget_child,
            ChildClosed: self._route_again,
            Reestablish: self._establish_again,
            Finished: self._tell_traps,
        }

    def __call__(self, event: object) -> None:
        """React to one event."""
        react = self._by_kind.get(type(event))
        if react is not None:
            react(event)

    def stop(self) -> None:
        """From now on nothing is established again."""
        self._stopping = True

    def _apply_uniqueness(self, event: IkeEstablished) -> None:
        """``uniqueids``: what becomes of other IKE_SAs between the same identities."""
        pair = (event.local_id, event.remote_id)
        others = [number for number in self._place.manager.by_identities(pair) if number != event.ike_id]
        if not others or event.replaces or event.config.unique is Unique.NEVER:
            return
        peer = f"for peer '{event.remote_id}'"
        if event.initial_contact:
            self._end(others, f"destroying duplicate IKE_SA {peer}, received INITIAL_CONTACT", force=True)
        elif event.config.unique is Unique.REPLACE:
            losers = self._superseded(event, others)
            self._end(losers, f"deleting duplicate IKE_SA {peer} due to uniqueness policy")
        elif event.config.unique is Unique.KEEP:
            self._end([event.ike_id], f"cancelling IKE_SA {peer}: keeping the one that is there")

    def _superseded(self, event: IkeEstablished, others: list[int]) -> list[int]:
        """The older ones; of two that both sides initiated at once, the one with the higher initiator SPI.

        So both sides end the same one. RFC 7296, 2.8.2 has the lowest nonce decide for rekeyings; here the
        SPIs serve, for they are what both sides still know.
        """
        newest = self._place.manager.snapshot(event.ike_id)
        pairs = [(number, self._place.manager.snapshot(number)) for number in others]
        return [event.ike_id if self._loses(newest, other) else number for number, other in pairs]

    def _loses(self, newest: IkeSnapshot | None, other: IkeSnapshot | None) -> bool:
        return (
            newest is not None
            and other is not None
            and newest.spi_i > other.spi_i
            and self._crossed(newest, other)
        )

    def _crossed(self, newest: IkeSnapshot, other: IkeSnapshot) -> bool:
        return (
            newest.initiator != other.initiator
            and other.established_at is not None
            and self._place.clock() - other.established_at < SIMULTANEOUS_S
        )

    def _end(self, numbers: list[int], why: str, force: bool = False) -> None:
        for number in dict.fromkeys(numbers):
            self._place.bus.log(Group.IKE, Level.CONTROL, why)
            self._place.order(number, TerminateIke(force=force, reason=why))

    def _remember_child(self, event: ChildUp) -> None:
        self._installed.add(event.ike_id, event.child)

    def _forget_child(self, event: ChildDown) -> None:
        self._installed.remove(event.child)

    def _tell_traps(self, event: Finished) -> None:
        """As a job, since the kernel may have to be told, which takes time."""
        if not event.ok:
            job = CallJob("failed acquire", Priority.LOW, lambda: self._traps.finished(event.ticket, False))
            self._place.jobs.put(job)
        else:
            self._traps.finished(event.ticket, True)

    def _route_again(self, event: ChildClosed) -> None:
        peer = event.peer
        if event.action is Action.TRAP and peer is not None and not self._stopping:
            job = CallJob(
                f"route '{event.config.name}'", Priority.LOW, lambda: self._route(peer, event.config)
            )
            self._place.jobs.put(job)

    def _route(self, peer: PeerConfig, child: ChildConfig) -> None:
        if all(routed.name != child.name for routed in self._traps.installed()):
            self._traps.install(peer, child)

    def _establish_again(self, event: Reestablish) -> None:
        """Only what is still configured, in the form it has now."""
        if self._stopping:
            return

        def again() -> None:
            peer = self._loaded.peer(event.config.name)
            if peer is None or self._stopping:
                return
            names = {child.name for child in event.children}
            children = tuple(child for child in peer.children if child.name in names)
            if children or not names:
                self._negotiations.establish(peer, children, event.reason, event.tries)

        self._events.put_in(event.delay_s, again)
