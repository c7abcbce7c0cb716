"""Deleting CHILD_SAs (RFC 7296, 1.4.1, 2.25.1)."""

from typing import ClassVar

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.payloads import Delete
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.succession import promote
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.crypto.proposals import Protocol
from cygnet.kernel.port import SaId
from cygnet.keying.sa.child_sa import ChildSa
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.endings import Cause

MAX_EARLY = 16  # deletions remembered while a CHILD_SA is being made


class ChildDelete(Task):
    """Deletes the CHILD_SA with our inbound SPI ``spi``, or answers the peer's deletion of some.

    ``again``: another one is to be made, however its end comes.
    """

    name = "CHILD_DELETE"
    opens: ClassVar[Exchange | None] = Exchange.INFORMATIONAL

    def __init__(self, sa: Association, spi: bytes = b"", ticket: int = 0, *, again: bool = False) -> None:
        super().__init__(sa, ticket)
        self.spi = spi
        child = sa.child_by_spi(spi, outbound=False) if again else None
        if child is not None:
            child.again = True
        self._answer: list[ChildSa] = []

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        if message.exchange != Exchange.INFORMATIONAL:
            return False
        return any(one.protocol != Protocol.IKE for one in message.all(Delete))

    # As initiator

    def ready(self) -> bool:
        """Not while the peer rekeys the IKE_SA: the answer could come after the CHILD_SA has moved."""
        return self.sa.state is IkeState.ESTABLISHED

    def build_request(self, draft: Draft) -> Step:
        child = self.sa.child_by_spi(self.spi, outbound=False)
        if child is not None:
            if child.state is not ChildState.DELETING and child.agreed is not None:
                log_closing(self.sa, child)
                self.sa.move_child(child, ChildState.DELETING)
            kind = child.protocol.name
            self.sa.log(Group.IKE, f"sending DELETE for {kind} CHILD_SA with SPI {child.spi_in:08x}")
        draft.add(Delete(child.ike_protocol if child is not None else Protocol.ESP, (self.spi,)))
        return MORE

    def process_response(self, message: Message) -> Step:
        child = self.sa.child_by_spi(self.spi, outbound=False)
        if child is not None:
            self._close(child)
        self.sa.finish(self.ticket, True)
        self.ticket = 0
        return DONE

    def _close(self, child: ChildSa) -> None:
        """What replaces it must be sent through now, before the policies of this one go."""
        sa = self.sa
        replaced, successor = child.replaced_by != 0, sa.children.get(child.replaced_by)
        if successor is not None:
            promote(sa, successor)
        before = [one for one in sa.children.values() if one.replaced_by == child.unique_id]
        sa.drop_child(child, rekeyed=replaced, linger=replaced)
        if child.unwanted and not replaced:
            self._delete_too(before)
        sa.log(Group.IKE, "CHILD_SA closed")
        if child.again:
            sa.close_child(child, Cause.EXPIRED)

    def _delete_too(self, before: list[ChildSa]) -> None:
        """What an order deletes took the place of these, which the peer may go on with."""
        for old in before:
            old.unwanted = True
            self.sa.wanted.append(ChildDelete(self.sa, old.spi_octets))

    # As responder

    def process_request(self, message: Message) -> Step:
        for payload in message.all(Delete):
            if payload.protocol in (Protocol.ESP, Protocol.AH):
                for spi in payload.spis[: self.sa.ports.settings.max_children]:
                    self._delete_by_peer(Protocol(payload.protocol), spi)
        return MORE

    def _delete_by_peer(self, protocol: Protocol, spi: bytes) -> None:
        """What we are deleting ourselves is not named in the answer (RFC 7296, 1.4.1)."""
        sa = self.sa
        child = sa.child_by_spi(spi, outbound=True, protocol=protocol)
        if child is None:
            sa.log(Group.IKE, f"received DELETE for unknown {protocol.name} CHILD_SA with SPI {spi.hex()}")
            making = any(one.state is ChildState.CREATED for one in sa.children.values())
            if making and len(sa.early_deletes) < MAX_EARLY:
                sa.early_deletes.add(spi)
            return
        sa.log(Group.IKE, f"received DELETE for {protocol.name} CHILD_SA with SPI {spi.hex()}")
        settled = self._settle_rekeying(child)
        mutual, rekeyed = child.state is ChildState.DELETING, child.replaced_by != 0
        if not mutual:
            log_closing(sa, child)
            self._answer.append(child)
        self._close(child)
        if not mutual and not rekeyed and not settled:
            sa.close_child(child, Cause.CLOSED)

    def _settle_rekeying(self, child: ChildSa) -> bool:
        """What the deletion says of rekeyings; whether they decide what comes next, not ``closeaction``.

        Either the old CHILD_SA goes because the peer has made its own replacement, or because it wants none;
        then our request may have been too late, or may not. Or the peer takes its own replacement back.
        """
        sa = self.sa
        for crossing in sa.crossings.values():
            if crossing.theirs is not None and crossing.theirs.child is child:
                crossing.theirs = None
                return True
        mine = sa.crossings.get(child.unique_id)
        if mine is None:
            return False
        if mine.theirs is not None and mine.theirs.complete and mine.theirs.child is not None:
            child.replaced_by = mine.theirs.child.unique_id
        elif mine.ours is not None:
            mine.ours.old_deleted = True
            return True
        return False

    def build_response(self, draft: Draft) -> Step:
        for protocol in (Protocol.ESP, Protocol.AH):
            spis = tuple(child.spi_octets for child in self._answer if child.ike_protocol is protocol)
            for spi in spis:
                self.sa.log(Group.IKE, f"sending DELETE for {protocol.name} CHILD_SA with SPI {spi.hex()}")
            if spis:
                draft.add(Delete(protocol, spis))
        return DONE

    def failed(self, reason: str) -> None:
        """Whatever happened, the IKE_SA is over and the CHILD_SA with it: that is what was wanted."""
        self.sa.finish(self.ticket, True, reason)
        self.ticket = 0


def log_closing(sa: Association, child: ChildSa) -> None:
    """``closing CHILD_SA net-net{1} with SPIs c1_i (84 bytes) c2_o (84 bytes) and TS …``."""
    into, out = _octets(sa, child.inbound), _octets(sa, child.outbound)
    sa.log(
        Group.IKE,
        f"closing CHILD_SA {child} with SPIs {child.spi_in:08x}_i ({into} bytes) "
        f"{child.outbound.spi:08x}_o ({out} bytes) and TS {child.selectors_text}",
    )


def _octets(sa: Association, id: SaId) -> int:
    try:
        return sa.ports.kernel.query_sa(id).bytes
    except LocalError:
        return 0
