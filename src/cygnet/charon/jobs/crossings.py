"""CHILD_SAs that both sides asked for at the same time: which one of two goes."""

from collections.abc import Iterable, Iterator

from cygnet.charon.jobs.installed import Known
from cygnet.keying.sa.child_snapshot import ChildSnapshot
from cygnet.keying.sa.events import ChildUp
from cygnet.keying.sa.marks import has_unique_marks

CROSSED_S = 10.0
"""CHILD_SAs that both sides asked for within this time are one intention, as who was asked last sees it."""


def losers(event: ChildUp, others: Iterable[Known]) -> Iterator[ChildSnapshot]:
    """Of a new CHILD_SA and each of the ``others`` of its name that it crossed: both sides name the same.

    We see it by ours, which we would not have asked for had the other been there; by the peer's, if it is
    not long since ours. One that a rekeying made was there before, so that the peer's does not cross it.
    """
    new = event.child
    if has_unique_marks(event.config):
        return
    for known in others:
        old = known.child
        if old.unique_id == new.unique_id or known.ike_id != event.ike_id:
            continue
        if (old.local_ts, old.remote_ts) != (new.local_ts, new.remote_ts):
            continue
        if _crossed(event, known):
            yield max((old, new), key=lambda child: min(child.inbound.spi, child.outbound.spi))


def _crossed(event: ChildUp, known: Known) -> bool:
    if event.initiated:
        return known.renewed or not known.initiated
    recent = abs(event.child.installed_at - known.child.installed_at) < CROSSED_S
    return recent and known.initiated and not known.renewed
