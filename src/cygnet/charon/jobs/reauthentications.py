"""Successors of IKE_SAs that are authenticated anew, make-before-break (RFC 7296, 2.8.3)."""

import threading
from dataclasses import dataclass, replace

from cygnet.base.errors import LocalError
from cygnet.charon.jobs.contacts import ALIVE
from cygnet.charon.jobs.uniqueness import REAUTHENTICATION_S, Uniqueness
from cygnet.charon.jobs.workplace import Workplace
from cygnet.charon.sa.events import Reauthenticate, Reauthenticated, ReauthenticationFailed
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.orders import Initiate, ReauthFailed, TerminateIke
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.keying.config.records import Unique
from cygnet.keying.intents import AS_CONFIGURED, shape_of
from cygnet.keying.sa.matching import is_same_peer


@dataclass(slots=True)
class _Pending:
    """The IKE_SA to be replaced, and who waits for that."""

    old_id: int
    ticket: int


class Reauthentications:
    """Makes the successor, lets the old IKE_SA go once that has all, tells it when that came to nothing."""

    def __init__(self, place: Workplace, uniqueness: Uniqueness) -> None:
        self._place = place
        self._uniqueness = uniqueness
        self._lock = threading.Lock()
        self._pending: dict[int, _Pending] = {}

    def begin(self, event: Reauthenticate) -> None:
        """An IKE_SA wants a successor."""
        self._place.soon(f"reauthenticate '{event.peer.name}'", lambda: self._begin(event))

    def concluded(self, event: Reauthenticated) -> None:
        """The successor has everything: the old one is deleted."""
        order = TerminateIke(reason="reauthenticated", successor=event.ike_id, reauthenticated=True)
        self._tell(event.ike_id, order, True, "the IKE_SA that was to be replaced is gone")

    def failed(self, event: ReauthenticationFailed) -> None:
        """The successor is gone: the old one will ask again."""
        self._tell(event.ike_id, ReauthFailed(event.reason), False, event.reason)

    def _tell(self, number: int, order: TerminateIke | ReauthFailed, ok: bool, otherwise: str) -> None:
        """Give the old IKE_SA its order; ``otherwise`` is for who waits, if it is gone."""
        with self._lock:
            pending = self._pending.pop(number, None)
        if pending is None:
            return
        if not self._place.order(pending.old_id, replace(order, ticket=pending.ticket)):
            self._place.finish(pending.ticket, ok, otherwise)

    def predecessor(self, number: int) -> int:
        """The IKE_SA that this one is to succeed, 0 for none."""
        with self._lock:
            pending = self._pending.get(number)
        return pending.old_id if pending is not None else 0

    def moved(self, old_id: int, new_id: int) -> None:
        """An IKE_SA was rekeyed while its successor is being made, or the successor itself was."""
        with self._lock:
            if old_id in self._pending:
                self._pending[new_id] = self._pending.pop(old_id)
            for pending in self._pending.values():
                if pending.old_id == old_id:
                    pending.old_id = new_id

    def _crosses(self, old: IkeSnapshot, others: list[IkeSnapshot]) -> bool:
        """Whether there is a second IKE_SA of the connection, one of the two new: the peer is at it.

        Then it would be an IKE_SA that is about to be replaced, or a successor that has not everything yet.
        """
        since = self._place.clock() - REAUTHENTICATION_S
        return any(max(one.established_at or 0.0, old.established_at or 0.0) > since for one in others)

    def _superseding(self, old: IkeSnapshot, others: list[IkeSnapshot]) -> IkeSnapshot | None:
        """With ``uniqueids=keep``: the newest that came after this one, and has been there for a while.

        Both sides may have made a successor, of different IKE_SAs even, if much is lost. With other values
        of ``uniqueids`` the older one ends by that; here one IKE_SA more would end neither.
        """
        if old.config is None or old.config.unique is not Unique.KEEP:
            return None
        newest = max((*others, old), key=lambda one: (one.created_at, one.unique_id))
        return newest if newest is not old and self._place.ports.settings.reuse_ikesa else None

    def _others(self, old: IkeSnapshot) -> list[IkeSnapshot]:
        """The IKE_SAs of the same connection that are no successor in the making."""
        if old.local_id is None or old.remote_id is None or old.config is None:
            return []
        manager, found = self._place.manager, []
        for number in manager.by_identities((old.local_id, old.remote_id)):
            other = manager.snapshot(number)
            if other is None or number == old.unique_id or other.state not in ALIVE or other.config is None:
                continue
            if not other.succeeds and is_same_peer(other.config, old.config):
                found.append(other)
        return found

    def _begin(self, event: Reauthenticate) -> None:
        snapshot = self._place.manager.snapshot(event.ike_id)
        if snapshot is None:
            self._place.finish(event.ticket, False, "the IKE_SA is gone")
            return
        if not self._is_needless(event, snapshot):
            self._make(event)

    def _is_needless(self, event: Reauthenticate, old: IkeSnapshot) -> bool:
        """Whether the peer is at it, or was."""
        others = self._others(old)
        if self._crosses(old, others):
            self._place.order(event.ike_id, ReauthFailed("the peer is reauthenticating", event.ticket))
            return True
        newer = self._superseding(old, others)
        if newer is None:
            return False
        self._uniqueness.give_way(old, newer)
        self._place.finish(event.ticket, True, "a newer IKE_SA is there already")
        return True

    def _make(self, event: Reauthenticate) -> None:
        place, old = self._place, event.ike_id
        number = place.manager.next_unique_id()
        with self._lock:
            self._pending[number] = _Pending(old, event.ticket)
        try:
            hosts = event.local, event.remote
            successor = IkeSa.initiator(
                place.ports, number, event.peer, *hosts, succeeds=old, virtual_ips=event.virtual_ips
            )
            place.manager.register(successor)
        except LocalError as error:
            self.failed(ReauthenticationFailed(number, old, str(error)))
            return
        for lost in event.children:
            shape = shape_of(lost)
            selectors = None if shape == AS_CONFIGURED else shape
            place.order(number, Initiate(lost.config, lost.reqid, selectors=selectors, marks=lost.marks))
        if not event.children:
            place.order(number, Initiate(None))
