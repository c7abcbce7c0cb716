"""The protocol core behind the daemon's narrow protocol (``jobs.core.Core``)."""

from collections.abc import Sequence

from cygnet.keying.sa.routed import Routed
from cygnet.pluto.backends.configs import PeerConfigs
from cygnet.pluto.backends.connections import Connection
from cygnet.pluto.encoding.exchanges import Exchange
from cygnet.pluto.jobs.core import Create, Decision, Dispatch, Drop, Sa
from cygnet.pluto.jobs.initiator import Initiator
from cygnet.pluto.jobs.isakmp_sa import IsakmpSa
from cygnet.pluto.jobs.reconciler import Reconciler
from cygnet.pluto.jobs.routes import Routes
from cygnet.pluto.sa import endpoint
from cygnet.pluto.sa.ike_sa import IkeSa
from cygnet.pluto.sa.ports import Ports
from cygnet.runtime.network.datagrams import Datagram


class Ikev1:
    """Main mode, aggressive mode, quick mode and what belongs to them (RFC 2408, 2409)."""

    def __init__(
        self,
        ports: Ports,
        configs: PeerConfigs,
        sas: endpoint.Sas,
        initiator: Initiator,
        routes: Routes,
        reconciler: Reconciler,
    ) -> None:
        self._ports, self._configs = ports, configs
        self._initiator, self._routes, self._reconciler = initiator, routes, reconciler
        self._endpoint = endpoint.Endpoint(ports.settings, sas, ports.rng)

    def decide(self, datagram: Datagram, now: float) -> Decision:
        """What to do with a datagram of version 1; one receiver at a time calls it."""
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
        return self._initiator.begin(unique_id, self._configs.of(connection))

    def usable(self, connection: Connection) -> int | None:
        """The ISAKMP SA with a connection's peer, ``None`` without one."""
        return self._reconciler.usable(self._configs.of(connection))

    def load(self, connection: Connection) -> Sequence[str]:
        """Take a connection in; the answer is warnings. Raises ``LocalError``."""
        return self._configs.load(connection)

    def forget(self, name: str) -> None:
        """Have a connection no more."""
        self._configs.forget(name)
        self._reconciler.forget(name)

    def keep(self, connection: Connection) -> None:
        """From now on it is to be up for good; raises ``LocalError``."""
        self._reconciler.keep(self._configs.of(connection))

    def wanted(self, connection: Connection) -> None:
        """An operator wants it up."""
        self._reconciler.wanted(connection.label.replace('"', ""))

    def cancel(self, label: str) -> bool:
        """An operator took down ``NAME`` or ``NAME[n]``; whether it was wanted."""
        return self._reconciler.cancel(label)

    def route(self, connection: Connection) -> None:
        """Install the traps or the shunt; raises ``LocalError``."""
        self._routes.install(self._configs.of(connection))

    def unroute(self, connection: Connection) -> None:
        """Take them back, if there are any."""
        self._routes.uninstall(connection.name)

    def routed(self) -> Sequence[Routed]:
        """The traps and shunts that are installed."""
        return self._routes.installed()
