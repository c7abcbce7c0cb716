"""A road warrior that asks for virtual addresses, and a gateway that has pools of them."""

from dataclasses import dataclass, field
from ipaddress import ip_address

from cygnet.base.addresses import Address
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.encoding.payloads.configuration import Attribute
from cygnet.keying.backends.address_pools import MemoryPools
from cygnet.keying.backends.pool_texts import PoolSpec, pools, wishes
from cygnet.keying.config.records import AuthClass, AuthConfig
from cygnet.keying.config.settings import DaemonSettings
from simulation.pair import Pair, selector
from simulation.peer import Peer

DYNAMIC = TrafficSelector.of("dynamic")


@dataclass
class Gateway:
    """``sa.ports.Configuration``: pools in memory, and attributes that a test chooses."""

    pools: MemoryPools
    told: list[Attribute] = field(default_factory=list)

    def acquire(self, names: tuple[str, ...], who: object, wanted: Address) -> Address | None:
        found = (self.pools.acquire(name, who, wanted) for name in names)  # type: ignore[arg-type]
        return next((one for one in found if one is not None), None)

    def release(self, ike_id: int) -> None:
        self.pools.release(ike_id)

    def move(self, old_id: int, new_id: int) -> None:
        self.pools.move(old_id, new_id)

    def attributes(self, config: object) -> tuple[Attribute, ...]:
        return tuple(self.told)


class RoadWarrior(Pair):
    """Alice asks for ``wanted`` (``leftsourceip``), Bob has ``pool`` (``rightsourceip``)."""

    def __init__(
        self,
        wanted: str = "%config",
        pool: str = "10.3.0.0/24",
        settings: DaemonSettings | None = None,
        network: str = "10.2.0.0/16",
    ) -> None:
        super().__init__(settings=settings)
        specs: list[PoolSpec] = [spec for _, spec in pools(pool, "rightsourceip") if spec is not None]
        self.gateway = Gateway(MemoryPools(specs))
        self.bob.configuration = self.gateway
        self.bob.boot()
        self.change("alice", virtual_ips=wishes(wanted, "leftsourceip", 4))
        self.change("bob", pools=tuple(name for name, _ in pools(pool, "rightsourceip")))
        self.change_child("alice", local_ts=(DYNAMIC,), remote_ts=(selector(network),))
        self.change_child("bob", local_ts=(selector(network),), remote_ts=(DYNAMIC,))

    def any_peer(self) -> None:
        """Bob takes anybody who knows the secret, from anywhere."""
        self.change("bob", remote=(AuthConfig(AuthClass.PSK, Identity.parse("%any")),))

    def warrior(self, number: int) -> Peer:
        """One more road warrior, ``carolN.test``."""
        peer = Peer(self.network, f"192.0.2.{10 + number}")
        peer.store.secrets = list(self.alice.store.secrets)
        return peer

    def leases(self, pool: str = "10.3.0.0/24") -> list[tuple[str, str, bool]]:
        return [(str(one.address), str(one.identity), one.online) for one in self.gateway.pools.leases(pool)]

    def addresses(self) -> list[str]:
        """The virtual addresses that Alice's host has."""
        return sorted(str(address) for address, _ in self.alice.kernel.virtual)


def octets(text: str) -> bytes:
    return ip_address(text).packed
