"""The data plane: SAD, SPD and the two ways through them; packets in lists, decisions in lists (RFC 4301, 5).

Nothing here knows a socket or a clock. The caller writes what comes out, keeps the timers of lifetimes
by time and delivers the events.
"""

from collections.abc import Callable, Iterable

from cygnet.esp.associations import InboundSa, OutboundSa
from cygnet.esp.drops import Drops
from cygnet.esp.early import EarlyPackets
from cygnet.esp.incoming import Datagrams, Incoming, Received
from cygnet.esp.outgoing import Outgoing, Sent
from cygnet.esp.policies import PolicyDatabase
from cygnet.esp.records import PacketMark, Policy, SaParameters
from cygnet.esp.sad import AssociationDatabase, SaKey
from cygnet.esp.superpackets import SuperPacket

__all__ = ["DataPlane", "Datagrams", "Received", "Sent"]


class DataPlane:
    """SAs and policies of one host, and the way of every packet through them.

    ``rng`` gives unpredictable octets for the IVs that need them. ``drops`` counts packets by reason.
    """

    def __init__(self, rng: Callable[[int], bytes]) -> None:
        self.policies = PolicyDatabase()
        self.drops = Drops()
        self.early = EarlyPackets()
        self.rng = rng
        self._sad = AssociationDatabase()
        self._outgoing = Outgoing(self._sad, self.policies, self.drops)
        self._incoming = Incoming(self._sad, self.policies, self.drops, self.early)
        self._new: list[int] = []

    # -- what the keying daemon does -------------------------------------------------------------------

    def add_inbound(self, sa: InboundSa) -> None:
        """Enter an SA under its SPI, which nobody else has."""
        self._sad.add(sa)
        self._new.append(sa.parameters.spi)

    def add_outbound(self, sa: OutboundSa) -> None:
        """Enter an SA; it is the first choice of its reqid from now on."""
        self._sad.add(sa)
        self._outgoing.forget_flows()

    def find(self, key: SaKey) -> InboundSa | OutboundSa | None:
        """The SA between these addresses with this SPI."""
        return self._sad.find(key)

    def inbound_spi_taken(self, spi: int) -> bool:
        """Whether an inbound SA has this SPI."""
        return spi in self._sad.by_spi

    def outbound(self) -> Iterable[OutboundSa]:
        """All sending SAs."""
        return self._sad.outbound()

    def inbound(self) -> Iterable[InboundSa]:
        """All receiving SAs."""
        return self._sad.by_spi.values()

    def remove(self, sa: InboundSa | OutboundSa) -> None:
        """Take an SA out of the SAD; one that is out already is no error."""
        self._sad.remove(sa)
        if isinstance(sa, OutboundSa):
            self._outgoing.forget_flows()

    def move(self, sa: InboundSa | OutboundSa, parameters: SaParameters) -> None:
        """Give an SA other outer addresses or ports; everything else of ``parameters`` is as before."""
        self._sad.move(sa, parameters)

    def add_policy(self, policy: Policy) -> None:
        """Enter a policy."""
        self.policies.add(policy)
        self._forget_flows()

    def remove_policy(self, policy: Policy) -> None:
        """Take out a policy, with what waited for it."""
        self.policies.remove(policy)
        self._outgoing.acquires.forget(lambda one: one is policy)
        self._forget_flows()

    def forget_acquires(self, owner: str) -> None:
        """A keying daemon began anew: what it was asked for is forgotten and asked again."""
        self._outgoing.acquires.forget(lambda policy: policy.owner == owner)

    def acquire_failed(self, owner: str, reqid: int, now: float) -> None:
        """No SA of this reqid came to be: packets may ask again in some seconds."""
        self._outgoing.acquires.failed(lambda policy: (policy.owner, policy.reqid) == (owner, reqid), now)

    def release(self, now: float) -> Sent:
        """Send what waited for an SA that is there by now; to be called after one was added."""
        return self._outgoing.release(now)

    def open_early(self, now: float) -> Received:
        """Open what came before its SA did; to be called after one was added."""
        new, self._new = self._new, []
        kept = [one for spi in new for one in self.early.take(spi, now)]
        return self.receive([(data, len(data), outer, peer) for data, outer, peer in kept], now)

    # -- packets -----------------------------------------------------------------------------------------

    def send(self, packets: Iterable[bytes], now: float, mark: PacketMark | None = None) -> Sent:
        """Protect packets that are to leave this host; ``mark`` is what all of them came with."""
        return self._outgoing.send(packets, now, mark)

    def send_super(self, packet: SuperPacket, now: float, mark: PacketMark | None = None) -> Sent:
        """Protect the packets that one super-packet stands for."""
        return self._outgoing.send_super(packet, now, mark)

    def receive(self, arrived: Iterable[Datagrams], now: float) -> Received:
        """Open ESP packets that arrived."""
        return self._incoming.receive(arrived, now)

    def _forget_flows(self) -> None:
        self._outgoing.forget_flows()
        self._incoming.forget_flows()
