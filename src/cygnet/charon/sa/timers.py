"""The timers an IKE_SA sets with ``Schedule`` and gets back through ``expire``.

None is ever cancelled: each carries what tells a late one apart, and a late one does nothing.
"""

from cygnet.base.records import record


@record
class Retransmit:
    """Send request ``message_id`` again unless it was answered; ``serial`` tells requests of one id apart."""

    message_id: int
    serial: int


@record
class HalfOpen:
    """The peer has not authenticated itself in time."""


@record
class KeepAlive:
    """Time to keep a NAT's mapping alive (RFC 3948, 2.3)."""


@record
class DeadPeer:
    """Time to see whether the peer is alive (RFC 7296, 2.4)."""


@record
class RekeyIkeDue:
    """The IKE_SA is to be rekeyed (or re-authenticated)."""


@record
class IkeLifetimeOver:
    """The IKE_SA has lived for as long as it may."""


@record
class Retry:
    """Try the next queued task again, after a TEMPORARY_FAILURE (RFC 7296, 2.25) or a retry interval."""


@record
class DropRekeyed:
    """The peer has not deleted the IKE_SA that was rekeyed; we let go of it."""


@record
class DeletionOverdue:
    """The peer should have deleted the IKE_SA that it rekeyed: time to see whether it can be reached."""


@record
class Inactive:
    """Time to see whether a CHILD_SA ({n}) still carries traffic (``inactivity``)."""

    child_id: int


@record
class CloseChildless:
    """The first CHILD_SA failed, and the IKE_SA is not wanted without (``close_ike_on_child_failure``)."""


@record
class SwitchOutbound:
    """See whether the peer uses the CHILD_SA ({n}) that it had us make; ``waited_s`` it had already."""

    child_id: int
    waited_s: float


@record
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
    | DeletionOverdue
    | Inactive
    | CloseChildless
    | SwitchOutbound
    | FollowUpDue
)
