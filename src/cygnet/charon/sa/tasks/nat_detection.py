"""Detection of NATs between the peers (RFC 7296, 2.23)."""

from hashlib import sha1
from typing import ClassVar

from cygnet.base.addresses import Host
from cygnet.base.groups import Group
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.charon.sa.timers import KeepAlive

S, D = NotifyType.NAT_DETECTION_SOURCE_IP, NotifyType.NAT_DETECTION_DESTINATION_IP
MAX_HASHES = 16


class NatDetection(Task):
    """Tells hashes of the addresses as each side sees them, and compares the other's.

    With ``forceencaps``, or a data plane that only has ESP in UDP, the source hash is a wrong one, so that
    the peer sees a NAT too.
    """

    name = "IKE_NATD"
    rides: ClassVar[frozenset[Exchange]] = frozenset({Exchange.IKE_SA_INIT})

    def __init__(self, sa: Association) -> None:
        super().__init__(sa)
        self._is_forced: bool | None = None

    def build_request(self, draft: Draft) -> Step:
        self._build(draft, bytes(8))
        return MORE

    def process_request(self, message: Message) -> Step:
        return MORE if self._process(message, bytes(8)) else DONE

    def build_response(self, draft: Draft) -> Step:
        self._build(draft, self.sa.spi_r)
        return DONE

    def process_response(self, message: Message) -> Step:
        sa, settings = self.sa, self.sa.ports.settings
        self._process(message, message.spi_r)
        if sa.nat.any and sa.remote.port == settings.port:
            sa.local, sa.remote = (
                sa.local.with_port(settings.port_nat_t),
                sa.remote.with_port(settings.port_nat_t),
            )
        return DONE

    def _build(self, draft: Draft, spi_r: bytes) -> None:
        sa = self.sa
        source = sa.ports.rng(20) if self._forced() else self._hash(sa.local, spi_r)
        draft.notify(S, source)
        draft.notify(D, self._hash(sa.remote, spi_r))

    def _process(self, message: Message, spi_r: bytes) -> bool:
        """Whether the peer knows about NATs at all."""
        sa = self.sa
        seen = message.notifies
        sources = [one.data for one in seen if one.type == S][:MAX_HASHES]
        destinations = [one.data for one in seen if one.type == D][:MAX_HASHES]
        if not sources or not destinations:
            return False
        sa.nat.there = self._hash(sa.remote, spi_r) not in sources
        sa.nat.here = self._hash(sa.local, spi_r) not in destinations
        sa.nat.forced = self._forced()
        if sa.nat.here:
            sa.log(Group.IKE, "local host is behind NAT, sending keep alives")
            if sa.ports.settings.keep_alive_s:
                sa.schedule(sa.ports.settings.keep_alive_s, KeepAlive())
        if sa.nat.there:
            sa.log(Group.IKE, "remote host is behind NAT")
        if sa.nat.forced and not sa.nat.here:
            sa.log(Group.IKE, "faking NAT situation to enforce UDP encapsulation")
        return True

    def _forced(self) -> bool:
        if self._is_forced is None:
            self._is_forced = self._find_forced()
        return self._is_forced

    def _find_forced(self) -> bool:
        sa = self.sa
        if sa.ports.kernel.features.udp_encapsulation_only:
            return True
        if sa.config is not None:
            return sa.config.ike.force_encaps
        candidates = sa.negotiation.candidates
        return bool(candidates) and candidates[0].ike.force_encaps

    def _hash(self, host: Host, spi_r: bytes) -> bytes:
        data = b"".join((self.sa.spi_i, spi_r, host.address.packed, host.port.to_bytes(2, "big")))
        return sha1(data, usedforsecurity=False).digest()
