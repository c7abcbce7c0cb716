"""Addresses of datagrams: who sent it, to which of our addresses, and from which one to answer."""

import socket
import struct
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from cygnet.base.addresses import Address, Host
from cygnet.runtime.network.options import ANY, IP_PKTINFO

Ancillary = Sequence[tuple[int, int, bytes]]

ANCILLARY_SIZE = socket.CMSG_SPACE(20) + socket.CMSG_SPACE(16)
_IN_PKTINFO = struct.Struct("=i4s4s")
_IN6_PKTINFO = struct.Struct("=16sI")
_TRAFFIC_CLASS = {4: (socket.IPPROTO_IP, socket.IP_TOS), 6: (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)}
_PACKET_INFO = {4: (socket.IPPROTO_IP, IP_PKTINFO), 6: (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO)}


@lru_cache(maxsize=4096)
def parsed(text: str) -> Address:
    """The address of a socket name."""
    return ip_address(text)


@lru_cache(maxsize=4096)
def unpacked(octets: bytes) -> Address:
    """The address of 4 or 16 octets."""
    return IPv4Address(octets) if len(octets) == 4 else IPv6Address(octets)


def host(name: tuple[Any, ...]) -> Host:
    """The host of a socket name as ``recvmsg`` returns it."""
    return Host(parsed(name[0]), name[1])


def arrived_at(ancillary: Ancillary, family: int) -> Address:
    """To which of our addresses a datagram was sent; unspecified if the kernel did not say."""
    for level, kind, data in ancillary:
        if (level, kind) == _PACKET_INFO[family]:
            if family == 4 and len(data) >= _IN_PKTINFO.size:
                return unpacked(data[8:12])
            if family == 6 and len(data) >= _IN6_PKTINFO.size:
                return unpacked(data[:16])
    return parsed(ANY[family])


def leaving_from(source: Address, dscp: int = 0) -> list[tuple[int, int, bytes]]:
    """Control messages that give a datagram its source address and its DSCP."""
    family, control = source.version, []
    if not source.is_unspecified:
        info = (_IN_PKTINFO.pack(0, source.packed, bytes(4)) if family == 4
                else _IN6_PKTINFO.pack(source.packed, 0))
        control.append((*_PACKET_INFO[family], info))
    if dscp:
        control.append((*_TRAFFIC_CLASS[family], struct.pack("=i", dscp << 2)))
    return control
