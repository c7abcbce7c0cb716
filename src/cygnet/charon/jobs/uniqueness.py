"""``uniqueids``: what becomes of other IKE_SAs between the same identities once one is established."""

from dataclasses import replace

from cygnet.base.groups import Group, Level
from cygnet.charon.jobs.contacts import ALIVE
from cygnet.charon.jobs.workplace import Workplace
from cygnet.charon.sa.events import IkeClosed, IkeEstablished
from cygnet.charon.sa.orders import TerminateIke
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.keying.config.records import Unique
from cygnet.keying.sa.endings import Cause
from cygnet.keying.sa.matching import is_same_peer

REAUTHENTICATION_S = 10.0
"""How long an older IKE_SA of the same host may stay: the peer may be taking its CHILD_SAs over."""


class Uniqueness:
    """As strongSwan: INITIAL_CONTACT ends all others, and a responder ends those of the same connection.

    Besides, of two IKE_SAs that both sides made at the same time, both sides end the same one: that with
    the higher initiator SPI. INITIAL_CONTACT says nothing about the other of such two, for who said it
    could not know of it (RFC 7296, 2.4). With ``keep`` an initiator whose IKE_SA came after another, which
    was rekeyed since, ends its own; and an IKE_SA that is to be authenticated anew although there is a newer
    one just ends (``reauthentications``).
    """

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._losers: dict[int, bool] = {}

    def closed(self, event: IkeClosed) -> IkeClosed:
        """The end of one of two that crossed, by whomever, is told from others.

        Its CHILD_SAs may be missing in the other one. Who is to make them there passes for the initiator.
        """
        ours = self._losers.pop(event.ike_id, None)
        return event if ours is None else replace(event, cause=Cause.CROSSED, initiator=ours)

    def __call__(self, event: IkeEstablished) -> None:
        """Judge every other IKE_SA of the pair."""
        if event.replaces or event.config.unique is Unique.NEVER:
            return
        newest = self._place.manager.snapshot(event.ike_id)
        if newest is None:
            return
        verdicts = [self._judge(event, newest, other) for other in self._others(event, newest)]
        if any(verdicts):
            self._log(f"schedule delete of {_duplicate(event)} due to uniqueness policy and suspected"
                      " reauthentication")  # fmt: skip
            self._place.later(REAUTHENTICATION_S, "uniqueness", lambda: self._end_older(event))

    def _is_late(self, event: IkeEstablished) -> bool:
        """Whether ours would not have been made, had there been another one as there is now."""
        reuse = self._place.ports.settings.reuse_ikesa
        succeeds = event.succeeds and self._place.manager.snapshot(event.succeeds) is not None
        return reuse and event.config.unique is Unique.KEEP and not succeeds

    def moved(self, old_ike: int, new_ike: int) -> None:
        """One of two that crossed was rekeyed before it heard that it is to go."""
        if old_ike in self._losers:
            self._losers[new_ike] = self._losers.pop(old_ike)

    def give_way(self, older: IkeSnapshot, newer: IkeSnapshot) -> None:
        """One that was to be authenticated anew ends: there is a newer one, which gets what it lacks."""
        self._losers[older.unique_id] = True
        self._end(older, newer, f"deleting {_duplicate(newer)}, a newer one is there already")

    def _others(self, event: IkeEstablished, newest: IkeSnapshot) -> list[IkeSnapshot]:
        manager = self._place.manager
        found = map(manager.snapshot, manager.by_identities((event.local_id, event.remote_id)))
        apart = (newest.unique_id, event.succeeds)
        return [other for other in found if other is not None and other.unique_id not in apart]

    def _judge(self, event: IkeEstablished, newest: IkeSnapshot, other: IkeSnapshot) -> bool:
        """Whether to look again later; what is clear now is done now."""
        crossed = _crossed(newest, other)
        if event.initial_contact and not crossed:
            why = f"destroying {_duplicate(event)}, received INITIAL_CONTACT"
            self._end(other, newest, why, force=True)
        elif event.config.unique is Unique.NO or not _alike(newest, other):
            return False
        elif crossed:
            loser, winner = sorted((newest, other), key=lambda one: one.spi_i, reverse=True)
            self._losers[loser.unique_id] = loser.initiator
            self._end(loser, winner, f"deleting {_duplicate(event)}, both sides initiated one")
        elif event.initiator and self._is_late(event):
            self._losers[newest.unique_id] = True
            self._end(newest, other, f"deleting {_duplicate(event)}, the peer made one meanwhile")
        elif event.config.unique is Unique.REPLACE and not event.initiator:
            if other.remote == newest.remote:
                return True
            self._end(other, newest, f"deleting {_duplicate(event)} due to uniqueness policy")
        return False

    def _end_older(self, event: IkeEstablished) -> None:
        """The newer one may be gone by now, or rekeyed: of all that are alike the newest stays."""
        manager = self._place.manager
        found = map(manager.snapshot, manager.by_identities((event.local_id, event.remote_id)))
        alike = [one for one in found if one is not None and one.config is not None and one.state in ALIVE
                 and is_same_peer(one.config, event.config)]  # fmt: skip
        alike.sort(key=lambda one: (one.created_at, one.unique_id))
        for older in alike[:-1]:
            self._end(older, alike[-1], f"deleting {_duplicate(event)} due to uniqueness policy")

    def _end(self, loser: IkeSnapshot, winner: IkeSnapshot, why: str, force: bool = False) -> None:
        order = TerminateIke(force=force, reason=why, successor=winner.unique_id)
        if self._place.order(loser.unique_id, order):
            self._log(why)

    def _log(self, text: str) -> None:
        self._place.bus.log(Group.IKE, Level.CONTROL, text)


def _duplicate(one: IkeEstablished | IkeSnapshot) -> str:
    return f"duplicate IKE_SA for peer '{one.remote_id}'"


def _alike(one: IkeSnapshot, other: IkeSnapshot) -> bool:
    """Whether the second is alive and of the same connection: another one may be wanted besides."""
    if one.config is None or other.config is None or other.state not in ALIVE:
        return False
    return is_same_peer(one.config, other.config)


def _crossed(one: IkeSnapshot, other: IkeSnapshot) -> bool:
    """Whether each side made one before it had the other's.

    One that a rekeying made was there at once, so it crosses nothing.
    """
    if one.initiator is other.initiator or one.established_at is None or other.established_at is None:
        return False
    made = one.created_at < one.established_at and other.created_at < other.established_at
    return made and one.created_at < other.established_at and other.created_at < one.established_at
