"""What ``leftsourceip``, ``rightsourceip``, ``leftdns`` and ``rightdns`` say, in strongSwan's words."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface

from cygnet.base.addresses import Address
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.config.pools import AddressPool, Claims

ANY = ("%config", "%cfg", "%modeconfig", "%modecfg")
ECHO = "%config"
"""The pool that gives everybody what it asks for."""
_FAMILIES = {"%config4": 4, "%config6": 6}
_UNSPECIFIED: dict[int, Address] = {4: ip_address("0.0.0.0"), 6: ip_address("::")}
MAX_POOLS = 64
"""Pools and addresses of one keyword."""


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """The addresses of a pool, ``size`` of them."""

    name: str
    first: Address
    size: int

    def make(self, claims: Claims) -> AddressPool:
        """The pool, without leases."""
        return AddressPool(self.name, self.first, self.size, claims=claims)


def words(text: str, keyword: str) -> list[str]:
    """The values of a list, each once; raises :class:`ConfigError` where they are too many."""
    found = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if len(found) > MAX_POOLS:
        raise ConfigError(f"{keyword} names {len(found)} values, more than {MAX_POOLS}")
    return found


def wishes(text: str, keyword: str, tunnel_family: int) -> tuple[Address, ...]:
    """The virtual addresses to ask for; unspecified for any. ``%config`` is of the tunnel's family."""
    return tuple(_wish(word, keyword, tunnel_family) for word in words(text, keyword))


def _wish(word: str, keyword: str, tunnel_family: int) -> Address:
    if word in ANY:
        return _UNSPECIFIED[tunnel_family]
    if word in _FAMILIES:
        return _UNSPECIFIED[_FAMILIES[word]]
    try:
        return ip_address(word)
    except ValueError:
        raise ConfigError(f"{keyword}={word} is neither an address nor %config, %config4, %config6") from None


def pools(text: str, keyword: str) -> Iterator[tuple[str, PoolSpec | None]]:
    """The pools of ``rightsourceip``: the name of each, with its addresses where they are told here."""
    for word in words(text, keyword):
        if word in ANY or word in _FAMILIES:
            yield ECHO, None
        elif word.startswith("%"):
            yield word[1:], None
        else:
            spec = _pool(word, keyword)
            yield spec.name, spec


def _pool(word: str, keyword: str) -> PoolSpec:
    try:
        if "-" in word:
            return _range(word)
        return _network(word)
    except ValueError as error:
        raise ConfigError(f"{keyword}={word}: {error}") from None


def _range(word: str) -> PoolSpec:
    first, last = (ip_address(part.strip()) for part in word.split("-", 1))
    if first.version != last.version or int(first) > int(last):
        raise ValueError("the range does not go from a lower to a higher address")
    return PoolSpec(f"{first}-{last}", first, int(last) - int(first) + 1)


def _network(word: str) -> PoolSpec:
    """All but the first and the last address of a network with more; ``10.3.0.9/24`` begins at .9."""
    interface = ip_interface(word)
    network = interface.network
    name = str(interface) if "/" in word else str(interface.ip)
    first, last = int(interface.ip), int(network.broadcast_address)
    if network.num_addresses > 2:
        first, last = max(first, int(network.network_address) + 1), last - 1
    if first > last:
        raise ValueError("there is no address left in the network")
    return PoolSpec(name, interface.ip + (first - int(interface.ip)), last - first + 1)


def dns_families(text: str, keyword: str) -> frozenset[int]:
    """``leftdns``: the families of servers to ask for."""
    return frozenset(one.version for one in wishes(text, keyword, 4))


def dns_servers(text: str, keyword: str) -> tuple[Address, ...]:
    """``rightdns``: the servers to tell a peer of."""
    try:
        return tuple(ip_address(word) for word in words(text, keyword))
    except ValueError as error:
        raise ConfigError(f"{keyword}={text}: {error}") from None
