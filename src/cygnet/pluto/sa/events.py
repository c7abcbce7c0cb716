"""What happened in an ISAKMP SA, for the bus and the daemon: frozen records inside ``Announce``.

``ike_id`` is the number of the ISAKMP SA, ``child_id`` that of an IPsec SA. All but the last four are
charon's.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cygnet.base.addresses import Address, Host
from cygnet.base.effects import Counted, MessageSeen
from cygnet.base.identities import Identity
from cygnet.keying.config.records import Action, ChildConfig
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.events import ChildDown, ChildUp
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.sa.states import IkeState, State

if TYPE_CHECKING:
    from cygnet.pluto.sa.succession import Estate


@dataclass(frozen=True, slots=True)
class IkeStateChanged:
    """The ISAKMP SA moved to another state. ``half_open`` ends with ESTABLISHED."""

    ike_id: int
    name: str
    old: IkeState
    new: IkeState


@dataclass(frozen=True, slots=True)
class ChildStateChanged:
    """An IPsec SA moved to another state."""

    ike_id: int
    child_id: int
    name: str
    old: ChildState
    new: ChildState


@dataclass(frozen=True, slots=True)
class IkeEstablished:
    """Phase 1 is over, with XAUTH where that belongs to it.

    ``initial_contact``: the peer says that it knows no other SA between the two (RFC 2407, 4.6.3.3).
    ``replaces`` is the ISAKMP SA whose renewal this is, 0 for none. Other ISAKMP SAs between the same
    identities shall hand over to this one (:class:`~cygnet.pluto.sa.orders.HandOver`), unless uniqueness
    or INITIAL-CONTACT end them.
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
class Finished:
    """The outcome of the order with this ticket; ``reason`` is for people.

    ``notify`` is the notify message type by which it failed, the peer's or ours; 0: nobody answered.
    """

    ticket: int
    ok: bool
    reason: str = ""
    notify: int = 0


@dataclass(frozen=True, slots=True)
class Reestablish:
    """The daemon shall initiate ``config`` anew with these children. It comes with ``Retire``."""

    config: PeerConfig
    children: tuple[ChildConfig, ...]
    reason: str
    delay_s: float = 0
    tries: int = 0


@dataclass(frozen=True, slots=True)
class ChildClosed:
    """An IPsec SA went without our asking; ``action`` is what its configuration asks for then.

    NONE comes only with the end of the ISAKMP SA, for what is to be up for good.
    """

    config: ChildConfig
    action: Action
    reason: str
    peer: PeerConfig | None = None


@dataclass(frozen=True, slots=True)
class StateChanged:
    """An exchange came to another state of its table: what ``whack`` prints while it follows.

    ``number`` is that of the ISAKMP SA or of the IPsec SA that is being made.
    """

    ike_id: int
    number: int
    name: str
    state: State


@dataclass(frozen=True, slots=True)
class Retransmitted:
    """An exchange of the ISAKMP SA, in this state, sent its last message again and waits so long."""

    ike_id: int
    name: str
    state: State
    wait_s: float


@dataclass(frozen=True, slots=True)
class Configured:
    """The peer gave us addresses and settings (mode config); they hold until the ISAKMP SA is gone.

    ``split_include`` are the networks that Cisco's Unity attributes say are behind the peer.
    """

    ike_id: int
    config: PeerConfig
    addresses: tuple[Address, ...]
    attributes: tuple[Attribute, ...]
    banner: str = ""
    domain: str = ""
    split_include: tuple[str, ...] = ()
    save_password: bool = False


@dataclass(frozen=True, slots=True)
class Unconfigured:
    """Those addresses and settings hold no longer."""

    ike_id: int
    config: PeerConfig
    addresses: tuple[Address, ...]
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What an ISAKMP SA gave up in favour of ``heir``: the shell hands it on with ``TakeOver``.

    If the heir is not there any more, ``succession.forfeit`` ends it.
    """

    ike_id: int
    heir: int
    estate: "Estate"


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
    | StateChanged
    | Retransmitted
    | Configured
    | Unconfigured
    | HandedOver
)
