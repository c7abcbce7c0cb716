"""Virtual addresses of one IKE_SA: which there are, what ``dynamic`` selectors mean by them, how they go.

The initiator asks for them in IKE_AUTH and the responder gives them (RFC 7296, 2.19), see
``tasks.ike_config``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cygnet.base.addresses import Address
from cygnet.base.errors import PeerError
from cygnet.base.groups import Group
from cygnet.base.identities import Identity, IdType
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.encoding.errors import FailedCpRequiredError, InternalAddressFailureError
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa import own_addresses
from cygnet.keying.sa.events import Servers, ServersTaken
from cygnet.keying.sa.matching import Ends, Selectors, resolve

if TYPE_CHECKING:
    from cygnet.charon.sa.association import Association

EVERYWHERE = {
    4: (ip_address("0.0.0.0"), ip_address("255.255.255.255")),
    6: (ip_address("::"), ip_address("ffff:" * 7 + "ffff")),
}
"""All addresses of a family."""


@dataclass(slots=True)
class Virtual:
    """``local`` are the addresses that the peer gave us, ``remote`` those that it has from us.

    ``asked`` are families that we have asked for and not had an answer about; ``earlier`` what we had in the
    IKE_SA that this one succeeds. ``demanded``: the peer was to ask us; ``exhausted``: we had none for it.
    """

    local: tuple[Address, ...] = ()
    remote: tuple[Address, ...] = ()
    earlier: tuple[Address, ...] = ()
    asked: tuple[int, ...] = ()
    demanded: bool = False
    exhausted: bool = False
    servers: Servers = field(default_factory=Servers)


def ends(sa: "Association") -> Ends:
    """The hosts that ``dynamic`` stands for: virtual addresses where there are, or should be, any."""
    virtual = sa.virtual
    remote = virtual.remote if virtual.remote or virtual.demanded else (sa.remote.address,)
    return Ends(virtual.local or (sa.local.address,), remote)


def selectors(sa: "Association", config: ChildConfig) -> tuple[Selectors, Selectors]:
    """What we propose for a configuration, ours first: all addresses where ours is not known yet (2.19)."""
    both = ends(sa)
    if sa.virtual.asked:
        local = tuple(wide for one in config.local_ts for wide in _anywhere(one, sa.virtual.asked))
    else:
        local = resolve(config.local_ts, both.local)
    return local, resolve(config.remote_ts, both.remote)


def _anywhere(selector: TrafficSelector, families: Iterable[int]) -> Iterable[TrafficSelector]:
    if not selector.dynamic:
        return (selector,)
    ranges = (EVERYWHERE[family] for family in dict.fromkeys(families))
    return (replace(selector, start=first, end=last, dynamic=False) for first, last in ranges)


def refusal(sa: "Association") -> PeerError | None:
    """Why a peer's CHILD_SA is refused that would be about its virtual address, which it has not got."""
    virtual = sa.virtual
    if virtual.remote or not virtual.demanded:
        return None
    if virtual.exhausted:
        return InternalAddressFailureError("no virtual IP found for the peer")
    return FailedCpRequiredError("expected a virtual IP request, sending FAILED_CP_REQUIRED")


def lessee(sa: "Association") -> Identity:
    """Who an address is leased to: the user whom EAP has proven, else the peer.

    A peer that is nobody (RFC 7619) is told apart from others by where it is.
    """
    if sa.remote_id is not None and sa.remote_id.is_null:
        return Identity(IdType.NULL, sa.remote.with_brackets().encode())
    return sa.remote_eap_id or sa.remote_id or Identity.from_address(sa.remote.address)


def pass_on(old: "Association", new: "Association") -> None:
    """The IKE_SA that a rekeying made has the addresses now."""
    if old.virtual.remote:
        old.ports.configuration.move(old.unique_id, new.unique_id)
    new.virtual, old.virtual = old.virtual, Virtual()


def give_up(sa: "Association") -> None:
    """The IKE_SA is over: leases end, addresses and name servers of ours go."""
    virtual, sa.virtual = sa.virtual, Virtual()
    if virtual.remote:
        sa.ports.configuration.release(sa.unique_id)
        for address in virtual.remote:
            sa.log(Group.IKE, f"lease {address} by '{lessee(sa)}' went offline")
    if virtual.servers:
        sa.announce(ServersTaken(virtual.servers))
    for address in virtual.local:
        own_addresses.uninstall(sa.ports.kernel, sa.ports.settings, address, sa.log)
