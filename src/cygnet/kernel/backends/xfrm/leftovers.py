"""Removing what a charon that died left in the kernel, for whoever stops it and starts no other."""

from contextlib import closing
from pathlib import Path

from cygnet.kernel.backends.netlink import Netlink, RefusedError
from cygnet.kernel.backends.virtual_addresses import Addresses
from cygnet.kernel.backends.xfrm import holdings
from cygnet.kernel.backends.xfrm.constants import NETLINK_XFRM
from cygnet.kernel.backends.xfrm.devices import Devices
from cygnet.kernel.backends.xfrm.errors import other_error, socket_error
from cygnet.kernel.backends.xfrm.owner import Owner, read, write


def remove_leftovers(
    state_file: Path, table: int, priority: int = 220, rank: int = 0
) -> tuple[int, int, int]:
    """SAs, policies and virtual addresses by the mark in ``state_file``, interfaces, the daemon's routes.

    Nothing is asked of the kernel when that daemon ended in order. Returns how many SAs, policies and
    addresses there were; raises :class:`KernelError`.
    """
    tag, busy = read(state_file)
    if tag is None or not busy:
        return 0, 0, 0
    from pyroute2 import IPRoute

    from cygnet.kernel.backends.xfrm.route_table import RouteTable

    try:
        with closing(Netlink(NETLINK_XFRM)) as netlink:
            owner = Owner(tag)
            sas, policies = holdings.clear(netlink, owner)
        addresses = Addresses(owner.metric).clear(owner.owns)
        Devices(tag, IPRoute).clear()
        with closing(RouteTable(table, priority, rank)) as routes:
            routes.clear()
        write(state_file, owner, busy=False)
    except RefusedError as error:
        raise other_error(error, "removing what a daemon left in the kernel") from error
    except OSError as error:
        raise socket_error(error) from error
    return sas, policies, len(addresses)
