"""A path that works has been found (RFC 4555, 3.5, 3.10)."""

from cygnet.charon.sa import moving
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.mobility import Pair
from cygnet.charon.sa.tasks.address_update import AddressUpdate
from cygnet.charon.sa.tasks.path_probe import PathProbe
from cygnet.charon.sa.tasks.routability import RoutabilityCheck
from cygnet.charon.sa.tasks.task import Task


def unfinished(sa: Association) -> list[Task]:
    """What an IKE_SA has to do that another's rekeying made in the middle of a move."""
    mobility = sa.mobility
    mobility.checking = False
    if mobility.probing:
        return [PathProbe(sa)]
    if mobility.verified is None:
        return []
    if mobility.leads:
        return [AddressUpdate(sa, update=True)]
    mobility.checking = True
    return [RoutabilityCheck(sa)]


def found(sa: Association, pair: Pair) -> None:
    """The answer to a request that went out along several paths came by this one.

    Who decides about addresses asks the peer to use it. Who does not tells its list, from its new address;
    since the old one is gone, its CHILD_SAs need not wait for the other's decision.
    """
    mobility = sa.mobility
    mobility.end_probing()
    moved = pair != (sa.local, sa.remote)
    if moved:
        moving.go_ahead(sa, *pair)
        if not mobility.leads:
            moving.settle(sa)
    # On the same path a NAT may have forgotten us; asking is one message more than telling (3.8).
    update = mobility.leads and (mobility.verified is not None or sa.nat.here)
    sa.wanted.append(AddressUpdate(sa, update=update, list_anyway=moved))
