"""How SAs end, as far as what follows depends on it."""

from enum import StrEnum

from cygnet.base.addresses import Address
from cygnet.base.records import record
from cygnet.base.selectors import TrafficSelector
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.marks import NO_MARKS, Marks


class Cause(StrEnum):
    """Why an IKE_SA or a CHILD_SA ended."""

    ORDERED = "ordered"
    CLOSED = "closed by the peer"
    DEAD = "peer not responding"
    FAILED = "failed"
    EXPIRED = "expired"
    LOST = "unknown to the peer"
    OUT_OF_STEP = "out of step with the peer"
    RESET = "the data plane was restarted"
    INACTIVE = "inactive"
    REAUTH = "to be reauthenticated"
    REAUTHENTICATED = "reauthenticated"
    REPLACED = "replaced"
    CROSSED = "replaced by one that both sides kept"


@record
class Lost:
    """A CHILD_SA that went, as far as it takes to make one like it; ``reqid`` 0: that of its selectors.

    ``hosts`` are what ``dynamic`` selectors stood for, ours first.
    """

    config: ChildConfig
    child_id: int
    reqid: int
    local_ts: tuple[TrafficSelector, ...]
    remote_ts: tuple[TrafficSelector, ...]
    hosts: tuple[tuple[Address, ...], tuple[Address, ...]] | None = None
    marks: Marks = NO_MARKS
