"""Traffic selectors: an address range, a protocol and a port range (RFC 7296, 3.13.1; RFC 4301, 4.4.1)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network, summarize_address_range

from cygnet.base.addresses import Address
from cygnet.base.records import record

MAX_SELECTORS = 255
"""That one end of a CHILD_SA may have: IKEv2 counts them in an octet (RFC 7296, 3.13)."""
ICMP_PROTOCOLS = (1, 58)
PROTOCOL_NAMES = {
    1: "icmp",
    2: "igmp",
    6: "tcp",
    17: "udp",
    47: "gre",
    50: "esp",
    51: "ah",
    58: "ipv6-icmp",
    89: "ospf",
    108: "ipcomp",
    115: "l2tp",
    132: "sctp",
}
SERVICE_NAMES = {
    22: "ssh",
    25: "smtp",
    53: "domain",
    80: "http",
    123: "ntp",
    179: "bgp",
    443: "https",
    500: "isakmp",
    1701: "l2f",
    4500: "ipsec-nat-t",
}


@record
class TrafficSelector:
    """Addresses ``start`` to ``end``, both included, of one family.

    ``protocol`` 0 is any. Ports 0 to 65535 are any, 65535 to 0 is OPAQUE. ``dynamic`` means "the host
    itself", resolved with :meth:`resolve` once the address is known.
    """

    start: Address
    end: Address
    protocol: int = 0
    start_port: int = 0
    end_port: int = 65535
    dynamic: bool = False

    @classmethod
    def of(cls, text: str, protocol: int = 0, ports: tuple[int, int] = (0, 65535)) -> "TrafficSelector":
        """The selector of a prefix, an address, ``FROM-TO`` or ``dynamic``; raises ``ValueError``."""
        if text in ("dynamic", "%dynamic"):
            start, end, dynamic = ip_address("0.0.0.0"), ip_address("255.255.255.255"), True
        elif "-" in text:
            first, _, last = text.partition("-")
            start, end, dynamic = ip_address(first.strip()), ip_address(last.strip()), False
            if start.version != end.version or int(start) > int(end):
                raise ValueError(f"range {text} does not go from a lower to a higher address")
        else:
            network = ip_network(text, strict=False)
            start, end, dynamic = network.network_address, network.broadcast_address, False
        return cls(start, end, protocol, ports[0], ports[1], dynamic)

    @property
    def family(self) -> int:
        """4 or 6."""
        return self.start.version

    @property
    def any_port(self) -> bool:
        """Whether every port matches."""
        return (self.start_port, self.end_port) == (0, 65535)

    @property
    def opaque(self) -> bool:
        """Whether only packets whose ports cannot be seen match (RFC 7296, 3.13.1)."""
        return (self.start_port, self.end_port) == (65535, 0)

    @property
    def is_host(self) -> bool:
        """Whether it is about one address."""
        return self.start == self.end and not self.dynamic

    def resolve(self, host: Address) -> "TrafficSelector":
        """This selector with ``dynamic`` replaced by the one address ``host``."""
        return replace(self, start=host, end=host, dynamic=False) if self.dynamic else self

    def narrow(self, other: "TrafficSelector") -> "TrafficSelector | None":
        """What both match, or ``None`` (RFC 7296, 2.9)."""
        if self.family != other.family:
            return None
        if self.protocol and other.protocol and self.protocol != other.protocol:
            return None
        start, end = max(self.start, other.start, key=int), min(self.end, other.end, key=int)
        ports = _narrow_ports(self, other)
        if int(start) > int(end) or ports is None:
            return None
        return TrafficSelector(start, end, self.protocol or other.protocol, *ports)

    def contains(self, other: "TrafficSelector") -> bool:
        """Whether all that ``other`` matches is matched by this one."""
        return (
            self.family == other.family
            and self.protocol in (0, other.protocol)
            and int(self.start) <= int(other.start)
            and int(other.end) <= int(self.end)
            and _ports_contain(self, other)
        )

    def matches(self, address: Address, protocol: int = 0, port: int = 0) -> bool:
        """Whether a packet's end is inside."""
        return (
            address.version == self.family
            and int(self.start) <= int(address) <= int(self.end)
            and self.protocol in (0, protocol)
            and (self.any_port or self.start_port <= port <= self.end_port)
        )

    def networks(self) -> list[IPv4Network | IPv6Network]:
        """The fewest prefixes that cover exactly this range."""
        length = self._prefix_length()
        if length is None:
            return list(summarize_address_range(self.start, self.end))
        if self.start.version == 4:
            return [IPv4Network((int(self.start), length))]
        return [IPv6Network((int(self.start), length))]

    def __str__(self) -> str:
        return self._addresses() + self._protocol_and_port()

    def _addresses(self) -> str:
        if self.dynamic:
            return "dynamic"
        length = self._prefix_length()
        return f"{self.start}..{self.end}" if length is None else f"{self.start}/{length}"

    def _prefix_length(self) -> int | None:
        """Of the prefix that this range is, ``None`` where it is none."""
        start, size = int(self.start), int(self.start) ^ int(self.end)
        if size & (size + 1) or start & size:
            return None
        return self.start.max_prefixlen - size.bit_length()

    def _protocol_and_port(self) -> str:
        if not self.protocol and self.any_port:
            return ""
        name = PROTOCOL_NAMES.get(self.protocol, str(self.protocol))
        return f"[{name}]" if self.any_port else f"[{name}/{self._ports()}]"

    def _ports(self) -> str:
        if self.opaque:
            return "OPAQUE"
        if self.protocol in ICMP_PROTOCOLS:
            return _icmp(self.start_port, self.end_port)
        if self.start_port == self.end_port:
            return SERVICE_NAMES.get(self.start_port, str(self.start_port))
        return f"{self.start_port}-{self.end_port}"


def pairs(
    local: Iterable[TrafficSelector], remote: Sequence[TrafficSelector]
) -> list[tuple[TrafficSelector, TrafficSelector]]:
    """Each selector of ours with each of theirs that one policy may join (RFC 4301, 4.4.1)."""
    return [(ours, theirs) for ours in local for theirs in remote if _go_together(ours, theirs)]


def _go_together(ours: TrafficSelector, theirs: TrafficSelector) -> bool:
    protocols = {ours.protocol, theirs.protocol} - {0}
    return ours.family == theirs.family and len(protocols) < 2


def _ports_contain(wide: TrafficSelector, narrow: TrafficSelector) -> bool:
    if wide.any_port:
        return True
    if wide.opaque or narrow.opaque:
        return wide.opaque and narrow.opaque
    return wide.start_port <= narrow.start_port and narrow.end_port <= wide.end_port


def _narrow_ports(a: TrafficSelector, b: TrafficSelector) -> tuple[int, int] | None:
    if a.opaque or b.opaque:
        both = (a.opaque or a.any_port) and (b.opaque or b.any_port)
        return (65535, 0) if both else None
    low, high = max(a.start_port, b.start_port), min(a.end_port, b.end_port)
    return (low, high) if low <= high else None


def _icmp(start: int, end: int) -> str:
    first, last = (start >> 8, start & 255), (end >> 8, end & 255)
    if first[0] == last[0] and (first[1], last[1]) == (0, 255):
        return str(first[0])
    one, other = f"{first[0]}({first[1]})", f"{last[0]}({last[1]})"
    return one if start == end else f"{one}-{other}"
