"""A picture of an ISAKMP SA for status commands, taken while it is checked out."""

from dataclasses import dataclass

from cygnet.base.addresses import Address, Host
from cygnet.base.identities import Identity
from cygnet.keying.sa.child_snapshot import ChildSnapshot
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.sa.states import State


@dataclass(frozen=True, slots=True)
class IkeSnapshot:
    """Times are monotonic seconds, ``None``: never. ``phase2`` are the exchanges that are under way."""

    name: str
    unique_id: int
    state: str
    place: State
    initiator: bool
    local: Host
    remote: Host
    local_id: Identity | None
    remote_id: Identity | None
    cookie_i: bytes
    cookie_r: bytes
    method: str
    proposal: str
    established_at: float | None
    rekey_at: float | None
    expire_at: float | None
    user: str
    virtual_given: tuple[Address, ...]
    virtual_received: tuple[Address, ...]
    attributes: tuple[Attribute, ...]
    phase2: tuple[State, ...]
    children: tuple[ChildSnapshot, ...]
    replaces: int = 0
    config: PeerConfig | None = None
    peer_certificates: tuple[bytes, ...] = ()
