"""What operators and starter ask of IKE_SAs: each order is given, and followed to its end."""

from cygnet.base.errors import LocalError
from cygnet.charon.jobs.dialogues import Dialogue, Refusal, Settled
from cygnet.charon.jobs.initiation import Initiation
from cygnet.charon.jobs.reconciler import Reconciler
from cygnet.charon.jobs.workplace import Workplace
from cygnet.charon.sa.orders import Initiate, Order, RekeyChild, RekeyIke, TerminateChild, TerminateIke
from cygnet.keying.config.records import ChildConfig, PeerConfig


class Negotiations:
    """Initiates and terminates on behalf of commands. ``level`` is the most detailed log level followed."""

    def __init__(self, place: Workplace, reconciler: Reconciler) -> None:
        self._place = place
        self._reconciler = reconciler
        self._initiation = Initiation(place)

    def initiate(
        self, peer: PeerConfig, child: ChildConfig | None, level: int
    ) -> Dialogue | Refusal | Settled:
        """Negotiate ``child`` with ``peer``, on an IKE_SA that is there or on a new one."""
        if child is not None:
            return self._reconciler.up(peer, child, level)
        ticket = self._place.numbers.ticket()
        try:
            ike_id = self._initiation.open(peer)
        except LocalError as error:
            return Refusal(ticket, str(error))
        return self._followed(ike_id, Initiate(None, ticket=ticket), ticket, level)

    def keep(self, child: ChildConfig) -> None:
        """Have it up from now on (``auto=start``)."""
        self._reconciler.keep(child)

    def cancel(self, name: str) -> bool:
        """Have it no longer wanted; whether it was."""
        return self._reconciler.cancel(name)

    def terminate_ike(self, unique_id: int, level: int) -> Dialogue | Refusal:
        """Delete an IKE_SA with its children, which are wanted no longer."""
        ticket = self._place.numbers.ticket()
        self._reconciler.cancel_ike(unique_id)
        return self._followed(unique_id, TerminateIke(ticket), ticket, level)

    def terminate_child(self, ike_id: int, child_id: int, level: int) -> Dialogue | Refusal:
        """Delete one CHILD_SA, which is wanted no longer."""
        ticket = self._place.numbers.ticket()
        snapshot = self._place.manager.snapshot(ike_id)
        for child in snapshot.children if snapshot else ():
            if child.unique_id == child_id:
                self._reconciler.cancel_child(child_id, child.name)
        return self._followed(ike_id, TerminateChild(child_id, ticket=ticket), ticket, level)

    def rekey_ike(self, unique_id: int, level: int) -> Dialogue | Refusal:
        """Rekey an IKE_SA, or authenticate anew where its connection says so."""
        ticket = self._place.numbers.ticket()
        return self._followed(unique_id, RekeyIke(ticket), ticket, level)

    def rekey_child(self, ike_id: int, child_id: int, level: int) -> Dialogue | Refusal:
        """Rekey one CHILD_SA."""
        ticket = self._place.numbers.ticket()
        return self._followed(ike_id, RekeyChild(child_id, ticket=ticket), ticket, level)

    def _followed(self, ike_id: int, order: Order, ticket: int, level: int) -> Dialogue | Refusal:
        dialogue = Dialogue(self._place.bus, ike_id, ticket, level)
        if self._place.order(ike_id, order):
            return dialogue
        dialogue.close()
        return Refusal(ticket, f"IKE_SA [{ike_id}] is gone")
