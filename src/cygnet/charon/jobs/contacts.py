"""What an IKE_SA asks about the others with the same peer (``sa.ports.Contacts``)."""

import threading
from collections.abc import Callable

from cygnet.base.addresses import Host
from cygnet.base.errors import LocalError
from cygnet.base.identities import Identity
from cygnet.charon.jobs.installed import Installed
from cygnet.charon.jobs.workplace import Sas
from cygnet.keying.config.records import IkeConfig, PeerConfig, Unique
from cygnet.keying.sa.matching import is_same_peer

ALIVE = ("ESTABLISHED", "REKEYING")
MAX_CLAIMS = 10_000
"""IKE_SAs in the making that are remembered for having said INITIAL_CONTACT."""

Pair = tuple[Identity, Identity]


class Contacts:
    """Answers from the manager's index, from what is installed, and from names (``locate`` raises)."""

    def __init__(
        self, manager: Sas, installed: Installed, locate: Callable[[IkeConfig], tuple[Host, Host]]
    ) -> None:
        self._manager = manager
        self._installed = installed
        self._locate = locate
        self._lock = threading.Lock()
        self._claims: dict[Pair, int] = {}

    def ends(self, config: PeerConfig) -> tuple[Host, Host] | None:
        """Our host and the peer's as names resolve now."""
        try:
            return self._locate(config.ike)
        except LocalError:
            return None

    def is_first(self, ike_id: int, local: Identity, remote: Identity) -> bool:
        """Whether there is no other IKE_SA between the two, nor one that has said so already."""
        pair = (local, remote)
        if any(number != ike_id for number in self._manager.by_identities(pair)):
            return False
        with self._lock:
            claimant = self._claims.get(pair, ike_id)
            if claimant != ike_id and self._manager.snapshot(claimant) is not None:
                return False
            if len(self._claims) >= MAX_CLAIMS and pair not in self._claims:
                del self._claims[next(iter(self._claims))]
            self._claims[pair] = ike_id
        return True

    def refusal(self, config: PeerConfig, identities: Pair, remote: Host) -> str:
        """``uniqueids=keep``: from elsewhere: refused; from the same host it may be a reauthentication."""
        if config.unique is not Unique.KEEP:
            return ""
        for number in self._manager.by_identities(identities):
            other = self._manager.snapshot(number)
            if other is None or other.config is None or other.state not in ALIVE:
                continue
            if other.remote != remote and is_same_peer(other.config, config):
                return f"IKE_SA {other.name}[{number}] with {other.remote} is kept (uniqueids=keep)"
        return ""

    def sender(self, reqid: int) -> int:
        """The newest outbound SA of the reqid."""
        return self._installed.sender(reqid)
