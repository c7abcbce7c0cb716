"""MOBIKE: both sides say that they can, and what a peer does with it (RFC 4555)."""

from typing import ClassVar

from cygnet.base.groups import Group
from cygnet.charon.encoding.errors import UnacceptableAddressesError, UnexpectedNatDetectedError
from cygnet.charon.encoding.exchanges import Exchange
from cygnet.charon.encoding.message import Message
from cygnet.charon.encoding.notify import NotifyType
from cygnet.charon.sa import address_lists, moving, nat_hashes, nat_prohibition
from cygnet.charon.sa.address_lists import LISTS, is_sensible
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.mobility import Pair
from cygnet.charon.sa.states import LIVE, IkeState
from cygnet.charon.sa.tasks.address_update import AddressUpdate
from cygnet.charon.sa.tasks.path_probe import look_for_path
from cygnet.charon.sa.tasks.routability import RoutabilityCheck
from cygnet.charon.sa.tasks.task import DONE, MORE, Draft, Step, Task
from cygnet.charon.sa.timers import Retry

UPDATE = NotifyType.UPDATE_SA_ADDRESSES
_HASHES = frozenset((NotifyType.NAT_DETECTION_SOURCE_IP, NotifyType.NAT_DETECTION_DESTINATION_IP))
HANDLED = frozenset((UPDATE, NotifyType.NO_NATS_ALLOWED, *_HASHES, *LISTS))


class Mobike(Task):
    """In IKE_AUTH: whether both can, and their addresses. Later: the requests of a peer that moves."""

    name = "IKE_MOBIKE"
    rides: ClassVar[frozenset[Exchange]] = frozenset({Exchange.IKE_AUTH})
    vital = True

    def __init__(self, sa: Association) -> None:
        super().__init__(sa)
        self._said = False
        self._answers_hashes = False

    @classmethod
    def answers(cls, sa: Association, message: Message) -> bool:
        if message.exchange != Exchange.INFORMATIONAL or not sa.peer.mobike or not sa.is_mobile:
            return False
        return any(one.type in HANDLED for one in message.notifies)

    def takes_part(self, exchange: int) -> bool:
        return exchange in (Exchange.IKE_AUTH, Exchange.INFORMATIONAL)

    def restart(self) -> None:
        self._said = False

    # As initiator: in the first message of IKE_AUTH, answered in the last

    def build_request(self, draft: Draft) -> Step:
        if self.sa.peer_config.mobike and not self._said:
            self._said = True
            self._say(draft)
            nat_prohibition.add(draft, self.sa)
        return MORE

    def process_response(self, message: Message) -> Step:
        sa = self.sa
        if self._said:
            self._hear(message)
        return DONE if sa.state is IkeState.ESTABLISHED else MORE

    # As responder

    def process_request(self, message: Message) -> Step:
        if message.exchange == Exchange.IKE_AUTH:
            return self._process_auth(message)
        sa, pair = self.sa, self._arrival
        kinds = {one.type for one in message.notifies}
        if kinds & (LISTS | {UPDATE}) and not nat_prohibition.agrees(message, pair):
            raise UnexpectedNatDetectedError(f"a NAT has changed the addresses of a message to {pair[0]}")
        self._answers_hashes = sa.nat.supported and bool(kinds & _HASHES)
        if UPDATE in kinds:
            self._update(message, pair)
        if address_lists.hear(message, sa) and sa.mobility.leads:
            self._look_for(pair)
        return MORE

    def build_response(self, draft: Draft) -> Step:
        sa = self.sa
        if draft.exchange == Exchange.IKE_AUTH:
            if sa.state is not IkeState.ESTABLISHED:
                return MORE
            if sa.peer.mobike:
                self._say(draft)
        elif self._answers_hashes:
            nat_hashes.add(draft, sa, self._arrival, sa.spi_r, forced=sa.nat.forced)
        return DONE

    @property
    def _arrival(self) -> Pair:
        return self.sa.arrival or (self.sa.local, self.sa.remote)

    def _process_auth(self, message: Message) -> Step:
        sa = self.sa
        if not nat_prohibition.agrees(message, self._arrival):
            raise UnexpectedNatDetectedError("a NAT is between us and a peer that allows none")
        if sa.peer_config.mobike:
            self._hear(message)
        return MORE

    def _update(self, message: Message, pair: Pair) -> None:
        """The IKE_SA goes where the peer is; its CHILD_SAs once the peer has been seen there (3.5, 3.7)."""
        sa, (local, remote) = self.sa, pair
        if sa.mobility.leads:
            raise UnacceptableAddressesError("addresses are for the initiator of the first IKE_SA to choose")
        if not is_sensible(remote.address):
            raise UnacceptableAddressesError(f"{remote} is no address that a peer may have")
        seen = nat_hashes.read(message) if sa.nat.supported else None
        found = nat_hashes.compare(sa, seen, pair, sa.spi_r) if seen else (sa.nat.here, sa.nat.there)
        same = pair == (sa.local, sa.remote) and found == (sa.nat.here, sa.nat.there)
        sa.mobility.end_probing()
        if same and sa.mobility.verified is None:
            return
        moving.go_ahead(sa, local, remote)
        nat_hashes.apply(sa, found, forced=sa.nat.forced)
        sa.mobility.resend = True
        self._check()

    def _check(self) -> None:
        """Only where there may be CHILD_SAs to move."""
        sa = self.sa
        if sa.mobility.checking or sa.state not in LIVE:
            return
        sa.mobility.checking = True
        check = RoutabilityCheck(sa)
        check.not_before = sa.mobility.check_at(sa.now)
        sa.wanted.append(check)
        if check.not_before > sa.now:
            sa.schedule(check.not_before - sa.now, Retry())

    def _look_for(self, pair: Pair) -> None:
        """The peer has other addresses now: perhaps the one in use is gone, which it need not say (3.5).

        If that is there still, and the peer has gone to another one all the same, it is told to come back.
        """
        sa = self.sa
        if sa.remote.address not in sa.mobility.peer_addresses:
            sa.log(Group.IKE, f"peer has left {sa.remote}, looking for another path")
            look_for_path(sa, pair)
        elif pair == (sa.local, sa.remote):
            return
        elif sa.mobility.probing:
            sa.mobility.hint = pair
        else:
            sa.wanted.append(AddressUpdate(sa, update=True))

    def _say(self, draft: Draft) -> None:
        draft.notify(NotifyType.MOBIKE_SUPPORTED)
        address_lists.tell(draft, self.sa)

    def _hear(self, message: Message) -> None:
        sa = self.sa
        if message.notify(NotifyType.MOBIKE_SUPPORTED) is None:
            return
        sa.log(Group.IKE, "peer supports MOBIKE")
        sa.peer.mobike, sa.mobility.leads, sa.mobility.began = True, sa.initiator, sa.remote.address
        address_lists.hear(message, sa)
