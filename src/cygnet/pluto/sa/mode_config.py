"""Mode config: addresses and settings for a client (draft-dukes-ike-mode-cfg-02; Cisco Unity's attributes).

::

    C -> S  { HASH, ATTR(REQUEST: address, ...) }    pull
    C <- S  { HASH, ATTR(REPLY: address, ...) }

    S -> C  { HASH, ATTR(SET: address, ...) }        push
    S <- C  { HASH, ATTR(ACK: address, ...) }
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

from cygnet.base.addresses import Address
from cygnet.base.groups import Group
from cygnet.keying.sa import own_addresses
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.encoding.payloads import AttributeType as A
from cygnet.pluto.encoding.payloads import Configuration, ConfigurationType
from cygnet.pluto.sa import establish, unity, virtual_ips
from cygnet.pluto.sa.association import Association
from cygnet.pluto.sa.events import Configured
from cygnet.pluto.sa.phase1 import needed
from cygnet.pluto.sa.ports import Lessee
from cygnet.pluto.sa.transitions import Reply, Step

MAX_ADDRESSES = 4
MAX_SPLITS = 64
MAX_SHOWN = 500
_SPLIT_SIZE = 14
_ADDRESSES = {4: A.INTERNAL_IP4_ADDRESS, 6: A.INTERNAL_IP6_ADDRESS}
_SIZES: dict[int, int] = {A.INTERNAL_IP4_ADDRESS: 4, A.INTERNAL_IP6_ADDRESS: 16}
_SERVERS = {4: (A.INTERNAL_IP4_DNS, A.INTERNAL_IP4_NBNS), 6: (A.INTERNAL_IP6_DNS,)}
_UNITY = (
    A.UNITY_BANNER, A.UNITY_DEF_DOMAIN, A.UNITY_SPLITDNS_NAME, A.UNITY_SPLIT_INCLUDE, A.UNITY_LOCAL_LAN,
    A.UNITY_SAVE_PASSWD,
)  # fmt: skip


def ask(step: Step) -> Reply:
    """Ask for addresses of the families that the connection wants, and for what goes with them."""
    sa = step.sa
    wishes = _wishes(sa)
    families = {one.version for one in wishes}
    kinds = [kind for family in sorted(families | sa.peer_config.dns_wanted) for kind in _SERVERS[family]]
    if unity.spoken(sa):
        kinds += _UNITY
    attributes = (*map(_address, wishes), *map(Attribute, kinds))
    identifier = int.from_bytes(sa.ports.rng(2), "big")
    return (Configuration(ConfigurationType.REQUEST, attributes, identifier),)


def answer(step: Step) -> Reply:
    """Give what the peer asked for, as far as the connection's pools have it."""
    asked = needed(step.message, Configuration)
    wanted = tuple(_addresses(asked.attributes))
    return (Configuration(ConfigurationType.REPLY, _given(step.sa, wanted), asked.identifier),)


def push(step: Step) -> Reply:
    """Give without being asked."""
    sa = step.sa
    identifier = int.from_bytes(sa.ports.rng(2), "big")
    anything = (IPv4Address(0), IPv6Address(0))
    return (Configuration(ConfigurationType.SET, _given(sa, anything), identifier),)


def take(step: Step) -> Reply:
    """What we asked for."""
    _take(step.sa, needed(step.message, Configuration))
    return None


def take_pushed(step: Step) -> Reply:
    """What we did not ask for: acknowledged with empty attributes."""
    given = needed(step.message, Configuration)
    _take(step.sa, given)
    step.sa.settle()
    taken = tuple(Attribute(one.type) for one in given.attributes)
    return (Configuration(ConfigurationType.ACK, taken, given.identifier),)


def acknowledged(step: Step) -> Reply:
    """The client has what we pushed."""
    return None


def ready(step: Step) -> None:
    """IPsec SAs may be made."""
    establish.ready(step.sa)


