"""The core of a pluto that has none yet: everything that needs IKEv1 itself is refused by name."""

from cygnet.base.errors import LocalError
from cygnet.pluto.backends.connections import Connection
from cygnet.pluto.jobs.core import Decision, Drop, Sa
from cygnet.runtime.network.datagrams import Datagram

MISSING = "not implemented yet: this version of pluto has no IKEv1 exchanges"


class NotImplementedYetError(LocalError):
    """A part that is still to come is needed."""


class NoCore:
    """Drops and refuses."""

    def decide(self, datagram: Datagram, now: float) -> Decision:
        """Silence, and a count."""
        return Drop("no_core")

    def responder(self, unique_id: int, cookie: bytes, datagram: Datagram) -> Sa:
        """Never asked for."""
        raise NotImplementedYetError(MISSING)

    def initiator(self, unique_id: int, connection: Connection) -> Sa:
        """Refused."""
        raise NotImplementedYetError(f"initiating {connection.label} is {MISSING}")

    def route(self, connection: Connection) -> None:
        """Refused: packets would be held for an SA that never comes."""
        raise NotImplementedYetError(f"routing {connection.label} is {MISSING}")

    def unroute(self, connection: Connection) -> None:
        """Nothing was routed."""
