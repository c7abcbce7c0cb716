"""What a protocol core tells its shell: records, performed before check-in, each kind in its order.

A core returns ``list[Effect]`` from every call (``docs/architecture.md``, core and shell). What it needs
an answer to is asked of a port instead.
"""

from dataclasses import field
from typing import Any

from cygnet.base.addresses import Host
from cygnet.base.groups import Group
from cygnet.base.records import record


@record
class Send:
    """Send one IKE datagram; the sender adds the non-ESP marker where the source port asks for it.

    ``dscp`` goes into the IP header (``ikedscp``). It leaves in ``delay_s`` seconds, whether the SA is still
    there or not.
    """

    source: Host
    destination: Host
    data: bytes
    dscp: int = 0
    delay_s: float = 0.0


@record
class Schedule:
    """Call ``sa.expire(timer, now)`` in ``delay_s`` seconds. Timers are never cancelled."""

    delay_s: float
    timer: Any


@record
class Announce:
    """Tell the bus: an event record."""

    event: Any


@record
class Adopt:
    """Another SA has come to be (an IKE_SA rekeyed, say); the manager takes it over."""

    sa: Any


@record
class Retire:
    """This SA is over; the manager forgets it once the effects are performed."""

    reason: str


@record
class Log:
    """Tell the bus: a log line. ``sa`` is set by the shell."""

    group: Group
    level: int
    text: str
    sa: str = ""


@record
class Counted:
    """Something worth a counter happened, such as a dropped message; inside :class:`Announce`, too.

    ``connection`` is the SA's, empty while none is chosen. It goes to the counters, not to the bus.
    """

    name: str
    connection: str = field(default="", compare=False)


@record
class MessageSeen:
    """A message was understood or made (copies do not count); for the counters, as :class:`Counted`."""

    connection: str
    exchange: int
    incoming: bool
    response: bool


Effect = Send | Schedule | Announce | Log | Adopt | Retire
