"""Lists of additional addresses in messages (RFC 4555, 3.4, 3.6, 4.2.2)."""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cygnet.base.addresses import Address
from cygnet.base.effects import Counted
from cygnet.base.groups import Group, Level
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Notify
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.paths import MAX_ADDRESSES, additional_addresses

if TYPE_CHECKING:
    from cygnet.charon.sa.tasks.task import Draft

KINDS = {4: NotifyType.ADDITIONAL_IP4_ADDRESS, 6: NotifyType.ADDITIONAL_IP6_ADDRESS}
_SIZES = {int(KINDS[4]): 4, int(KINDS[6]): 16}
NONE = NotifyType.NO_ADDITIONAL_ADDRESSES
LISTS = frozenset((*_SIZES, int(NONE)))


def tell(draft: "Draft", sa: Association) -> None:
    """All our addresses beside the one in use; that there are none goes without saying at first."""
    addresses = additional_addresses(sa)
    for address in addresses:
        draft.notify(KINDS[address.version], address.packed)
    if not addresses and draft.exchange == Exchange.INFORMATIONAL:
        draft.notify(NONE)
    sa.mobility.told = frozenset(sa.ports.addresses.usable())


def is_news(sa: Association) -> bool:
    """Whether the peer was told of other addresses than we have now."""
    return frozenset(sa.ports.addresses.usable()) != sa.mobility.told


def hear(message: Message, sa: Association) -> bool:
    """Take the peer's list, which replaces the earlier one; False if there is none in the message.

    The address that the message came from is one of the peer's, too.
    """
    listed = [one for one in message.notifies if one.type in LISTS]
    if not listed:
        return False
    source = (sa.arrival[1] if sa.arrival else sa.remote).address
    found = dict.fromkeys((source, *_sensible(listed, sa)))
    if len(found) > MAX_ADDRESSES:
        _count(sa, "mobike_too_many_addresses", f"peer has {len(found)} addresses, {MAX_ADDRESSES} are kept")
    sa.mobility.peer_addresses = kept = tuple(found)[:MAX_ADDRESSES]
    for address in kept:
        sa.log(Group.IKE, f"got additional MOBIKE peer address: {address}", Level.DETAIL)
    return True


def _sensible(notifies: Iterable[Notify], sa: Association) -> Iterable[Address]:
    """What a host may have; nonsense is passed over."""
    for one in notifies:
        if one.type == NONE:
            continue
        address = ip_address(one.data) if len(one.data) == _SIZES[one.type] else None
        if address is None or not is_sensible(address):
            _count(sa, "mobike_bad_address", f"peer tells of no address to be used: {one.data[:16].hex()}")
        else:
            yield address


def is_sensible(address: Address) -> bool:
    """Whether a peer that is elsewhere can have it."""
    unusable = address.is_unspecified or address.is_multicast or address.is_loopback or address.is_link_local
    return not unusable and address.packed != b"\xff\xff\xff\xff"


def _count(sa: Association, counter: str, text: str) -> None:
    sa.announce(Counted(counter, sa.connection))
    sa.log(Group.IKE, text, Level.DETAIL)
