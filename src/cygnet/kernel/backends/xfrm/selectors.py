"""Traffic selectors as the kernel matches them: prefixes, and ports by value and mask.

A range that is no prefix becomes the fewest prefixes that cover exactly it, so that no packet is protected,
or let in, that was not agreed on (RFC 7296, 2.9). The product of both ends has a limit.
"""

from cygnet.base.selectors import ICMP_PROTOCOLS, TrafficSelector
from cygnet.kernel.backends.xfrm.primitives import ANY_PORT, PortMatch, Selector
from cygnet.kernel.port import KernelError

MAX_SELECTORS = 256
"""Entries of the kernel that one pair of traffic selectors may need."""
_LAST_PORT = 65535
_FULL = 0xFFFF

Ports = tuple[PortMatch, PortMatch]


def kernel_selectors(source: TrafficSelector, destination: TrafficSelector) -> tuple[Selector, ...]:
    """What matches exactly the packets from ``source`` to ``destination``; raises :class:`KernelError`."""
    both = f"{source} === {destination}"
    if source.family != destination.family:
        raise KernelError(f"{both}: addresses of different families")
    if source.protocol and destination.protocol and source.protocol != destination.protocol:
        raise KernelError(f"{both}: different protocols")
    if source.opaque or destination.opaque:
        raise KernelError(f"{both}: the kernel cannot match packets whose ports it does not see (OPAQUE)")
    sources, destinations = source.networks(), destination.networks()
    ports = _ports(source, destination)
    if len(sources) * len(destinations) * len(ports) > MAX_SELECTORS:
        raise KernelError(f"{both} needs more than {MAX_SELECTORS} policies, prefixes would need fewer")
    protocol = source.protocol or destination.protocol
    return tuple(
        Selector(start, end, protocol, *pair) for start in sources for end in destinations for pair in ports
    )


def host_selectors(selector: Selector) -> tuple[TrafficSelector, TrafficSelector]:
    """Source and destination of a packet that the kernel describes with a selector (an acquire)."""
    ends = (selector.source, selector.source_port), (selector.destination, selector.destination_port)
    protocol = selector.protocol
    if protocol in ICMP_PROTOCOLS:
        code = _range(_joined(selector))
        ports = (code, code)
    else:
        ports = _range(ends[0][1]), _range(ends[1][1])
    made = [
        TrafficSelector(network.network_address, network.broadcast_address, protocol, *pair)
        for (network, _), pair in zip(ends, ports, strict=True)
    ]
    return made[0], made[1]


def cover(low: int, high: int) -> tuple[PortMatch, ...]:
    """The fewest values with prefix masks that match exactly ``low`` to ``high`` of 16 bits."""
    if (low, high) == (0, _LAST_PORT):
        return (ANY_PORT,)
    found = []
    while low <= high:
        size = low & -low or _LAST_PORT + 1
        while size > high - low + 1:
            size >>= 1
        found.append(PortMatch(low, _FULL & ~(size - 1)))
        low += size
    return tuple(found)


def _ports(source: TrafficSelector, destination: TrafficSelector) -> list[Ports]:
    if not {source.protocol, destination.protocol}.isdisjoint(ICMP_PROTOCOLS):
        return _icmp(source, destination)
    starts = cover(source.start_port, source.end_port)
    ends = cover(destination.start_port, destination.end_port)
    return [(start, end) for start in starts for end in ends]


def _icmp(source: TrafficSelector, destination: TrafficSelector) -> list[Ports]:
    """Type and code stand in one 16-bit number at either end (RFC 7296, 3.13.1), in the kernel in two."""
    low = max(source.start_port, destination.start_port)
    high = min(source.end_port, destination.end_port)
    if low > high:
        raise KernelError(f"{source} === {destination}: different ICMP types")
    return [
        (PortMatch(one.value >> 8, _byte(one.mask >> 8)), PortMatch(one.value & 255, _byte(one.mask & 255)))
        for one in cover(low, high)
    ]


def _byte(mask: int) -> int:
    """The mask of a type or code in its own 16 bits: if it is whole, the upper octet is compared too."""
    return _FULL if mask == 255 else mask


def _joined(selector: Selector) -> PortMatch:
    kind, code = selector.source_port, selector.destination_port
    value = (kind.value & 255) << 8 | (code.value & 255)
    return PortMatch(value, (kind.mask & 255) << 8 | (code.mask & 255))


def _range(port: PortMatch) -> tuple[int, int]:
    return port.value & port.mask, (port.value & port.mask) | (_FULL & ~port.mask)
