"""How well an address suits ``left=`` or ``right=``: exact, in a range, or any (0: not at all)."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network

from cygnet.base.addresses import Address
from cygnet.keying.config.records import AddressSpec

EXACT, ANY = 130, 1
ANYBODY = {"%any": 0, "%any4": 4, "%any6": 6, "0.0.0.0": 0, "::": 0, "0.0.0.0/0": 4, "::/0": 6}
Names = Callable[[str], tuple[Address, ...]]


def match(spec: AddressSpec, address: Address, names: Names) -> int:
    """The best match of any of the spec's hosts: a prefix ranks by its length, any address lowest."""
    if not spec.hosts:
        return ANY
    best = max(_match_host(host, address, names) for host in spec.hosts)
    return best or (ANY if spec.allow_any else 0)


def explain(score: int, what: str) -> str:
    """The match in words, e.g. ``remote address exact``."""
    if score >= EXACT:
        return f"{what} address exact"
    return f"{what} address in range" if score > ANY else f"{what} address any"


def exact_addresses(spec: AddressSpec) -> tuple[Address, ...] | None:
    """The addresses when the spec is nothing but literal addresses, for an index; else ``None``."""
    if not spec.hosts or spec.allow_any:
        return None
    try:
        addresses = tuple(ip_address(host) for host in spec.hosts)
    except ValueError:
        return None
    return None if any(address.is_unspecified for address in addresses) else addresses


def is_single(host: str) -> bool:
    """Whether this host of a list is one address or a name: no prefix, no range, not any."""
    if host in ANYBODY or "/" in host:
        return False
    first, _, last = host.partition("-")
    return not (_is_address(first) and _is_address(last))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _match_host(host: str, address: Address, names: Names) -> int:
    if host in ANYBODY:
        return ANY if ANYBODY[host] in (0, address.version) else 0
    try:
        return _match_literal(host, address)
    except ValueError:
        return EXACT if address in names(host) else 0


def _match_literal(host: str, address: Address) -> int:
    """Raises ``ValueError`` for what is neither address, prefix nor range."""
    first, last, score = _literal(host)
    if score == EXACT:
        return score if address == first else 0
    inside = first.version == last.version == address.version and int(first) <= int(address) <= int(last)
    return score if inside else 0


@lru_cache(maxsize=4096)
def _literal(host: str) -> tuple[Address, Address, int]:
    """The first and the last address, and how well one of them matches: read once for all handshakes."""
    if "/" in host:
        network = ip_network(host, strict=False)
        bits = network.prefixlen + (96 if network.version == 4 else 0)
        return network.network_address, network.broadcast_address, ANY + bits
    low, dash, high = host.partition("-")
    first = ip_address(low)
    if not dash:
        return first, first, EXACT
    last = ip_address(high)
    return first, last, ANY + 128 - (int(last) - int(first)).bit_length()
