"""Telling a peer of addresses: which to use from now on, which there are (RFC 4555, 3.5, 3.6)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa import address_lists, moving, nat_hashes, nat_prohibition, paths
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.events import OrderPassedOn
from cygnet.charon.sa.orders import TellAddresses
from cygnet.charon.sa.tasks.path_probe import look_for_path
from cygnet.charon.sa.tasks.routability import add_cookie, check_cookie
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task

MAX_RETRIES = 5
"""How often a NAT that nobody wants must have been seen before its path is given up (3.9)."""


class AddressUpdate(Task):
    """``update``: the peer shall use the addresses of this message. The list goes along where it is news.

    ``list_anyway``: it goes even if it is none, since the peer has to see where it comes from now.

    The CHILD_SAs move with the answer, which proves that the peer is where it was asked (3.7): those of a
    responder too, for it only looks for a path where the old one cannot be used (3.5).
    """

    name = "IKE_MOBIKE_UPDATE"
    opens: ClassVar[Exchange | None] = Exchange.INFORMATIONAL

    def __init__(
        self, sa: Association, *, update: bool = False, list_anyway: bool = False, retries: int = 0
    ) -> None:
        super().__init__(sa)
        self._update = update
        self._list_anyway = list_anyway
        self._retries = retries
        self._changes = 0
        self._cookie = b""

    def ready(self) -> bool:
        return self.sa.is_mobile

    def build_request(self, draft: Draft) -> Step:
        sa = self.sa
        if sa.mobility.probing:
            return DONE  # where the search ends another one follows
        if self._update:
            draft.notify(NotifyType.UPDATE_SA_ADDRESSES)
            if sa.nat.supported:
                nat_hashes.add(draft, sa, (sa.local, sa.remote), sa.spi_r, forced=sa.nat.forced)
        if self._update or (self._list_anyway and sa.mobility.verified is not None):
            self._cookie = add_cookie(draft, sa)
        if self._list_anyway or address_lists.is_news(sa):
            address_lists.tell(draft, sa)
        if not draft.payloads:
            return DONE
        nat_prohibition.add(draft, sa)
        self._changes = sa.mobility.changes
        text = "requesting address change" if self._update else "sending address list update"
        sa.log(Group.IKE, f"{text} using MOBIKE")
        return MORE

    def process_response(self, message: Message) -> Step:
        sa = self.sa
        if self._cookie:
            check_cookie(message, self._cookie)
        if self._changes != sa.mobility.changes or sa.mobility.probing or not sa.is_mobile:
            return DONE
        if message.notify(NotifyType.UNEXPECTED_NAT_DETECTED) is not None:
            return self._nat_in_between()
        if message.notify(NotifyType.UNACCEPTABLE_ADDRESSES) is not None:
            return self._refused("received UNACCEPTABLE_ADDRESSES notify error")
        if self._cookie:
            self._settle(message)
        return DONE

    def _settle(self, message: Message) -> None:
        sa = self.sa
        seen = nat_hashes.read(message) if sa.nat.supported else None
        if seen is not None:
            sa.mobility.mapping = seen.destinations[0]
            found = nat_hashes.compare(sa, seen, (sa.local, sa.remote), sa.spi_r)
            nat_hashes.apply(sa, found, forced=sa.nat.forced)
        moving.settle(sa)
        if sa.replaced_by and self._update:
            sa.announce(OrderPassedOn(sa.replaced_by, TellAddresses()))

    def _nat_in_between(self) -> Step:
        sa = self.sa
        if self._retries >= MAX_RETRIES:
            return self._refused("there is a NAT on the path, and none is allowed")
        sa.log(Group.IKE, "received UNEXPECTED_NAT_DETECTED notify error, trying again")
        again = AddressUpdate(sa, update=self._update, list_anyway=True, retries=self._retries + 1)
        sa.wanted.append(again)
        return DONE

    def _refused(self, reason: str) -> Step:
        """This path cannot be used: another one, or, where there is none, things stay as they are."""
        sa = self.sa
        sa.log(Group.IKE, f"{reason} for {sa.local.with_brackets()} - {sa.remote.with_brackets()}")
        if not self._update:
            return DONE
        sa.mobility.refused.add((sa.local, sa.remote))
        if paths.has_choice(sa):
            look_for_path(sa)
        elif sa.mobility.verified is not None:
            moving.go_back(sa)
        return DONE
