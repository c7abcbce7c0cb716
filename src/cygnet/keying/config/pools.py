"""Address pools and their leases (RFC 7296, 2.19; 3.15.1). Pure; whoever holds a pool locks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Protocol

from cygnet.base.addresses import Address
from cygnet.base.identities import Identity

MAX_SIZE = 1 << 31
"""A pool that is larger gives its first addresses only, as strongSwan has it."""
MAX_KEPT = 1 << 16
"""How many addresses of a pool are kept for peers that are gone; the ones gone longest are let go."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool of virtual addresses; ``offline`` ones are kept for peers that are gone."""

    name: str
    size: int
    online: int = 0
    offline: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """An address that was given to a peer."""

    address: Address
    identity: Identity
    online: bool


@dataclass(frozen=True, slots=True)
class Applicant:
    """An IKE_SA that wants an address for its peer, which is at ``host``.

    ``single``: the identity has one IKE_SA only (``uniqueids``), so that what another one of it still holds
    is this one's too: it takes the other's place.
    """

    ike_id: int
    identity: Identity
    host: Address
    single: bool = True


class Claims(Protocol):
    """Addresses that daemons of one host hold for their peers, each only one of them."""

    def take(self, address: Address) -> bool:
        """Claim it; whether no other daemon has."""

    def drop(self, address: Address) -> None:
        """Claim it no longer."""


class Unshared:
    """Implements :class:`Claims` for who gives addresses alone."""

    def take(self, address: Address) -> bool:
        """Nobody else has it."""
        return True

    def drop(self, address: Address) -> None:
        """Nobody has to know."""


UNSHARED = Unshared()


@dataclass(slots=True)
class _Lease:
    identity: Identity
    holders: dict[int, Address] = field(default_factory=dict)  # IKE_SA and where its peer is


class AddressPool:
    """``size`` addresses from ``first`` on. A peer gets the one it had before as long as that is possible.

    Then come those that nobody had, last those of other peers that are gone, the longest first. What
    another daemon claims is passed over. A pool that ``echoes`` has no addresses of its own: a peer gets
    what it asks for, unless another has that.
    """

    def __init__(
        self, name: str, first: Address, size: int, *, claims: Claims = UNSHARED, echoes: bool = False
    ) -> None:
        self.name, self._claims = name, claims
        self._first, self._size = int(first), min(size, MAX_SIZE)
        self._family, self._echoes = first.version, echoes
        self._fresh = 0
        self._leases: dict[Address, _Lease] = {}
        self._offline: dict[Address, None] = {}  # gone longest first
        self._own: dict[Identity, dict[Address, None]] = {}

    def describe(self) -> Pool:
        """Its figures."""
        return Pool(self.name, self._size, len(self._leases) - len(self._offline), len(self._offline))

    def leases(self) -> Iterator[Lease]:
        """All, by address."""
        for address in sorted(self._leases, key=int):
            lease = self._leases[address]
            yield Lease(address, lease.identity, bool(lease.holders))

    @property
    def is_idle(self) -> bool:
        """Whether nobody holds an address."""
        return len(self._offline) == len(self._leases)

    def acquire(self, who: Applicant, wanted: Address) -> Address | None:
        """An address of the family of ``wanted``, that one if it may be; ``None`` if there is none."""
        if wanted.version != self._family and not self._echoes:
            return None
        address = next(filter(self._take, self._candidates(who, wanted)), None)
        if address is None:
            return None
        lease = self._leases.get(address)
        if lease is None or lease.identity != who.identity:
            self._drop(address)
            lease = self._leases[address] = _Lease(who.identity)
            self._own.setdefault(who.identity, {})[address] = None
        self._offline.pop(address, None)
        lease.holders[who.ike_id] = who.host
        return address

    def release(self, address: Address, ike_id: int) -> None:
        """The IKE_SA holds it no more; it is kept for the peer."""
        lease = self._leases.get(address)
        if lease is None or lease.holders.pop(ike_id, None) is None or lease.holders:
            return
        self._offline[address] = None
        self._claims.drop(address)
        while len(self._offline) > (0 if self._echoes else MAX_KEPT):
            self._drop(next(iter(self._offline)))

    def move(self, address: Address, old: int, new: int) -> None:
        """Another IKE_SA holds it in place of one."""
        lease = self._leases.get(address)
        if lease is not None and old in lease.holders:
            lease.holders[new] = lease.holders.pop(old)

    def _take(self, address: Address) -> bool:
        lease = self._leases.get(address)
        return bool(lease and lease.holders) or self._claims.take(address)

    def _candidates(self, who: Applicant, wanted: Address) -> Iterator[Address]:
        yield from self._earlier(who, wanted)
        if self._contains(wanted) and wanted not in self._leases:
            yield wanted
        yield from self._never_given()
        if not self._echoes:
            yield from self._let_go()
            yield from self._offline

    def _earlier(self, who: Applicant, wanted: Address) -> Iterator[Address]:
        """One of the peer's own: the one it wants, one that it had, one that it is to have again."""
        own = [one for one in self._own.get(who.identity, ()) if one.version == wanted.version]
        own.sort(key=lambda one: one != wanted)
        return (one for one in own if self._is_free_for(who, one, wanted))

    def _is_free_for(self, who: Applicant, address: Address, wanted: Address) -> bool:
        if self._echoes and address != wanted:
            return False
        holders = self._leases[address].holders
        if who.ike_id in holders:
            return False
        return not holders or who.single or (address == wanted and who.host in holders.values())

    def _never_given(self) -> Iterator[Address]:
        while self._fresh < self._size:
            address = self._at(self._fresh)
            self._fresh += 1
            if address not in self._leases:
                yield address

    def _let_go(self) -> Iterator[Address]:
        """What is kept for nobody: more were to be kept than may be, or another daemon had them once."""
        if len(self._leases) < self._size:
            yield from (one for one in map(self._at, range(self._size)) if one not in self._leases)

    def _contains(self, address: Address) -> bool:
        if self._echoes:
            return int(address) != 0
        return address.version == self._family and 0 <= int(address) - self._first < self._size

    def _at(self, offset: int) -> Address:
        octets = (self._first + offset).to_bytes(4 if self._family == 4 else 16, "big")
        return ip_address(octets)

    def _drop(self, address: Address) -> None:
        lease = self._leases.pop(address, None)
        self._offline.pop(address, None)
        if lease is not None:
            own = self._own[lease.identity]
            del own[address]
            if not own:
                del self._own[lease.identity]
