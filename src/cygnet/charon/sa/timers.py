"""The timers an IKE_SA sets with ``Schedule`` and gets back through ``expire``.

None is ever cancelled: each carries what tells a late one apart, and a late one does nothing.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retransmit:
    """Send request ``message_id`` again unless it was answered; ``serial`` tells requests of one id apart."""

    message_id: int
    serial: int


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """The peer has not authenticated itself in time."""


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Time to keep a NAT's mapping alive (RFC 3948, 2.3)."""


@dataclass(frozen=True, slots=True)
class DeadPeer:
    """Time to see whether the peer is alive (RFC 7296, 2.4)."""


@dataclass(frozen=True, slots=True)
class RekeyIkeDue:
    """The IKE_SA is to be rekeyed (or re-authenticated)."""


@dataclass(frozen=True, slots=True)
class IkeLifetimeOver:
    """The IKE_SA has lived for as long as it may."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try the next queued task again, after a TEMPORARY_FAILURE (RFC 7296, 2.25) or a retry interval."""


@dataclass(frozen=True, slots=True)
class DropRekeyed:
    """The peer has not deleted the IKE_SA that was rekeyed; we let go of it."""


@dataclass(frozen=True, slots=True)
class Inactive:
    """Time to see whether a CHILD_SA ({n}) still carries traffic (``inactivity``)."""

    child_id: int


@dataclass(frozen=True, slots=True)
class CloseChildless:
    """The first CHILD_SA failed, and the IKE_SA is not wanted without (``close_ike_on_child_failure``)."""


@dataclass(frozen=True, slots=True)
class SwitchOutbound:
    """See whether the peer uses the CHILD_SA ({n}) that it had us make; ``waited_s`` it had already."""

    child_id: int
    waited_s: float


@dataclass(frozen=True, slots=True)
class FollowUpDue:
    """The peer should have gone on with the key exchanges it began (RFC 9370, 2.2.4)."""

    link: bytes


Timer = (
    Retransmit
    | HalfOpen
    | KeepAlive
    | DeadPeer
    | RekeyIkeDue
    | IkeLifetimeOver
    | Retry
    | DropRekeyed
    | Inactive
    | CloseChildless
    | SwitchOutbound
    | FollowUpDue
)
