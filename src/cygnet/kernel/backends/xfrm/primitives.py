"""The structures that others are made of (uapi ``linux/xfrm.h``): addresses, selectors, lifetimes.

Offsets are those of the natural alignment on 64-bit hosts, which the kernel's translation for 32-bit
programs does not change for us. Addresses and ports are in network byte order, all else in the host's.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from struct import Struct

from cygnet.base.addresses import Address
from cygnet.kernel.backends.xfrm.constants import FAMILIES, INFINITE, VERSIONS

Network = IPv4Network | IPv6Network

_SELECTOR = Struct("=16s16s2s2s2s2sHBBB3xiI")
_LIMITS = Struct("=8Q")
_CURRENT = Struct("=4Q")
_MARK = Struct("=II")
SELECTOR_SIZE = _SELECTOR.size
ANY_SELECTOR = bytes(SELECTOR_SIZE)


def pack_address(address: Address | None) -> bytes:
    """``xfrm_address_t``: 16 octets, the first four for IPv4; all zero for ``None``."""
    return bytes(16) if address is None else address.packed.ljust(16, b"\0")


def unpack_address(octets: bytes, family: int) -> Address:
    """The address in an ``xfrm_address_t``; what is not IPv6 is read as IPv4."""
    return ip_address(octets[:16] if VERSIONS.get(family) == 6 else octets[:4])


@dataclass(frozen=True, slots=True)
class PortMatch:
    """Ports that equal ``value`` in the bits of ``mask``; ICMP has its type and code in their places."""

    value: int = 0
    mask: int = 0


ANY_PORT = PortMatch()


@dataclass(frozen=True, slots=True)
class Selector:
    """``struct xfrm_selector``: prefixes, a protocol (0 is any), ports by value and mask, an interface."""

    source: Network
    destination: Network
    protocol: int = 0
    source_port: PortMatch = ANY_PORT
    destination_port: PortMatch = ANY_PORT
    interface: int = 0

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.source.version

    def pack(self) -> bytes:
        """56 octets."""
        return _SELECTOR.pack(
            pack_address(self.destination.network_address),
            pack_address(self.source.network_address),
            _port(self.destination_port.value),
            _port(self.destination_port.mask),
            _port(self.source_port.value),
            _port(self.source_port.mask),
            FAMILIES[self.version],
            self.destination.prefixlen,
            self.source.prefixlen,
            self.protocol,
            self.interface,
            0,
        )

    @classmethod
    def unpack(cls, data: bytes, at: int = 0) -> "Selector":
        """Raises ``struct.error`` and ``ValueError`` for what is none."""
        fields = _SELECTOR.unpack_from(data, at)
        destination, source, dport, dmask, sport, smask, family, dlen, slen, protocol, interface, _ = fields
        return cls(
            ip_network((unpack_address(source, family), slen), strict=False),
            ip_network((unpack_address(destination, family), dlen), strict=False),
            protocol,
            PortMatch(int.from_bytes(sport), int.from_bytes(smask)),
            PortMatch(int.from_bytes(dport), int.from_bytes(dmask)),
            interface,
        )

    def __str__(self) -> str:
        ends = (self.source, self.source_port), (self.destination, self.destination_port)
        text = " === ".join(f"{network}{_port_text(port)}" for network, port in ends)
        return f"{text} proto {self.protocol}" if self.protocol else text


@dataclass(frozen=True, slots=True)
class Limits:
    """``struct xfrm_lifetime_cfg``; 0 is no limit. Seconds are since installation or first use."""

    soft_bytes: int = 0
    hard_bytes: int = 0
    soft_packets: int = 0
    hard_packets: int = 0
    soft_s: int = 0
    hard_s: int = 0

    def pack(self) -> bytes:
        """64 octets. In octets and packets infinity is all ones, in seconds it is zero."""
        carried = (self.soft_bytes, self.hard_bytes, self.soft_packets, self.hard_packets)
        return _LIMITS.pack(*(limit or INFINITE for limit in carried), self.soft_s, self.hard_s, 0, 0)


@dataclass(frozen=True, slots=True)
class Current:
    """``struct xfrm_lifetime_cur``; times are POSIX seconds, 0 for an SA not used yet."""

    octets: int = 0
    packets: int = 0
    added_s: int = 0
    used_s: int = 0

    def pack(self) -> bytes:
        """32 octets."""
        return _CURRENT.pack(self.octets, self.packets, self.added_s, self.used_s)

    @classmethod
    def unpack(cls, data: bytes, at: int = 0) -> "Current":
        """Raises ``struct.error`` when there is too little."""
        return cls(*_CURRENT.unpack_from(data, at))


def pack_mark(value: int, mask: int) -> bytes:
    """``struct xfrm_mark``, 8 octets."""
    return _MARK.pack(value, mask)


def unpack_mark(data: bytes) -> tuple[int, int]:
    """Value and mask; 0 and 0 when there is no mark."""
    value, mask = _MARK.unpack_from(data) if len(data) >= _MARK.size else (0, 0)
    return value, mask


def _port(number: int) -> bytes:
    return number.to_bytes(2)


def _port_text(port: PortMatch) -> str:
    if not port.mask:
        return ""
    return f"[{port.value}]" if port.mask == 0xFFFF else f"[{port.value}/0x{port.mask:x}]"
