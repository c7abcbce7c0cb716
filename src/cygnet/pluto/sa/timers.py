"""The timers an ISAKMP SA sets with ``Schedule`` and gets back through ``expire``.

None is ever cancelled: each carries what tells a late one apart, and a late one does nothing.
"""

from dataclasses import dataclass

SWITCH_S = 1.0
"""How long an initiator that rekeys goes on sending through the old IPsec SA. The peer has the new one only
once it has worked on our last message, which nothing confirms (RFC 2409, 5.5)."""


@dataclass(frozen=True, slots=True)
class Retransmit:
    """Send the last message of an exchange again unless it was answered; ``serial`` tells messages apart."""

    message_id: int
    serial: int


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """Phase 1 should be over by now."""


@dataclass(frozen=True, slots=True)
class XauthDue:
    """The user should have proved himself by now."""


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Time to keep a NAT's mapping alive (RFC 3948, 4)."""


@dataclass(frozen=True, slots=True)
class DeadPeer:
    """Time to see whether the peer is alive (RFC 3706)."""


@dataclass(frozen=True, slots=True)
class RekeyIkeDue:
    """Phase 1 is to be done anew."""


@dataclass(frozen=True, slots=True)
class IkeLifetimeOver:
    """The ISAKMP SA has lived for as long as it may."""


@dataclass(frozen=True, slots=True)
class DropReplaced:
    """A rekeyed IPsec SA ({n}), or the ISAKMP SA itself (0), has been kept for long enough."""

    child_id: int = 0


@dataclass(frozen=True, slots=True)
class SwitchOutbound:
    """The peer has had time to install an IPsec SA: traffic may leave through it."""

    child_id: int


@dataclass(frozen=True, slots=True)
class Settled:
    """The peer has had time for our acknowledgement: exchanges of ours may begin."""


Timer = (
    Retransmit | HalfOpen | XauthDue | KeepAlive | DeadPeer | RekeyIkeDue | IkeLifetimeOver | DropReplaced
    | SwitchOutbound | Settled
)  # fmt: skip
