"""Rekeying CHILD_SAs (RFC 7296, 1.3.3, 2.8, 2.8.1)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.config.records import ChildConfig
from cygnet.charon.encoding.errors import ChildSaNotFoundError, TemporaryFailureError
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Notify
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.child_sa import ChildSa
from cygnet.charon.sa.rekey_scope import warn_if_narrower, with_current_scope
from cygnet.charon.sa.states import ChildState, IkeState
from cygnet.charon.sa.tasks.child_create import ChildCreate, is_ike_offer
from cygnet.charon.sa.tasks.child_delete import ChildDelete, reopen
from cygnet.charon.sa.tasks.task import DONE, Draft, Step
from cygnet.charon.sa.timers import DropRekeyed
from cygnet.crypto.proposals import Protocol


class ChildRekey(ChildCreate):
    """Makes a CHILD_SA that takes the place of ``old``; then its requester deletes the old one.

    When both sides rekey at once, the new CHILD_SA of the exchange with the lowest of the four nonces is
    deleted by who requested it. Until the old one is deleted the side that answered sends through it.
    """

    name = "CHILD_REKEY"
    rides: ClassVar[frozenset[Exchange]] = frozenset()
    sends_at_once = False

    def __init__(self, sa: Association, old: ChildSa | None = None, ticket: int = 0) -> None:
        super().__init__(sa, old.config if old else None, ticket=ticket)
        self.old = old

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        return (
            message.exchange == Exchange.CREATE_CHILD_SA
            and message.notify(NotifyType.REKEY_SA) is not None
            and not is_ike_offer(message)
        )

    # As initiator

    def build_request(self, draft: Draft) -> Step:
        old = self.old
        if old is None or old.state not in (ChildState.INSTALLED, ChildState.REKEYING):
            return self._not_needed()
        if old.state is ChildState.INSTALLED:
            self.sa.move_child(old, ChildState.REKEYING)
        self.sa.collisions.pop(old.unique_id, None)
        self._inherit(old)
        draft.notify(NotifyType.REKEY_SA, protocol=old.ike_protocol, spi=old.spi_octets)
        return super().build_request(draft)

    def _not_needed(self) -> Step:
        """The peer was faster, or the CHILD_SA is gone."""
        self.sa.finish(self.ticket, True)
        self.ticket = 0
        return DONE

    def _inherit(self, old: ChildSa) -> None:
        self.reqid = 0 if old.counted else old.reqid
        self.marks = old.marks

    def _announce_start(self, child: ChildSa) -> None:
        self.sa.log(Group.IKE, f"establishing CHILD_SA {child} reqid {self.old.reqid if self.old else 0}")

    def _own_selectors(
        self, config: ChildConfig
    ) -> tuple[tuple[TrafficSelector, ...], tuple[TrafficSelector, ...]]:
        """What the old one carries: a rekeying does not narrow it (RFC 7296, 2.9.2)."""
        agreed = self.old.agreed if self.old else None
        return (agreed.local_ts, agreed.remote_ts) if agreed else super()._own_selectors(config)

    def process_response(self, message: Message) -> Step:
        step = super().process_response(message)
        old, new = self.old, self.child
        if old is None or self in self.sa.wanted or new is None or not new.carries:
            return step
        warn_if_narrower(self.sa, old, new.agreed)
        theirs = self.sa.collisions.pop(old.unique_id, None)
        if theirs is None:
            self._replace(old, new)
        elif min(self._nonce, self._peer_nonce) < theirs[1]:
            self.sa.log(Group.IKE, f"CHILD_SA rekey collision lost, deleting redundant child {new}")
            new.replaced_by = theirs[0].unique_id
            self._retire_old(old, theirs[0])
            self.sa.wanted.append(ChildDelete(self.sa, new.spi_octets))
        else:
            self.sa.log(Group.IKE, f"CHILD_SA rekey collision won, deleting old child {old}")
            theirs[0].replaced_by = new.unique_id
            self._replace(old, new)
        return DONE

    def _replace(self, old: ChildSa, new: ChildSa) -> None:
        if old.unique_id in self.sa.children:
            self._retire_old(old, new)
            self.sa.wanted.append(ChildDelete(self.sa, old.spi_octets))

    def _retire_old(self, old: ChildSa, new: ChildSa) -> None:
        old.replaced_by = new.unique_id
        if old.state is ChildState.REKEYING:
            self.sa.move_child(old, ChildState.REKEYED)

    def _refused(self, notify: Notify) -> Step:
        """The peer has no such CHILD_SA any more: ours goes too, and a new one is made."""
        sa, old = self.sa, self.old
        if notify.type != NotifyType.CHILD_SA_NOT_FOUND or old is None:
            return super()._refused(notify)
        sa.log(Group.IKE, "received CHILD_SA_NOT_FOUND notify, the peer has lost the CHILD_SA")
        collided = old.unique_id in sa.collisions
        self.failed("received CHILD_SA_NOT_FOUND notify")
        if old.unique_id in sa.children and not collided:
            sa.drop_child(old)
            reopen(sa, old, "unknown to the peer")
        return DONE

    # As responder

    def process_request(self, message: Message) -> Step:
        sa = self.sa
        notify = message.notify(NotifyType.REKEY_SA)
        spi = notify.spi if notify else b""
        protocol = notify.protocol if notify else Protocol.ESP
        old = sa.child_by_spi(spi, outbound=True, protocol=protocol)
        if old is None or old.agreed is None:
            raise ChildSaNotFoundError(f"no CHILD_SA with SPI {spi.hex()}", protocol, spi)
        if old.state not in (ChildState.INSTALLED, ChildState.REKEYING):
            raise TemporaryFailureError(f"CHILD_SA {old} is in state {old.state}")
        self.old = old
        self._inherit(old)
        step = super().process_request(message)
        self.config = old.config
        warn_if_narrower(sa, old, self._agreed)
        return step

    def _configs(self, message: Message) -> tuple[ChildConfig, ...]:
        return (with_current_scope(self.old),) if self.old else ()

    def build_response(self, draft: Draft) -> Step:
        step = super().build_response(draft)
        sa, old, new = self.sa, self.old, self.child
        if old is None or new is None:
            return step
        if old.state is ChildState.REKEYING:
            sa.collisions[old.unique_id] = new, min(self._nonce, self._peer_nonce)
        else:
            old.replaced_by = new.unique_id
            sa.move_child(old, ChildState.REKEYED)
        sa.schedule(max(sa.ports.settings.delete_rekeyed_delay_s, 1.0), DropRekeyed(new.unique_id))
        return step

    # Both

    def _up(self, child: ChildSa) -> None:
        """Who answered keeps sending through the old one until that is deleted, or for some seconds."""
        if self.initiating:
            child.install_outbound(self.sa.ports.kernel)
        self.sa.child_up(child, self.old.unique_id if self.old else 0)

    def failed(self, reason: str) -> None:
        old = self.old
        super().failed(reason)
        if old is None or not self.initiating:
            return
        theirs = self.sa.collisions.pop(old.unique_id, None)
        if old.unique_id in self.sa.children and old.state is ChildState.REKEYING:
            if theirs is not None:
                self._retire_old(old, theirs[0])
            elif self.sa.state is not IkeState.DESTROYING:
                self.sa.move_child(old, ChildState.INSTALLED)
