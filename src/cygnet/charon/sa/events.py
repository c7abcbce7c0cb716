"""What happened in an IKE_SA, for the bus and the daemon: frozen records inside ``Announce``.

``ike_id`` is the IKE_SA's ``[n]``, ``child_id`` a CHILD_SA's ``{n}``.
"""


from cygnet.base.addresses import Address, Host
from cygnet.base.effects import Counted, MessageSeen
from cygnet.base.identities import Identity
from cygnet.base.records import record
from cygnet.charon.sa.orders import TellAddresses, TerminateIke
from cygnet.charon.sa.states import IkeState
from cygnet.kernel.port import SaId
from cygnet.keying.config.records import PeerConfig
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.endings import Cause, Lost
from cygnet.keying.sa.events import ChildDown, ChildUp, ServersGiven, ServersTaken


@record
class IkeStateChanged:
    """The IKE_SA moved to another state. ``half_open`` ends with ESTABLISHED."""

    ike_id: int
    name: str
    old: IkeState
    new: IkeState


@record
class ChildStateChanged:
    """A CHILD_SA moved to another state."""

    ike_id: int
    child_id: int
    name: str
    old: ChildState
    new: ChildState


@record
class IkeEstablished:
    """Both sides are authenticated. The daemon applies ``config.unique`` to other IKE_SAs of the pair.

    ``initial_contact``: the peer says that it knows no other IKE_SA between the two (RFC 7296, 2.4).
    ``replaces`` is the IKE_SA whose rekeying made this one, 0 for none; it takes over its place.
    ``succeeds`` is the one that this is to take the place of later, once it has its CHILD_SAs.
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
    succeeds: int = 0


@record
class Finished:
    """The outcome of the order with this ticket; ``reason`` is for people.

    ``tries`` counts the attempts that went unanswered before (``keyingtries``). ``leaving``: nothing came of
    it because the IKE_SA itself was on its way out.
    """

    ticket: int
    ok: bool
    reason: str = ""
    tries: int = 0
    leaving: bool = False


@record
class InboundLingers:
    """The inbound SA of a CHILD_SA that is gone is still in the kernel, to be deleted in ``delay_s``."""

    id: SaId
    delay_s: float


@record
class ChildClosed:
    """A CHILD_SA ended, or is about to, without an order of ours; its IKE_SA lives on."""

    ike_id: int
    peer: PeerConfig
    child: Lost
    cause: Cause


@record
class IkeClosed:
    """An IKE_SA is over with the CHILD_SAs it had; in the same list of effects as ``Retire``.

    ``initiator``: we were the original one.
    """

    ike_id: int
    peer: PeerConfig
    children: tuple[Lost, ...]
    cause: Cause
    initiator: bool


@record
class Reauthenticate:
    """An IKE_SA wants a successor, authenticated anew, with these CHILD_SAs (RFC 7296, 2.8.3).

    ``virtual_ips`` are those that the peer gave us.
    """

    ike_id: int
    peer: PeerConfig
    local: Host
    remote: Host
    children: tuple[Lost, ...]
    ticket: int = 0
    virtual_ips: tuple[Address, ...] = ()


@record
class Reauthenticated:
    """The IKE_SA ``ike_id`` has all that ``succeeds`` had: that one may go."""

    ike_id: int
    succeeds: int


@record
class ReauthenticationFailed:
    """The IKE_SA that should have succeeded ``succeeds`` did not come to be."""

    ike_id: int
    succeeds: int
    reason: str


@record
class OrderPassedOn:
    """What an IKE_SA was told after it had been rekeyed is for the one that took its place."""

    ike_id: int
    order: TerminateIke | TellAddresses


Event = (
    IkeStateChanged
    | ChildStateChanged
    | IkeEstablished
    | ChildUp
    | ChildDown
    | Finished
    | InboundLingers
    | ChildClosed
    | IkeClosed
    | Reauthenticate
    | Reauthenticated
    | ReauthenticationFailed
    | ServersGiven
    | ServersTaken
    | OrderPassedOn
    | Counted
    | MessageSeen
)
