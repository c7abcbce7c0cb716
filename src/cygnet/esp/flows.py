"""Which flow an IP packet belongs to: the fields that selectors look at (RFC 4301, 4.4.1.1).

A flow travels as a short ``bytes`` key, cut out of the packet with few operations since that happens
for every packet; :func:`flow_of` turns the key into addresses and ports where a policy is looked up.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from cygnet.base.addresses import Address
from cygnet.base.errors import MalformedError
from cygnet.base.selectors import TrafficSelector

ICMP, TCP, UDP, ICMPV6, MOBILITY = 1, 6, 17, 58, 135
WITH_PORTS = frozenset({TCP, UDP, 33, 132, 136})
_EXTENSIONS = frozenset({0, 43, 60})
_FRAGMENT = 44
_MAX_EXTENSIONS = 8
_KEY4, _KEY6 = 9, 33
"""Sizes of a key (protocol and addresses) before ports (4 octets) or ICMP type and code (2)."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One packet's selectors. ``opaque``: the ports cannot be seen (fragments, protocols without).

    For ICMP both ports are type times 256 plus code, for a mobility header type times 256 (RFC 7296, 3.13.1).
    """

    source: Address
    destination: Address
    protocol: int
    source_port: int = 0
    destination_port: int = 0
    opaque: bool = False

    def selectors(self) -> tuple[TrafficSelector, TrafficSelector]:
        """Selectors of exactly this flow, for its source and its destination."""
        source, destination = (self.source_port,) * 2, (self.destination_port,) * 2
        if self.opaque:
            source = destination = (0, 65535)
        return (
            TrafficSelector(self.source, self.source, self.protocol, *source),
            TrafficSelector(self.destination, self.destination, self.protocol, *destination),
        )

    def __str__(self) -> str:
        source, destination = self.selectors()
        return f"{source} === {destination}"


def flow_key(packet: bytes) -> bytes:
    """The key of an IP packet's flow; raises :class:`MalformedError` when it is no IP packet."""
    size = len(packet)
    first = packet[0] if size else 0
    if first == 0x45 and size >= 24:
        protocol = packet[9]
        if protocol in WITH_PORTS and not packet[7] and not packet[6] & 0x1F:
            return packet[9:10] + packet[12:24]
    elif first >> 4 == 6 and size >= 44 and packet[6] in WITH_PORTS:
        return packet[6:7] + packet[8:44]
    if first >> 4 == 4:
        return _key4(packet)
    if first >> 4 == 6:
        return _key6(packet)
    raise MalformedError("not an IP packet")


def flow_of(key: bytes) -> Flow:
    """What a key of :func:`flow_key` stands for."""
    source: Address
    destination: Address
    if len(key) < _KEY6:
        base, source, destination = _KEY4, IPv4Address(key[1:5]), IPv4Address(key[5:9])
    else:
        base, source, destination = _KEY6, IPv6Address(key[1:17]), IPv6Address(key[17:33])
    ports = key[base:]
    if not ports:
        return Flow(source, destination, key[0], opaque=True)
    low = int.from_bytes(ports[:2], "big")
    high = int.from_bytes(ports[2:], "big") if len(ports) == 4 else low
    return Flow(source, destination, key[0], low, high)


def is_fragment(packet: bytes) -> bool:
    """Whether an IP packet (of at least a header's length) is one of several fragments."""
    if packet[0] >> 4 == 4:
        return bool(packet[6] & 0x3F or packet[7])
    return packet[0] >> 4 == 6 and len(packet) >= 48 and _fragmented6(packet)


def fragment_header(packet: bytes) -> int:
    """Where an IPv6 packet's Fragment header is, 0 without one (RFC 8200, 4.5)."""
    protocol, at = packet[6], 40
    for _ in range(_MAX_EXTENSIONS):
        if protocol == _FRAGMENT and at + 8 <= len(packet):
            return at
        if protocol not in _EXTENSIONS or at + 8 > len(packet):
            return 0
        protocol, at = packet[at], at + (packet[at + 1] + 1) * 8
    return 0


def _fragmented6(packet: bytes) -> bool:
    """Not so for atomic fragments, which are whole (RFC 6946)."""
    at = fragment_header(packet)
    return bool(at) and bool(packet[at + 2] or packet[at + 3] & 0xF9)


def is_multicast(packet: bytes) -> bool:
    """Whether a packet goes to a group, or is link-local IPv6: such packets are never routed by us."""
    if packet[0] >> 4 == 4:
        return packet[16] >= 224
    return packet[24] == 0xFF or (packet[24] == 0xFE and packet[25] & 0xC0 == 0x80)


def _key4(packet: bytes) -> bytes:
    header = (packet[0] & 15) * 4
    if header < 20 or len(packet) < header:
        raise MalformedError("IPv4 header is cut short")
    fragment = packet[7] or packet[6] & 0x1F
    return packet[9:10] + packet[12:20] + (b"" if fragment else _ports(packet, packet[9], header))


def _key6(packet: bytes) -> bytes:
    if len(packet) < 40:
        raise MalformedError("IPv6 header is cut short")
    protocol, at = packet[6], 40
    ports_hidden = False
    for _ in range(_MAX_EXTENSIONS):
        if protocol in _EXTENSIONS and at + 8 <= len(packet):
            protocol, at = packet[at], at + (packet[at + 1] + 1) * 8
        elif protocol == _FRAGMENT and at + 8 <= len(packet):
            ports_hidden = ports_hidden or bool(packet[at + 2] or packet[at + 3] & 0xF8)
            protocol, at = packet[at], at + 8
        else:
            break
    else:
        raise MalformedError("too many IPv6 extension headers")
    ports = b"" if ports_hidden else _ports(packet, protocol, at)
    return bytes((protocol,)) + packet[8:40] + ports


def _ports(packet: bytes, protocol: int, at: int) -> bytes:
    if protocol in WITH_PORTS and len(packet) >= at + 4:
        return packet[at : at + 4]
    if protocol in (ICMP, ICMPV6) and len(packet) >= at + 2:
        return packet[at : at + 2]
    if protocol == MOBILITY and len(packet) >= at + 3:
        return bytes((packet[at + 2], 0))
    return b""
