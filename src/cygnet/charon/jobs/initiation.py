"""The IKE_SA that a CHILD_SA is to be made in: one that is there, or a new one."""

from collections.abc import Iterator
from dataclasses import replace

from cygnet.base.addresses import Address
from cygnet.charon.jobs.workplace import Workplace
from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.keying.config.records import PeerConfig
from cygnet.keying.hosts import ends
from cygnet.keying.sa.matching import is_same_peer

REUSABLE = ("CREATED", "CONNECTING", "ESTABLISHED", "REKEYING")


class Initiation:
    """Finds and makes IKE_SAs."""

    def __init__(self, place: Workplace) -> None:
        self._place = place

    def open(self, peer: PeerConfig, tries: int = 0, only: Address | None = None) -> int:
        """The number of the IKE_SA; raises ``LocalError`` if there is no address to go to, or too many are.

        ``tries`` counts the attempts made before (``keyingtries``). Names may have to be looked up. With
        ``only`` no IKE_SA but one with the peer at that address will do.
        """
        return self.find(peer, only) or self._create(peer, tries, only)

    def find(self, peer: PeerConfig, only: Address | None = None) -> int | None:
        """One that can take another CHILD_SA (``reuse_ikesa``); not one that is about to be replaced."""
        if not self._place.ports.settings.reuse_ikesa:
            return None
        children = tuple(child.name for child in peer.children)
        return self._usable(peer, (peer.name,), only) or self._usable(peer, children, only)

    def _usable(self, peer: PeerConfig, names: tuple[str, ...], only: Address | None) -> int | None:
        """The best among the IKE_SAs of these names."""
        found = [one for name in names for one in self._living(peer, name)]
        found = [one for one in found if only in (None, one.remote.address)]
        leaving = {one.succeeds for one in found}
        usable = [one for one in found if one.unique_id not in leaving]
        usable.sort(key=lambda one: (one.state not in ("ESTABLISHED", "REKEYING"), one.unique_id))
        return usable[0].unique_id if usable else None

    def _living(self, peer: PeerConfig, name: str) -> Iterator[IkeSnapshot]:
        """An IKE_SA has the name of whichever connection stood for the group when it began."""
        manager = self._place.manager
        for number in manager.by_name(name):
            snapshot = manager.snapshot(number)
            config = snapshot.config if snapshot is not None else None
            if snapshot is None or config is None or snapshot.state not in REUSABLE:
                continue
            if is_same_peer(config, peer):
                yield snapshot

    def _create(self, peer: PeerConfig, tries: int, only: Address | None) -> int:
        place = self._place
        ike = peer.ike
        if only is not None:
            ike = replace(ike, remote=replace(ike.remote, hosts=(str(only),)))
        local, remote = ends(ike, place.names, place.ports.addresses.source)
        number = place.manager.next_unique_id()
        sa = IkeSa.initiator(place.ports, number, peer, local, remote, tries=tries)
        return place.manager.register(sa)
