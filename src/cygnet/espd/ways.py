"""How the datagrams of one SA leave: by which socket, to which address, with which outer header."""

import socket
from struct import Struct

from cygnet.base.addresses import Address
from cygnet.esp.grid import Octets

IP_TTL, IP_PKTINFO, IP_MTU_DISCOVER = 2, 8, 10
IP_PMTUDISC_WANT, IP_PMTUDISC_DO = 1, 2
"""Whether the kernel fragments what the path is known not to carry, or refuses it."""
IPV6_PKTINFO, IPV6_HOPLIMIT, IPV6_TCLASS = 50, 52, 67
TOS_KINDS = ((socket.IPPROTO_IP, socket.IP_TOS), (socket.IPPROTO_IPV6, IPV6_TCLASS))
TTL_KINDS = ((socket.IPPROTO_IP, IP_TTL), (socket.IPPROTO_IPV6, IPV6_HOPLIMIT))
_MAX_OUTER = 1024
_PKTINFO4 = Struct("=i4s4s")
_PKTINFO6 = Struct("=16si")
_INT = Struct("=i")
_UDP = Struct(">HHHH")

Ancillary = list[tuple[int, int, bytes]]


class Way:
    """Socket, address, and ancillary data for each TOS octet and TTL.

    ``ports`` are those of a UDP header that is ours to write, because the socket is a raw one.
    ``cuts``: the kernel may be given several datagrams as one, to be cut (UDP_SEGMENT).
    """

    __slots__ = (
        "__weakref__", "_ancillary", "_fixed", "_strict", "_tos", "_ttl",
        "address", "cuts", "ports", "socket",
    )  # fmt: skip

    def __init__(
        self, own: socket.socket, source: Address, destination: Address, ports: tuple[int, int] | None
    ) -> None:
        self.socket = own
        self.cuts = own.type == socket.SOCK_DGRAM
        self.ports = None if self.cuts else ports
        self.address = (str(destination), ports[1] if ports and self.cuts else 0)
        self._strict = self.cuts and source.version == 4
        family = 0 if source.version == 4 else 1
        self._tos, self._ttl = TOS_KINDS[family], TTL_KINDS[family]
        if source.version == 4:
            self._fixed = (socket.IPPROTO_IP, IP_PKTINFO, _PKTINFO4.pack(0, source.packed, bytes(4)))
        else:
            self._fixed = (socket.IPPROTO_IPV6, IPV6_PKTINFO, _PKTINFO6.pack(source.packed, 0))
        self._ancillary: dict[int, Ancillary] = {0: [self._fixed]}

    def ancillary(self, outer: int) -> Ancillary:
        """Source address, TOS octet, and TTL unless it is 0; a limited number is kept."""
        found = self._ancillary.get(outer)
        if found is not None:
            return found
        if len(self._ancillary) >= _MAX_OUTER:
            self._ancillary = {0: [self._fixed]}
        found = [self._fixed, (*self._tos, _INT.pack(outer & 255))]
        if outer >> 8:
            found.append((*self._ttl, _INT.pack(outer >> 8)))
        self._ancillary[outer] = found
        return found

    def framed(self, data: Octets) -> Octets:
        """Behind the UDP header that is ours to write."""
        return _UDP.pack(*self.ports, _UDP.size + len(data), 0) + data if self.ports else data

    def send_in_fragments(self, data: Octets, ancillary: Ancillary) -> None:
        """Send a datagram that the path does not carry whole; raises ``OSError``."""
        if self._strict:
            self.socket.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT)
        try:
            self.socket.sendmsg((data,), ancillary, 0, self.address)
        finally:
            if self._strict:
                self.socket.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
