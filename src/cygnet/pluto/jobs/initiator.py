"""New ISAKMP SAs of ours to a connection's peer."""

from cygnet.pluto.backends.configs import PeerConfigs
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.jobs.core import Sa
from cygnet.pluto.jobs.isakmp_sa import IsakmpSa
from cygnet.pluto.jobs.routes import Hosts
from cygnet.pluto.sa.ike_sa import IkeSa
from cygnet.pluto.sa.ports import Ports
from cygnet.runtime.manager import Manager


class Initiator:
    """Implements ``jobs.reconciler.Beginner``."""

    def __init__(self, ports: Ports, configs: PeerConfigs, manager: Manager[Sa], hosts: Hosts) -> None:
        self._ports, self._configs, self._manager, self._hosts = ports, configs, manager, hosts

    def begin(self, unique_id: int, config: PeerConfig, tries: int = 0) -> Sa:
        """One that is not registered yet; ``tries`` is how often it was tried before.

        Raises ``LocalError`` if there is nowhere to go.
        """
        local, remote = self._hosts.of(config)
        first = not any(one.remote.address == remote.address for one in self._manager.snapshots())
        sa = IkeSa.initiator(
            self._ports, unique_id, config, local, remote, tries=tries, first_contact=first
        )
        return IsakmpSa(sa, self._configs.of)
