"""Dead peer detection: an INFORMATIONAL exchange that asks for nothing (RFC 7296, 2.4; RFC 4555, 3.8)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.sa import nat_hashes
from cygnet.charon.sa.tasks.address_update import AddressUpdate
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task


class Dpd(Task):
    """Asks whether the peer is there; that it answers is the answer. Retransmission finds it dead.

    Who decides about addresses also asks how it is seen: a NAT on the path may have come or gone, or have
    given another address or port.
    """

    name = "IKE_DPD"
    opens: ClassVar[Exchange | None] = Exchange.INFORMATIONAL

    def ready(self) -> bool:
        return self.sa.is_mobile

    def build_request(self, draft: Draft) -> Step:
        sa = self.sa
        sa.log(Group.IKE, "sending DPD request")
        if sa.peer.mobike and sa.mobility.leads and sa.nat.supported:
            nat_hashes.add(draft, sa, (sa.local, sa.remote), sa.spi_r, forced=sa.nat.forced)
        return MORE

    def process_response(self, message: Message) -> Step:
        sa = self.sa
        seen = nat_hashes.read(message) if sa.peer.mobike and sa.mobility.leads else None
        if seen is not None and not sa.mobility.probing and self._has_changed(seen):
            sa.log(Group.IKE, "NAT mappings changed, or a NAT came or went")
            sa.wanted.append(AddressUpdate(sa, update=True))
        return DONE

    def _has_changed(self, seen: nat_hashes.Seen) -> bool:
        """After a rekeying the hashes are new; one update more does no harm (RFC 4555, 3.8)."""
        sa = self.sa
        found = nat_hashes.compare(sa, seen, (sa.local, sa.remote), sa.spi_r)
        if found != (sa.nat.here, sa.nat.there):
            return True
        return sa.nat.here and seen.destinations[0] != sa.mobility.mapping
