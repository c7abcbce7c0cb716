"""The addresses of a peer and its routes, both of which come and go."""

from ipaddress import ip_address
from typing import TYPE_CHECKING

from cygnet.base.addresses import Address

if TYPE_CHECKING:
    from simulation.peer import Peer


class Home:
    """``sa.ports.Addresses`` of a peer. Its first address of a family is the one that the kernel prefers.

    Two addresses of a family have a route to each other unless :meth:`unroute` took it.
    """

    def __init__(self, peer: "Peer") -> None:
        self._peer = peer
        self._own: list[Address] = []
        self._unrouted: set[tuple[Address, Address]] = set()

    def gain(self, text: str, *, first: bool = False) -> None:
        """One address more, the preferred one with ``first``."""
        address = ip_address(text)
        self._own.insert(0 if first else len(self._own), address)
        self._peer.network.stations[address] = self._peer

    def lose(self, text: str) -> None:
        """An address is gone."""
        address = ip_address(text)
        self._own.remove(address)
        del self._peer.network.stations[address]

    def unroute(self, local: str, remote: str) -> None:
        """There is no route from one address to another any more."""
        self._unrouted.add((ip_address(local), ip_address(remote)))

    def has(self, address: Address) -> bool:
        """Whether packets may leave from there."""
        return self._peer.network.stations.get(address) is self._peer

    def usable(self) -> tuple[Address, ...]:
        return tuple(sorted(self._own, key=lambda one: one.version))

    def source(self, destination: Address) -> Address | None:
        return next((one for one in self._own if self.works(one, destination)), None)

    def works(self, local: Address, remote: Address) -> bool:
        routed = (local, remote) not in self._unrouted
        return routed and local in self._own and local.version == remote.version
