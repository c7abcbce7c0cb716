"""Deleting CHILD_SAs (RFC 7296, 1.4.1, 2.25.1)."""

from typing import ClassVar

from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.charon.config.records import Action
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.payloads import Delete
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.child_sa import ChildSa
from cygnet.charon.sa.events import ChildClosed
from cygnet.charon.sa.states import ChildState
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.crypto.proposals import Protocol
from cygnet.kernel.port import SaId


class ChildDelete(Task):
    """Deletes the CHILD_SA with our inbound SPI ``spi``, or answers the peer's deletion of some."""

    name = "CHILD_DELETE"
    opens: ClassVar[Exchange | None] = Exchange.INFORMATIONAL

    def __init__(self, sa: Association, spi: bytes = b"", ticket: int = 0, *, again: bool = False) -> None:
        super().__init__(sa, ticket)
        self.spi = spi
        self._again = again
        self._answer: list[ChildSa] = []

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        if message.exchange != Exchange.INFORMATIONAL:
            return False
        return any(one.protocol != Protocol.IKE for one in message.all(Delete))

    # As initiator

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
            if self._again:
                reopen(self.sa, child, "expired")
        self.sa.finish(self.ticket, True)
        self.ticket = 0
        return DONE

    def _close(self, child: ChildSa) -> None:
        sa = self.sa
        sa.drop_child(child, rekeyed=child.replaced_by != 0)
        sa.log(Group.IKE, "CHILD_SA closed")

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
            return
        sa.log(Group.IKE, f"received DELETE for {protocol.name} CHILD_SA with SPI {spi.hex()}")
        if child.unique_id in sa.collisions:
            child.replaced_by = sa.collisions[child.unique_id][0].unique_id
        mutual, rekeyed = child.state is ChildState.DELETING, child.replaced_by != 0
        if not mutual:
            log_closing(sa, child)
            self._answer.append(child)
        successor = sa.children.get(child.replaced_by)
        if successor is not None:
            successor.install_outbound(sa.ports.kernel)
        self._close(child)
        if not mutual and not rekeyed:
            close_action(sa, child)

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


def close_action(sa: Association, child: ChildSa) -> None:
    """``closeaction``, once the peer has closed a CHILD_SA."""
    config = child.config
    if config.close_action is Action.START:
        reopen(sa, child, "closeaction=start")
    elif config.close_action is Action.TRAP:
        sa.announce(ChildClosed(config, Action.TRAP, "closed by the peer", sa.config))


def reopen(sa: Association, child: ChildSa, reason: str) -> None:
    """Negotiate the same again within this IKE_SA."""
    sa.announce(ChildClosed(child.config, Action.START, reason, sa.config))
    reqid = 0 if child.counted else child.reqid
    sa.create_child(child.config, reqid)


def _octets(sa: Association, id: SaId) -> int:
    try:
        return sa.ports.kernel.query_sa(id).bytes
    except LocalError:
        return 0
