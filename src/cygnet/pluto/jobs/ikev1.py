"""The protocol core behind the daemon's narrow protocol (``jobs.core.Core``)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.keying.hosts import ends
from cygnet.pluto.backends.configs import PeerConfigs
from cygnet.pluto.backends.connections import Connection
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.encoding.exchanges import Exchange
from cygnet.pluto.jobs.core import Create, Decision, Dispatch, Drop, Sa
from cygnet.pluto.jobs.isakmp_sa import IsakmpSa
from cygnet.pluto.sa import endpoint
from cygnet.pluto.sa.ike_sa import IkeSa
from cygnet.pluto.sa.ports import Ports
from cygnet.runtime.manager import Manager
from cygnet.runtime.network.datagrams import Datagram


class NotImplementedYetError(LocalError):
    """A part that is still to come is needed."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """How the two addresses of a new ISAKMP SA are found; both may wait for an answer."""

    names: Callable[[str], tuple[Address, ...]]
    source_address: Callable[[Address], Address | None]


class Ikev1:
    """Main mode, aggressive mode, quick mode and what belongs to them (RFC 2408, 2409)."""

    def __init__(self, ports: Ports, configs: PeerConfigs, manager: Manager[Sa], hosts: Hosts) -> None:
        self._ports, self._configs, self._manager, self._hosts = ports, configs, manager, hosts
        self._endpoint = endpoint.Endpoint(ports.settings, manager, ports.rng)

    def decide(self, datagram: Datagram, now: float) -> Decision:
        """What to do with a datagram of version 1; the receiver alone calls it."""
        decision = self._endpoint.decide(datagram.data, datagram.source, datagram.destination, now)
        if isinstance(decision, endpoint.Drop):
            return Drop(decision.counter)
        if isinstance(decision, endpoint.Create):
            return Create(decision.spi)
        return Dispatch(decision.unique_id, urgent=decision.exchange == Exchange.INFORMATIONAL_V1)

    def responder(self, unique_id: int, cookie: bytes, datagram: Datagram) -> Sa:
        """A new ISAKMP SA for a peer's first message."""
        sa = IkeSa.responder(self._ports, unique_id, cookie, datagram.destination, datagram.source)
        return IsakmpSa(sa, self._configs.of)

    def initiator(self, unique_id: int, connection: Connection) -> Sa:
        """A new ISAKMP SA to the peer of a connection; raises ``LocalError`` if there is nowhere to go."""
        return self.begin(unique_id, self._configs.of(connection))

    def begin(self, unique_id: int, config: PeerConfig, tries: int = 0) -> Sa:
        """The same by the core's record; ``tries`` is how often it was tried before."""
        local, remote = ends(config.ike, self._hosts.names, self._hosts.source_address)
        first = not any(one.remote.address == remote.address for one in self._manager.snapshots())
        sa = IkeSa.initiator(
            self._ports, unique_id, config, local, remote, tries=tries, first_contact=first
        )
        return IsakmpSa(sa, self._configs.of)

    def load(self, connection: Connection) -> Sequence[str]:
        """Take a connection in; the answer is warnings. Raises ``LocalError``."""
        return self._configs.load(connection)

    def forget(self, name: str) -> None:
        """Have a connection no more."""
        self._configs.forget(name)

    def route(self, connection: Connection) -> None:
        """Refused: packets would be held for an SA that never comes."""
        text = f"routing {connection.label} is not implemented yet in this version of pluto"
        raise NotImplementedYetError(text)

    def unroute(self, connection: Connection) -> None:
        """Nothing was routed."""
