"""Orders to IKE_SAs: finding or making the right one, and following what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass

from cygnet.base.addresses import Address
from cygnet.base.effects import Effect
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.charon.config.records import ChildConfig, PeerConfig
from cygnet.charon.jobs.dialogues import Dialogue, Refusal
from cygnet.charon.jobs.hosts import Names, local_host, remote_host
from cygnet.charon.jobs.numbers import Numbers
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.orders import (
    Acquire,
    Initiate,
    Order,
    RekeyChild,
    RekeyIke,
    TerminateChild,
    TerminateIke,
)
from cygnet.charon.sa.ports import Ports
from cygnet.runtime.bus.bus import Bus
from cygnet.runtime.manager import Manager
from cygnet.runtime.queues.jobs import CallJob, JobQueue, Priority

REUSABLE = ("CREATED", "CONNECTING", "ESTABLISHED")


@dataclass(frozen=True, slots=True)
class Workplace:
    """What giving an order needs of the daemon."""

    manager: Manager[IkeSa]
    ports: Ports
    numbers: Numbers
    bus: Bus
    jobs: JobQueue
    names: Names
    clock: Callable[[], float]

    def order(self, ike_id: int, order: Order) -> bool:
        """Post an order to an IKE_SA; False if there is none of that number any more."""

        def command(sa: IkeSa) -> list[Effect]:
            return sa.command(order, self.clock())

        name = type(order).__name__
        return self.manager.post(ike_id, command, Priority.MEDIUM, name, sure=True)


class Negotiations:
    """Initiates and terminates, for commands (followed) and for the daemon itself (not followed)."""

    def __init__(self, place: Workplace) -> None:
        self._place = place

    def initiate(self, peer: PeerConfig, child: ChildConfig | None, level: int) -> Dialogue | Refusal:
        """Negotiate ``child`` with ``peer``, on an IKE_SA that is there or on a new one."""
        ticket = self._place.numbers.ticket()
        try:
            ike_id = self._find(peer) or self._create(peer)
        except LocalError as error:
            return Refusal(ticket, str(error))
        return self._followed(ike_id, Initiate(child, ticket=ticket), ticket, level)

    def terminate_ike(self, unique_id: int, level: int) -> Dialogue | Refusal:
        """Delete an IKE_SA with its children."""
        ticket = self._place.numbers.ticket()
        return self._followed(unique_id, TerminateIke(ticket), ticket, level)

    def terminate_child(self, ike_id: int, child_id: int, level: int) -> Dialogue | Refusal:
        """Delete one CHILD_SA."""
        ticket = self._place.numbers.ticket()
        return self._followed(ike_id, TerminateChild(child_id, ticket=ticket), ticket, level)

    def rekey_ike(self, unique_id: int, level: int) -> Dialogue | Refusal:
        """Rekey an IKE_SA, or authenticate anew where its connection says so."""
        ticket = self._place.numbers.ticket()
        return self._followed(unique_id, RekeyIke(ticket), ticket, level)

    def rekey_child(self, ike_id: int, child_id: int, level: int) -> Dialogue | Refusal:
        """Rekey one CHILD_SA."""
        ticket = self._place.numbers.ticket()
        return self._followed(ike_id, RekeyChild(child_id, ticket=ticket), ticket, level)

    def establish(
        self, peer: PeerConfig, children: tuple[ChildConfig, ...], why: str, tries: int = 0
    ) -> None:
        """Bring up what is not up yet, as a job: names may have to be looked up.

        Repeating it does no harm: a child that an IKE_SA has already is left alone. ``tries`` counts the
        attempts that failed before (``keyingtries``).
        """

        def job() -> None:
            wanted = [child for child in children if not self._has_child(peer.name, child.name)]
            if wanted or not children:
                orders = [Initiate(child) for child in wanted] or [Initiate(None)]
                self._quietly(peer, orders, why, tries)

        self._place.jobs.put(CallJob(f"establish '{peer.name}'", Priority.MEDIUM, job), sure=True)

    def acquire(
        self, peer: PeerConfig, order: Acquire, only: Address | None, failed: Callable[[], None]
    ) -> None:
        """Negotiate for a packet that met a trap; with ``only`` no IKE_SA but one to that address will do.

        ``failed`` is called where there is no IKE_SA to give the order to.
        """

        def job() -> None:
            if not self._quietly(peer, [order], "acquire", only=only):
                failed()

        self._place.jobs.put(CallJob(f"acquire '{peer.name}'", Priority.MEDIUM, job))

    def _quietly(
        self,
        peer: PeerConfig,
        orders: list[Initiate] | list[Acquire],
        why: str,
        tries: int = 0,
        only: Address | None = None,
    ) -> bool:
        try:
            ike_id = self._find(peer, only) or self._create(peer, tries)
        except LocalError as error:
            text = f"establishing '{peer.name}' ({why}) failed: {error}"
            self._place.bus.log(Group.IKE, Level.CONTROL, text)
            return False
        taken = [self._place.order(ike_id, order) for order in orders]
        return all(taken)

    def _followed(self, ike_id: int, order: Order, ticket: int, level: int) -> Dialogue | Refusal:
        dialogue = Dialogue(self._place.bus, ike_id, ticket, level)
        if self._place.order(ike_id, order):
            return dialogue
        dialogue.close()
        return Refusal(ticket, f"IKE_SA [{ike_id}] is gone")

    def _find(self, peer: PeerConfig, only: Address | None = None) -> int | None:
        """An IKE_SA of this connection that can take another CHILD_SA (``reuse_ikesa``)."""
        if not self._place.ports.settings.reuse_ikesa:
            return None
        for ike_id in self._place.manager.by_name(peer.name):
            snapshot = self._place.manager.snapshot(ike_id)
            suits = snapshot is not None and only in (None, snapshot.remote.address)
            if snapshot is not None and suits and snapshot.state in REUSABLE:
                return ike_id
        return None

    def _create(self, peer: PeerConfig, tries: int = 0) -> int:
        """A new IKE_SA; raises :class:`LocalError` if it has no address to go to or there are too many."""
        place = self._place
        remote = remote_host(peer.ike, place.names)
        local = local_host(peer.ike, remote, place.ports.kernel.source_address, place.names)
        first = not place.manager.by_name(peer.name)
        number = place.manager.next_unique_id()
        sa = IkeSa.initiator(place.ports, number, peer, local, remote, first_contact=first, tries=tries)
        return place.manager.register(sa)

    def _has_child(self, peer: str, child: str) -> bool:
        snapshots = map(self._place.manager.snapshot, self._place.manager.by_name(peer))
        return any(
            snapshot is not None and snapshot.state in REUSABLE
            and any(known.name == child and known.state != "DELETING" for known in snapshot.children)
            for snapshot in snapshots
        )  # fmt: skip
