"""Rekeying CHILD_SAs (RFC 7296, 1.3.3, 2.8, 2.8.1, 2.25.1; RFC 9370, 2.2.4)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding import notify as notifies
from cygnet.charon.encoding.errors import (
    ChildSaNotFoundError,
    NoAdditionalSasError,
    TemporaryFailureError,
)
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.encoding.payloads import Notify
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.errors import RefusedError
from cygnet.charon.sa.rekey_scope import selectors_now, warn_if_narrower, with_current_scope
from cygnet.charon.sa.rekeying import Crossing
from cygnet.charon.sa.states import IkeState
from cygnet.charon.sa.succession import sender, stand_by
from cygnet.charon.sa.tasks.child_create import ChildCreate, is_ike_offer
from cygnet.charon.sa.tasks.child_delete import ChildDelete
from cygnet.charon.sa.tasks.task import DONE, Draft, Step
from cygnet.crypto.proposals import Protocol
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.child_sa import ChildSa
from cygnet.keying.sa.child_states import ChildState
from cygnet.keying.sa.endings import Cause
from cygnet.keying.sa.matching import Selectors


class ChildRekey(ChildCreate):
    """Makes a CHILD_SA that takes the place of ``old``; then its requester deletes the old one.

    When both sides rekey at once (``Crossing``), both new CHILD_SAs are made. Who requested the one with
    the lowest nonce deletes it, or stops before its further key exchanges; who requested the other deletes
    the old one. Until that side that answered sends through the old one (RFC 7296, 2.8).
    """

    name = "CHILD_REKEY"
    rides: ClassVar[frozenset[Exchange]] = frozenset()
    sends_at_once = False

    def __init__(self, sa: Association, old: ChildSa | None = None, ticket: int = 0) -> None:
        super().__init__(sa, old.config if old else None, ticket=ticket)
        self.old = old
        self.after_move = False  # the selectors shall have the addresses that the hosts have now
        self.old_deleted = False  # by the peer, while our request was on its way
        self._crossing: Crossing[ChildRekey] = Crossing()

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        return (
            message.exchange == Exchange.CREATE_CHILD_SA
            and message.notify(NotifyType.REKEY_SA) is not None
            and not is_ike_offer(message)
        )

    # As initiator

    def build_request(self, draft: Draft) -> Step:
        if self.following:
            return super().build_request(draft)
        sa, old = self.sa, self.old
        if old is None or old.state is not ChildState.INSTALLED:
            return self._not_needed()
        sa.move_child(old, ChildState.REKEYING)
        self._crossing = sa.crossings[old.unique_id] = Crossing(ours=self)
        self._inherit(old)
        draft.notify(NotifyType.REKEY_SA, protocol=old.ike_protocol, spi=old.spi_octets)
        return super().build_request(draft)

    def ready(self) -> bool:
        """Not while it is open whether the peer knows yet that ``old`` exists, which it made by rekeying."""
        old = self.old
        unsure = old is not None and old.state is ChildState.INSTALLED and not old.sends
        return super().ready() and not unsure

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

    def _own_selectors(self, config: ChildConfig) -> tuple[Selectors, Selectors]:
        """What the old one carries: a rekeying does not narrow it (RFC 7296, 2.9.2)."""
        old = self.old
        if old is not None and self.after_move:
            return selectors_now(self.sa, old)
        agreed = old.agreed if old else None
        return (agreed.local_ts, agreed.remote_ts) if agreed else super()._own_selectors(config)

    def follow(self, message: Message) -> Step:
        """With CREATE_CHILD_SA done, all nonces are known: go on with further key exchanges, or give way."""
        if self.exchanges.next and not self.following:
            if self._crossing.lost:
                return self._give_way("CHILD_SA rekey collision lost, stopping before further key exchanges")
            self._won()
        return super().follow(message)

    def _conclude_ours(self) -> None:
        new, lost = self.child, self._crossing.lost
        super().conclude()
        if new is None or self.old is None:
            return
        warn_if_narrower(self.sa, self.old, new.agreed)
        if lost:
            new.replaced_by = self.old.unique_id
            self._give_way(f"CHILD_SA rekey collision lost, deleting redundant child {new}")
            self.sa.wanted.append(ChildDelete(self.sa, new.spi_octets))
        else:
            self._won()
            self._crossing.ours = None
            self._replace(new)

    def _give_way(self, text: str) -> Step:
        """The peer's rekeying takes the old one's place, now or once its key exchanges are done."""
        sa, crossing, theirs = self.sa, self._crossing, self._crossing.theirs
        sa.log(Group.IKE, text)
        if not self.complete:
            self.restart()
        crossing.ours = None
        if theirs is not None and theirs.complete:
            theirs.take_over()
        else:
            crossing.wanted = True
        sa.finish(self.ticket, True)
        self.ticket = 0
        return DONE

    def _won(self) -> None:
        """What the peer makes, or was about to make, is redundant; the peer deletes it or stops."""
        theirs, new = self._crossing.theirs, self.child
        if theirs is None or new is None:
            return
        self._crossing.theirs = None
        self.sa.log(Group.IKE, f"CHILD_SA rekey collision won, replacing {self.old} by {new}")
        if theirs.child is not None and theirs.complete:
            theirs.child.replaced_by = new.unique_id
        else:
            theirs.give_up("rekey collision won by our rekeying")

    def _replace(self, new: ChildSa) -> None:
        old = self.old
        if old is None or old.unique_id not in self.sa.children:
            return
        self.sa.log(Group.IKE, f"CHILD_SA {old} rekeyed, deleting old child")
        old.replaced_by = new.unique_id
        if old.state is ChildState.REKEYING:
            self.sa.move_child(old, ChildState.REKEYED)
        self.sa.wanted.append(ChildDelete(self.sa, old.spi_octets))

    def refused(self, notify: Notify) -> Step:
        """An error; that the peer rekeyed or lost the CHILD_SA explains some (RFC 7296, 2.25.1)."""
        sa, old, name = self.sa, self.old, notifies.name(notify.type)
        if old is None:
            return super().refused(notify)
        if self._crossing.theirs is not None:
            return self._give_way(f"received {name} notify, the peer's own rekeying goes on")
        if self.old_deleted:
            sa.log(Group.IKE, f"received {name} notify, the peer deleted CHILD_SA {old} meanwhile")
            self.failed(f"received {name} notify, the peer deleted CHILD_SA {old}")
            return DONE
        if notify.type != NotifyType.CHILD_SA_NOT_FOUND:
            return super().refused(notify)
        sa.log(Group.IKE, f"received {name} notify, the peer has lost the CHILD_SA")
        self.failed(f"received {name} notify")
        if old.unique_id in sa.children:
            sa.drop_child(old)
            sa.close_child(old, Cause.LOST)
        return DONE

    def restart(self) -> None:
        super().restart()
        self._release()

    def _release(self) -> None:
        """As long as we do not ask again, the old one is not being rekeyed by us."""
        old, crossing = self.old, self._crossing
        if crossing.ours is self:
            crossing.ours = None
        alive = old is not None and old.unique_id in self.sa.children
        if old is not None and alive and crossing.theirs is None and old.state is ChildState.REKEYING:
            self.sa.move_child(old, ChildState.INSTALLED)

    # As responder

    def process_request(self, message: Message) -> Step:
        sa = self.sa
        notify = message.notify(NotifyType.REKEY_SA)
        spi = notify.spi if notify else b""
        protocol = notify.protocol if notify else Protocol.ESP
        old = sa.child_by_spi(spi, outbound=True, protocol=protocol)
        if old is None or old.agreed is None:
            if any(child.state is ChildState.CREATED for child in sa.children.values()):
                raise TemporaryFailureError(f"no CHILD_SA with SPI {spi.hex()} yet, one is being made")
            raise ChildSaNotFoundError(f"no CHILD_SA with SPI {spi.hex()}", protocol, spi)
        self._check_state(old)
        self.old = old
        self._inherit(old)
        step = super().process_request(message)
        self.config = old.config
        warn_if_narrower(sa, old, self._agreed)
        return step

    def _check_state(self, old: ChildSa) -> None:
        """Whether the peer may rekey it now (RFC 7296, 2.25.1; RFC 9370, 2.2.4)."""
        crossing = self.sa.crossings.get(old.unique_id)
        if old.state not in (ChildState.INSTALLED, ChildState.REKEYING):
            raise TemporaryFailureError(f"CHILD_SA {old} is in state {old.state}")
        if crossing is None or old.state is ChildState.INSTALLED:
            return
        if crossing.theirs is not None:
            raise TemporaryFailureError(f"the peer is rekeying CHILD_SA {old} already")
        if crossing.ours is not None and crossing.ours.following:
            raise TemporaryFailureError(f"our rekeying of CHILD_SA {old} is exchanging further keys")

    def _check_limits(self) -> None:
        """A rekeying may go beyond the number of CHILD_SAs by as many again, for it soon deletes one."""
        sa = self.sa
        if len(sa.children) >= 2 * sa.ports.settings.max_children:
            raise NoAdditionalSasError(f"{len(sa.children)} CHILD_SAs are too many even for a rekeying")
        self.check_room()

    def _configs(self, message: Message) -> tuple[ChildConfig, ...]:
        return (with_current_scope(self.old),) if self.old else ()

    def build_response(self, draft: Draft) -> Step:
        sa, old = self.sa, self.old
        if old is None:
            return DONE
        crossing = sa.crossings.get(old.unique_id)
        if crossing is None or crossing.ours is None:
            crossing = sa.crossings[old.unique_id] = Crossing()
        self._crossing, crossing.theirs = crossing, self
        if old.state is ChildState.INSTALLED:
            sa.move_child(old, ChildState.REKEYING)
        return super().build_response(draft)

    def resume(self, message: Message) -> None:
        """What the peer rekeys must still be there, and not on its way out (RFC 7296, 2.25.1)."""
        old = self.old
        if old is None or old.unique_id not in self.sa.children:
            raise ChildSaNotFoundError("the CHILD_SA that was being rekeyed is gone", Protocol.ESP)
        if old.state is not ChildState.REKEYING:
            raise TemporaryFailureError(f"CHILD_SA {old} is in state {old.state}")
        super().resume(message)

    def _conclude_theirs(self) -> None:
        super().conclude()
        if self._crossing.ours is None:
            self.take_over()

    def take_over(self) -> None:
        """The peer's new CHILD_SA replaces the old one, which the peer deletes next."""
        sa, old, new = self.sa, self.old, self.child
        if old is None or new is None or old.unique_id not in sa.children:
            return
        old.replaced_by = new.unique_id
        if old.state is ChildState.REKEYING:
            sa.move_child(old, ChildState.REKEYED)

    # Both

    def conclude(self) -> None:
        if self.initiating:
            self._conclude_ours()
        else:
            self._conclude_theirs()

    def _deleted_early(self, child: ChildSa) -> None:
        """The old one goes on."""
        raise RefusedError(f"the peer has deleted {child} again, which was to replace {self.old}")

    def _up(self, child: ChildSa) -> None:
        """Who requested sends through the new one at once, unless it is redundant; who answered not yet."""
        old = self.old
        child.renewal = True
        if not self.initiating:
            stand_by(self.sa, child, sender(old) if old else 0)
        elif not self._crossing.lost:
            child.install_outbound(self.sa.ports.kernel)
        self.sa.child_up(child, old.unique_id if old else 0)
        if old is not None and old.unwanted:
            child.unwanted = True
            self.sa.wanted.append(ChildDelete(self.sa, child.spi_octets))

    def failed(self, reason: str) -> None:
        super().failed(reason)
        if self.initiating:
            self._failed_ours()
        else:
            self._failed_theirs()

    def _failed_ours(self) -> None:
        sa, old, theirs = self.sa, self.old, self._crossing.theirs
        self._release()
        if theirs is not None and theirs.complete:
            theirs.take_over()
        elif self.old_deleted and old is not None and sa.state is IkeState.ESTABLISHED:
            sa.close_child(old, Cause.CLOSED)

    def _failed_theirs(self) -> None:
        """The old one is not being rekeyed any more; by us next, if we gave way for nothing."""
        sa, old, crossing = self.sa, self.old, self._crossing
        if crossing.theirs is not self:
            return
        crossing.theirs = None
        if old is None or crossing.ours is not None or old.unique_id not in sa.children:
            return
        if old.state is ChildState.REKEYING:
            sa.move_child(old, ChildState.INSTALLED)
        if crossing.wanted and sa.state is IkeState.ESTABLISHED:
            sa.wanted.append(ChildRekey(sa, old))
