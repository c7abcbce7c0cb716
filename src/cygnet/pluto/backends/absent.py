"""Ports whose parts are still to come: nobody is known, nothing is given away."""

from cygnet.base.addresses import Address
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.encoding.attributes import Attribute


class NoUsers:
    """XAUTH without users: connections that need them are refused when they are loaded."""

    def credentials(self, config: PeerConfig, remote: Identity | None) -> tuple[str, Secret] | None:
        """Nothing is known."""
        return None

    def verify(self, config: PeerConfig, user: str, password: Secret) -> bool:
        """Nobody is admitted."""
        return False


class NoAddresses:
    """Mode config without pools."""

    def acquire(self, config: PeerConfig, owner: Identity, wanted: Address) -> Address | None:
        """There is none."""
        return None

    def release(self, config: PeerConfig, owner: Identity, address: Address) -> None:
        """None was given."""

    def attributes(self, config: PeerConfig, owner: Identity) -> tuple[Attribute, ...]:
        """None."""
        return ()
