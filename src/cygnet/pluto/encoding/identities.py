"""Identification payloads as identities (phase 1) and as traffic selectors (phase 2); RFC 2407, 4.6.2."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from cygnet.base.addresses import Address
from cygnet.base.errors import MalformedError
from cygnet.base.identities import Identity, IdType
from cygnet.base.selectors import TrafficSelector
from cygnet.pluto.encoding.payloads import Identification
from cygnet.pluto.encoding.payloads import IdentificationType as T

_UDP, _ISAKMP_PORT = 17, 500
# IKEv1's ID types that are identities have the numbers of IKEv2's, which ``base.identities`` has.
_IDENTITIES = frozenset(
    {T.IPV4_ADDR, T.FQDN, T.USER_FQDN, T.IPV6_ADDR, T.DER_ASN1_DN, T.DER_ASN1_GN, T.KEY_ID}
)
_ONE, _SUBNET, _RANGE = (
    {4: T.IPV4_ADDR, 6: T.IPV6_ADDR},
    {4: T.IPV4_ADDR_SUBNET, 6: T.IPV6_ADDR_SUBNET},
    {4: T.IPV4_ADDR_RANGE, 6: T.IPV6_ADDR_RANGE},
)
_FAMILIES: dict[int, type[IPv4Address] | type[IPv6Address]] = {
    T.IPV4_ADDR: IPv4Address,
    T.IPV4_ADDR_SUBNET: IPv4Address,
    T.IPV4_ADDR_RANGE: IPv4Address,
    T.IPV6_ADDR: IPv6Address,
    T.IPV6_ADDR_SUBNET: IPv6Address,
    T.IPV6_ADDR_RANGE: IPv6Address,
}


def payload_of_identity(identity: Identity) -> Identification:
    """The payload that says who one is. Protocol and port are zero (RFC 3947, 4)."""
    return Identification(identity.type, 0, 0, identity.data)


def identity_of(payload: Identification) -> Identity:
    """Who a phase 1 payload is about; raises :class:`MalformedError`.

    Protocol and port must be zero, or UDP and 500 (RFC 2407, 4.6.2); Windows and others send UDP and zero.
    """
    if payload.protocol not in (0, _UDP) or payload.port not in (0, _ISAKMP_PORT):
        raise MalformedError(f"ID payload: protocol {payload.protocol}, port {payload.port} in phase 1")
    if payload.id_type not in _IDENTITIES:
        raise MalformedError(f"ID payload: type {payload.id_type} is no identity")
    return Identity(IdType(payload.id_type), payload.data)


def payload_of_selector(selector: TrafficSelector) -> Identification:
    """The payload for a traffic selector; raises ``ValueError`` for what IKEv1 cannot say.

    It has one port or all of them, and zero is all.
    """
    if selector.any_port:
        port = 0
    elif selector.start_port == selector.end_port != 0:
        port = selector.start_port
    else:
        raise ValueError(f"{selector}: IKEv1 has selectors for one port above 0, or all, not for ranges")
    kind, data = _address_data(selector)
    return Identification(kind, selector.protocol, port, data)


def selector_of(payload: Identification) -> TrafficSelector:
    """The traffic selector that a phase 2 payload is; raises :class:`MalformedError`."""
    family = _FAMILIES.get(payload.id_type)
    if family is None:
        raise MalformedError(f"ID payload: type {payload.id_type} is no traffic selector")
    start, end = _range(payload, family)
    ports = (payload.port, payload.port) if payload.port else (0, 65535)
    return TrafficSelector(start, end, payload.protocol, *ports)


def _address_data(selector: TrafficSelector) -> tuple[int, bytes]:
    start, end = selector.start, selector.end
    if start == end:
        return _ONE[selector.family], start.packed
    networks = selector.networks()
    if len(networks) == 1:
        network: IPv4Network | IPv6Network = networks[0]
        return _SUBNET[selector.family], start.packed + network.netmask.packed
    return _RANGE[selector.family], start.packed + end.packed


def _range(payload: Identification, family: type[IPv4Address] | type[IPv6Address]) -> tuple[Address, Address]:
    size = len(payload.data) // 2
    if payload.id_type in _ONE.values():
        address = ip_address(payload.data)
        return address, address
    first, second = family(payload.data[:size]), family(payload.data[size:])
    if payload.id_type in _SUBNET.values():
        return _subnet(first, second)
    if int(first) > int(second):
        raise MalformedError(f"ID payload: range {first} to {second}")
    return first, second


def _subnet(address: Address, mask: Address) -> tuple[Address, Address]:
    """First and last address; a mask with holes is refused, since nobody could say what it protects."""
    bits = int(mask) ^ (1 << mask.max_prefixlen) - 1
    if bits & (bits + 1):
        raise MalformedError(f"ID payload: mask {mask} is no prefix")
    start = int(address) & ~bits
    kind = type(address)
    return kind(start), kind(start | bits)
