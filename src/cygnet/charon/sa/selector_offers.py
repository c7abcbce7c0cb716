"""Which selectors an initiator proposes, and what is said when the peer wants none (RFC 7296, 2.9)."""

from cygnet.base.selectors import MAX_SELECTORS, TrafficSelector
from cygnet.charon.encoding.notify import NotifyType
from cygnet.keying.sa.matching import Selectors, narrow, text

Packet = tuple[TrafficSelector, TrafficSelector]
"""The selectors of a packet that met a trap, from our end to theirs."""
SHOWN = 3
"""How many selectors of each side are quoted to people."""
_ABOUT_SELECTORS = (NotifyType.TS_UNACCEPTABLE, NotifyType.SINGLE_PAIR_REQUIRED)


def offered(selectors: Selectors, packet: TrafficSelector | None) -> Selectors:
    """The packet's own selector first, if the others cover it and there is room for it."""
    if packet is None or packet in selectors or len(selectors) >= MAX_SELECTORS:
        return selectors
    return (packet, *selectors) if any(one.contains(packet) for one in selectors) else selectors


def single_pair(local: Selectors, remote: Selectors, packet: Packet) -> tuple[Selectors, Selectors]:
    """What of the selectors is between the two hosts of a packet, for a peer that wants no more."""
    hosts = [(TrafficSelector(end.start, end.end),) for end in packet]
    return narrow(local, hosts[0]) or (packet[0],), narrow(remote, hosts[1]) or (packet[1],)


def unacceptable(kind: int, local: Selectors, remote: Selectors) -> str:
    """The end of a sentence that names what was refused, and what helps."""
    if kind not in _ABOUT_SELECTORS:
        return ""
    proposed = f"; the peer accepts none of {_some(local)} === {_some(remote)}"
    if kind == NotifyType.SINGLE_PAIR_REQUIRED:
        return f"{proposed} without a packet that tells which pair of addresses (auto=route)"
    return proposed


def pair_text(local: Selectors, remote: Selectors) -> str:
    """Both sides as logs have them."""
    return f"{text(local)} === {text(remote)}"


def _some(selectors: Selectors) -> str:
    more = len(selectors) - SHOWN
    return text(selectors[:SHOWN]) + (f" and {more} more" if more > 0 else "")
