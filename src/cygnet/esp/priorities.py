"""In which order policies are asked: charon's priorities, lower ones first (RFC 4301, 4.4.1).

Shunts that pass come before everything that protects, and that before shunts that drop. Within each the
more specific selectors win: first by their addresses, then by the protocol, then by the ports; a trap
stands behind the CHILD_SA with the same selectors.
"""

from enum import IntEnum

from cygnet.base.selectors import TrafficSelector

_BASE = 200_000
_PORT_BITS = 16


class Rank(IntEnum):
    """The class of a policy."""

    PASS = 1
    PROTECT = 2
    DROP = 3


def priority(rank: Rank, source: TrafficSelector, destination: TrafficSelector, *, trap: bool) -> int:
    """A number from 68541 on; a range that is no prefix counts as the shortest prefix around its size."""
    ends = (source, destination)
    hosts = sum(end.start.max_prefixlen - (int(end.end) - int(end.start)).bit_length() for end in ends)
    protocol = any(end.protocol for end in ends)
    ports = sum(map(_port_bits, ends))
    return rank * _BASE - hosts * 512 - protocol * 256 - ports * 4 - (not trap)


def _port_bits(end: TrafficSelector) -> int:
    """How many bits of the port a selector fixes."""
    if end.opaque:
        return _PORT_BITS
    return _PORT_BITS - (end.end_port - end.start_port).bit_length()
