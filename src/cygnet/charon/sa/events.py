"""What happened in an IKE_SA, for the bus and the daemon: frozen records inside ``Announce``.

``ike_id`` is the IKE_SA's ``[n]``, ``child_id`` a CHILD_SA's ``{n}``.
"""

from dataclasses import dataclass, field

from cygnet.base.addresses import Host
from cygnet.base.identities import Identity
from cygnet.charon.config.records import Action, ChildConfig, PeerConfig
from cygnet.charon.sa.snapshot import ChildSnapshot
from cygnet.charon.sa.states import ChildState, IkeState


@dataclass(frozen=True, slots=True)
class IkeStateChanged:
    """The IKE_SA moved to another state. ``half_open`` ends with ESTABLISHED."""

    ike_id: int
    name: str
    old: IkeState
    new: IkeState


@dataclass(frozen=True, slots=True)
class ChildStateChanged:
    """A CHILD_SA moved to another state."""

    ike_id: int
    child_id: int
    name: str
    old: ChildState
    new: ChildState


@dataclass(frozen=True, slots=True)
class IkeEstablished:
    """Both sides are authenticated. The daemon applies ``config.unique`` to other IKE_SAs of the pair.

    ``initial_contact``: the peer says that it knows no other IKE_SA between the two (RFC 7296, 2.4).
    ``replaces`` is the IKE_SA whose rekeying made this one, 0 for none; it takes over its place.
    """

    ike_id: int
    config: PeerConfig
    local: Host
    remote: Host
    local_id: Identity
    remote_id: Identity
    initiator: bool
    initial_contact: bool = False
    replaces: int = 0


@dataclass(frozen=True, slots=True)
class ChildUp:
    """A CHILD_SA carries traffic (after a rekeying, too: ``replaces`` names the old one)."""

    ike_id: int
    config: ChildConfig
    child: ChildSnapshot
    replaces: int = 0


@dataclass(frozen=True, slots=True)
class ChildDown:
    """A CHILD_SA is gone; ``rekeyed`` where a newer one took its place."""

    ike_id: int
    config: ChildConfig
    child: ChildSnapshot
    rekeyed: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """The outcome of the order with this ticket; ``reason`` is for people."""

    ticket: int
    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reestablish:
    """The daemon shall initiate ``config`` anew with these children (``dpdaction``, ``closeaction``, …).

    It comes in the same list of effects as ``Retire``. ``tries`` counts the attempts already made, for
    ``keyingtries``. ``children`` may be empty: the IKE_SA alone.
    """

    config: PeerConfig
    children: tuple[ChildConfig, ...]
    reason: str
    delay_s: float = 0
    tries: int = 0


@dataclass(frozen=True, slots=True)
class ChildClosed:
    """A CHILD_SA went without our asking; ``action`` TRAP asks the daemon for its trap policy.

    START is asked for with :class:`Reestablish`, or done inside the IKE_SA where that lives on.
    """

    config: ChildConfig
    action: Action
    reason: str
    peer: PeerConfig | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """Something worth a counter happened, such as a dropped message.

    ``connection`` is the IKE_SA's, empty while none is chosen. It goes to the counters, not to the bus.
    """

    name: str
    connection: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class MessageSeen:
    """A message was understood or made (copies do not count); for the counters, as :class:`Counted`."""

    connection: str
    exchange: int
    incoming: bool
    response: bool


Event = (
    IkeStateChanged
    | ChildStateChanged
    | IkeEstablished
    | ChildUp
    | ChildDown
    | Finished
    | Reestablish
    | ChildClosed
    | Counted
    | MessageSeen
)
