"""Pools of mode config, and what its clients are told besides: charon's pools and options."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from cygnet.base.addresses import Address
from cygnet.charon.backends.told import Told
from cygnet.keying.backends.address_pools import StrokePools
from cygnet.keying.config.pools import Applicant
from cygnet.keying.config.records import Unique
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.encoding.payloads import AttributeType as A
from cygnet.pluto.sa.ports import Lessee

Items = Callable[[str], Iterable[tuple[str, str]]]
SECTION = "charon.plugins.attr"
FIRST_OF_UNITY = int(A.UNITY_BANNER)
MAX_SPLITS = 64
_UNUSED = bytes(6)
_LISTS = {"split-include": A.UNITY_SPLIT_INCLUDE, "split-exclude": A.UNITY_LOCAL_LAN}


class Networks:
    """``split-include`` and ``split-exclude``: which networks are reached through the tunnel, and not.

    Without ``split-include`` those are told that the connection protects at our end. :attr:`problems` has a
    sentence for each bad option.
    """

    def __init__(self, items: Items) -> None:
        self.problems: list[str] = []
        self._told: dict[A, tuple[IPv4Network, ...]] = dict.fromkeys(_LISTS.values(), ())
        for name, text in items(SECTION):
            if name in _LISTS:
                self._told[_LISTS[name]] = tuple(self._read(name, text))

    def attributes(self, config: PeerConfig) -> Iterator[Attribute]:
        """Each list in one attribute, as Cisco's clients expect it."""
        lists = dict(self._told)
        lists[A.UNITY_SPLIT_INCLUDE] = lists[A.UNITY_SPLIT_INCLUDE] or tuple(_behind(config))
        for kind, networks in lists.items():
            if networks:
                yield Attribute(kind, b"".join(map(_network, networks[:MAX_SPLITS])))

    def _read(self, name: str, text: str) -> Iterator[IPv4Network]:
        for word in filter(None, map(str.strip, text.split(","))):
            try:
                yield IPv4Network(word, strict=False)
            except ValueError as error:
                self.problems.append(f"{SECTION}: {name} = {word}: {error}")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Implements ``sa.ports.Addresses``."""

    pools: StrokePools
    told: Told
    networks: Networks

    def acquire(self, config: PeerConfig, lessee: Lessee, wanted: Address) -> Address | None:
        """Of the first pool that has one; ``uniqueids`` tells whether a peer's addresses are one SA's."""
        single = config.unique in (Unique.REPLACE, Unique.KEEP)
        who = Applicant(lessee.ike_id, lessee.owner, lessee.host, single)
        found = (self.pools.acquire(pool, who, wanted) for pool in config.pools)
        return next((address for address in found if address is not None), None)

    def release(self, ike_id: int) -> None:
        """They are kept for the peer as long as that is possible."""
        self.pools.release(ike_id)

    def move(self, old: int, new: int) -> None:
        """Another ISAKMP SA has them now."""
        self.pools.move(old, new)

    def attributes(self, config: PeerConfig, *, unity: bool) -> tuple[Attribute, ...]:
        """``rightdns``, ``charon.dns1``, ``charon.plugins.attr``; of Cisco's numbers only with ``unity``."""
        every = (_attribute(one.type, one.value) for one in self.told.attributes(config))
        plain = tuple(one for one in every if unity or one.type < FIRST_OF_UNITY)
        return (*plain, *self.networks.attributes(config)) if unity else plain


def _attribute(kind: int, value: bytes) -> Attribute:
    """Saving the password is allowed by a number, which ``strongswan.conf`` writes as text."""
    if kind == A.UNITY_SAVE_PASSWD and value.isdigit():
        return Attribute.number_of(kind, min(int(value), 0xFFFF))
    return Attribute(kind, value)


def _behind(config: PeerConfig) -> Iterator[IPv4Network]:
    for child in config.children:
        for one in child.local_ts:
            if one.family == 4 and not one.dynamic:
                bits = (int(one.end) - int(one.start)).bit_length()
                if bits < 32:
                    yield IPv4Network(f"{one.start}/{32 - bits}", strict=False)


def _network(network: IPv4Network) -> bytes:
    """Address, mask, and six octets that nobody uses (registries: Cisco Unity)."""
    return network.network_address.packed + network.netmask.packed + _UNUSED
