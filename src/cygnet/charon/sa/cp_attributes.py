"""Configuration attributes, read and written (RFC 7296, 3.15.1; RFC 8598, 3; RFC 9464).

What a peer sent in a way that the RFC does not allow is left out, with a sentence for the log.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from cygnet.base.addresses import Address
from cygnet.charon.encoding.payloads.configuration import Attribute, AttributeType, Configuration
from cygnet.charon.sa import encrypted_dns
from cygnet.keying.config.domain_names import Tell, domain_name, usable
from cygnet.keying.sa.events import Servers

MAX_SERVERS = 8
MAX_DOMAINS = 64
ADDRESSES = {4: AttributeType.INTERNAL_IP4_ADDRESS, 6: AttributeType.INTERNAL_IP6_ADDRESS}
DNS = {4: AttributeType.INTERNAL_IP4_DNS, 6: AttributeType.INTERNAL_IP6_DNS}
_FAMILIES = {int(number): family for kinds in (ADDRESSES, DNS) for family, number in kinds.items()}
_SIZES: dict[int, tuple[int, ...]] = {
    AttributeType.INTERNAL_IP4_ADDRESS: (4,), AttributeType.INTERNAL_IP6_ADDRESS: (16, 17),
    AttributeType.INTERNAL_IP4_DNS: (4,), AttributeType.INTERNAL_IP6_DNS: (16, 17),
}  # fmt: skip
_ANY: dict[int, Address] = {4: IPv4Address(0), 6: IPv6Address(0)}


def request(addresses: Iterable[Address], dns: Iterable[int]) -> tuple[Attribute, ...]:
    """What to ask for: these addresses, unspecified for any, and DNS servers of these families."""
    wanted = [address_attribute(one, empty_if_any=True) for one in addresses]
    return (*wanted, *(Attribute(DNS[family]) for family in dns))


def address_attribute(address: Address, *, empty_if_any: bool = False) -> Attribute:
    """``INTERNAL_IP4_ADDRESS`` or ``INTERNAL_IP6_ADDRESS``, which has a prefix length behind it."""
    kind = ADDRESSES[address.version]
    if address.is_unspecified and empty_if_any:
        return Attribute(kind)
    return Attribute(kind, address.packed + (bytes([128]) if address.version == 6 else b""))


def asked_addresses(message: Configuration, tell: Tell) -> tuple[Address, ...]:
    """What a peer asks for; unspecified for any of a family."""
    found = _addresses(message, ADDRESSES.values(), tell)
    return tuple(_ANY[family] if one is None else one for family, one in found)


def given_addresses(message: Configuration, tell: Tell) -> tuple[Address, ...]:
    """The addresses that a responder gives us, each once; those that no host can have are left out."""
    return tuple(dict.fromkeys(_usable(message, ADDRESSES.values(), tell)))


def servers(message: Configuration, virtual_ips: tuple[Address, ...], tell: Tell) -> Servers:
    """The name servers that a responder tells us of, and what they are for."""
    dns = dict.fromkeys(_usable(message, DNS.values(), tell))
    domains = []
    for value in message.values(AttributeType.INTERNAL_DNS_DOMAIN)[:MAX_DOMAINS]:
        name = domain_name(value)
        if name is None:
            tell("ignoring INTERNAL_DNS_DOMAIN that is no domain name")
        else:
            domains.append(name)
    encrypted = encrypted_dns.given(message, tell)
    return Servers(tuple(dns)[:MAX_SERVERS], tuple(dict.fromkeys(domains)), virtual_ips, encrypted)


def _usable(message: Configuration, kinds: Iterable[int], tell: Tell) -> Iterator[Address]:
    return usable((one for _, one in _addresses(message, kinds, tell) if one is not None), tell)


def _addresses(
    message: Configuration, kinds: Iterable[int], tell: Tell
) -> Iterator[tuple[int, Address | None]]:
    """Family and address of each attribute of these kinds, ``None`` where it has no value."""
    wanted = frozenset(kinds)
    for one in message.attributes:
        if one.type not in wanted:
            continue
        family = _FAMILIES[one.type]
        if one.value and len(one.value) not in _SIZES[one.type]:
            tell(f"ignoring {AttributeType(one.type).name} of {len(one.value)} octets")
        else:
            yield family, ip_address(one.value[: 4 if family == 4 else 16]) if one.value else None
