"""Address pools and their leases, as a configuration store tells of them."""

from dataclasses import dataclass

from cygnet.base.addresses import Address
from cygnet.base.identities import Identity


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
