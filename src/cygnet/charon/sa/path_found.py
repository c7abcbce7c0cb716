"""A path that works has been found (RFC 4555, 3.5, 3.10)."""

from collections.abc import Iterable

from cygnet.charon.sa import moving
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.mobility import Pair
from cygnet.charon.sa.tasks.address_update import AddressUpdate
from cygnet.charon.sa.tasks.path_probe import PathProbe
from cygnet.charon.sa.tasks.task import Task


def unfinished(sa: Association, active: Iterable[Task]) -> list[Task]:
    """What an IKE_SA has to do that another's rekeying made in the middle of a move.

    ``active`` is what the old one has under way, and may not be able to finish.
    """
    mobility = sa.mobility
    mobility.checking = False
    if mobility.probing:
        return [PathProbe(sa)]
    if mobility.verified is None and not any(isinstance(one, AddressUpdate) for one in active):
        return []
    return [AddressUpdate(sa, update=mobility.leads, list_anyway=True)]


def found(sa: Association, pair: Pair) -> None:
    """The answer to a request that went out along several paths came by this one.

    Who decides about addresses asks the peer to use it, even if it is the one in use: a NAT there may have
    forgotten us (3.8), the peer may have left it for another, or may have taken the request for one to use
    a path that it came by, too. Who does not tells its list, from its new address. Either message makes sure
    that the peer is there, since the request went to other places, too (3.7).
    """
    mobility = sa.mobility
    mobility.end_probing()
    mobility.changes += 1  # what went out meanwhile proves nothing, for it went to several places
    moved = pair != (sa.local, sa.remote)
    if moved:
        moving.go_ahead(sa, *pair)
    sa.wanted.append(AddressUpdate(sa, update=mobility.leads, list_anyway=moved))