def _given(sa: Association, wanted: tuple[Address, ...]) -> tuple[Attribute, ...]:
    """Addresses from the pools for each family that is wanted, and the attributes of the connection."""
    config, lessee = sa.peer_config, Lessee(sa.unique_id, sa.owner, sa.remote.address)
    if not config.pools:
        sa.log(Group.IKE, "peer requested virtual IP, but the connection has no pool")
        wanted = ()
        if not config.dns:
            return ()
    if not sa.virtual.given:
        for one in wanted[:MAX_ADDRESSES]:
            address = sa.ports.addresses.acquire(config, lessee, one)
            if address is not None:
                sa.log(Group.IKE, f"assigning virtual IP {address} to peer '{lessee.owner}'")
                sa.virtual.given += (address,)
    if wanted and not sa.virtual.given:
        sa.log(Group.IKE, f"no virtual IP found for '{lessee.owner}', sending none")
    told = sa.ports.addresses.attributes(config, unity=unity.spoken(sa))
    return (*map(_address, sa.virtual.given), *told)


def _wishes(sa: Association) -> tuple[Address, ...]:
    """As configured; for any address those of the ISAKMP SA that this one replaces."""
    earlier, found = list(sa.earlier), []
    for wish in sa.peer_config.virtual_ips:
        again = next((one for one in earlier if one.version == wish.version), None)
        if again is not None and wish.is_unspecified:
            earlier.remove(again)
            wish = again
        found.append(wish)
    return tuple(found)


def _address(address: Address) -> Attribute:
    """strongSwan reads IPv6 only with a prefix length behind, as IKEv2 has it (RFC 7296, 3.15.1)."""
    if address.is_unspecified:
        return Attribute(_ADDRESSES[address.version])
    tail = bytes([128]) if address.version == 6 else b""
    return Attribute(_ADDRESSES[address.version], address.packed + tail)


def _take(sa: Association, given: Configuration) -> None:
    offered = tuple(_offered(sa, given))
    if not offered:
        sa.log(Group.IKE, "no virtual IP received from the peer")
    owner = sa.ports.kernel, sa.ports.settings
    addresses = tuple(one for one in offered if own_addresses.install(*owner, one, sa.log))
    banner = _text(given, A.UNITY_BANNER)
    if banner:
        sa.log(Group.IKE, f"banner of the peer: {_printable(banner)}")
    save = given.first(A.UNITY_SAVE_PASSWD)
    configured = Configured(
        sa.unique_id,
        sa.peer_config,
        addresses,
        given.attributes,
        banner,
        _text(given, A.UNITY_DEF_DOMAIN),
        tuple(_splits(given)),
        save is not None and int.from_bytes(save.value[-1:], "big") in (1, ord("1")),
    )
    virtual_ips.take(sa, configured)


def _offered(sa: Association, given: Configuration) -> Iterator[Address]:
    """As many as we want, of the families that we want."""
    left = [one.version for one in sa.peer_config.virtual_ips]
    for address in _addresses(given.attributes):
        if address.is_unspecified or address.is_multicast or address.is_loopback:
            continue
        if address.version in left:
            left.remove(address.version)
            yield address
        else:
            sa.log(Group.IKE, f"ignoring virtual IP {address}, which we have not asked for")


def _addresses(attributes: tuple[Attribute, ...]) -> Iterator[Address]:
    """The addresses of attributes; an empty one is "any"."""
    for one in attributes:
        size = _SIZES.get(one.type)
        if size is not None and (len(one.value) in (0, size) or len(one.value) == size + 1 == 17):
            empty: Address = IPv4Address(0) if size == 4 else IPv6Address(0)
            yield ip_address(one.value[:size]) if one.value else empty


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:MAX_SHOWN]


def _text(given: Configuration, kind: int) -> str:
    found = given.first(kind)
    return found.value.decode("utf-8", "replace").rstrip("\0") if found else ""


def _splits(given: Configuration) -> Iterator[str]:
    """Networks: address and mask, then six octets that are not used (registries: Cisco Unity)."""
    octets = b"".join(given.values(A.UNITY_SPLIT_INCLUDE))
    for at in range(0, min(len(octets), MAX_SPLITS * _SPLIT_SIZE) - 7, _SPLIT_SIZE):
        address, mask = IPv4Address(octets[at : at + 4]), IPv4Address(octets[at + 4 : at + 8])
        try:
            yield str(IPv4Network(f"{address}/{mask}", strict=False))
        except ValueError:
            continue
