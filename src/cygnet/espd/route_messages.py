"""Routes of tunnels, set and removed by messages of our own.

There is one for each tunnel, so they are most of what an operator's gateway asks of netlink: pyroute2 takes
0.9 ms for one, these few lines 0.03. Rules, and what others may have left, are pyroute2's business.
"""

import socket
from ipaddress import IPv4Network, IPv6Network
from struct import Struct

from cygnet.base.addresses import Address
from cygnet.kernel.backends.netlink import CREATE, REPLACE, Netlink, attribute

Network = IPv4Network | IPv6Network

_RTMSG = Struct("=BBBBBBBBI")  # family, lengths, tos, table, protocol, scope, type, flags
_NUMBER = Struct("=I")
_NEW, _DELETE = 24, 25  # RTM_NEWROUTE, RTM_DELROUTE
_DST, _OIF, _PREFSRC, _TABLE = 1, 4, 7, 15
_UNICAST = 1
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class RouteSocket:
    """A netlink socket for routes to devices. ``protocol`` marks them as ours."""

    def __init__(self, protocol: int) -> None:
        self._netlink = Netlink(socket.NETLINK_ROUTE)
        self._protocol = protocol

    def replace(self, table: int, network: Network, device: int, source: Address | None) -> None:
        """Lead ``network`` to the device with this index, own packets from ``source``; raises
        :class:`RefusedError`."""
        preferred = b"" if source is None else attribute(_PREFSRC, source.packed)
        more = attribute(_OIF, _NUMBER.pack(device)) + preferred
        self._netlink.ask(_NEW, self._route(table, network) + more, REPLACE | CREATE)

    def remove(self, table: int, network: Network) -> None:
        """Take the route away; raises :class:`RefusedError`."""
        self._netlink.ask(_DELETE, self._route(table, network))

    def close(self) -> None:
        """Close the socket; the routes stay."""
        self._netlink.close()

    def _route(self, table: int, network: Network) -> bytes:
        family, length = _FAMILIES[network.version], network.prefixlen
        fixed = _RTMSG.pack(family, length, 0, 0, 0, self._protocol, 0, _UNICAST, 0)
        destination = attribute(_DST, network.network_address.packed) if length else b""
        return fixed + destination + attribute(_TABLE, _NUMBER.pack(table))
