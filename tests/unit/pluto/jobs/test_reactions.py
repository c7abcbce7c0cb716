"""``uniqueids`` and successors: what becomes of other ISAKMP SAs with the same peer."""

from typing import Any

import pytest

from cygnet.base.addresses import Host
from cygnet.base.identities import Identity
from cygnet.keying.config.records import AuthClass, AuthConfig, IkeConfig, Unique
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.jobs.core import Picture
from cygnet.pluto.jobs.reactions import Reactions
from cygnet.pluto.sa.events import IkeEstablished
from cygnet.pluto.sa.orders import HandOver, TerminateIke

LOCAL, HOME, ABROAD = Host.of("192.0.2.1", 500), Host.of("192.0.2.2", 500), Host.of("198.51.100.2", 500)


class Place:
    """Notes orders; SAs 1 to 4 are there."""

    def __init__(self) -> None:
        self.manager = self
        self.orders: dict[int, Any] = {}

        every = [
            picture(1, HOME), picture(2, ABROAD), picture(3, HOME, name="other"),
            picture(4, HOME, peer="somebody"), picture(9, HOME),
        ]  # fmt: skip
        self.snapshot = {one.number: one for one in every}.get

    def by_identities(self, ids: tuple[str, str]) -> list[int]:
        return [n for n in (1, 2, 3, 4, 9) if (self.snapshot(n).local_id, self.snapshot(n).remote_id) == ids]

    def order(self, number: int, order: Any) -> bool:
        self.orders[number] = order
        return True

    def log(self, group: Any, text: str) -> None:
        pass


class Quiet:
    """A reconciler that nothing is told."""

    reestablish = closed = child_up = finished = moved = staticmethod(lambda *facts: None)


def picture(number: int, remote: Host, name: str = "net", peer: str = "sun") -> Picture:
    return Picture(
        number, name, 0, "STATE_MAIN_R3", "", "ESTABLISHED", False, LOCAL, remote, "moon", peer
    )


def established(unique: Unique, **changes: Any) -> dict[int, Any]:
    place = Place()
    auth = AuthConfig(AuthClass.PSK)
    config = PeerConfig("net", IkeConfig(), auth, auth, unique=unique)
    values = {"initiator": False} | changes
    ids = Identity.parse("moon"), Identity.parse("sun")
    reactions = Reactions(place, None, Quiet())  # type: ignore[arg-type]
    reactions(IkeEstablished(9, config, LOCAL, HOME, *ids, **values))
    return place.orders


def test_same_peer_from_the_same_host_hands_over_and_from_elsewhere_ends() -> None:
    orders = established(Unique.REPLACE)
    assert orders[1] == HandOver(9)
    assert isinstance(orders[2], TerminateIke)
    assert set(orders) == {1, 2}


@pytest.mark.parametrize("unique", [Unique.NO, Unique.NEVER])
def test_without_uniqueness_others_stay(unique: Unique) -> None:
    assert established(unique) == {}


def test_renewal_takes_over_whatever_uniqueness_says() -> None:
    assert established(Unique.NO, replaces=1) == {1: HandOver(9)}


def test_initial_contact_ends_all_others_of_the_peer() -> None:
    orders = established(Unique.NO, initial_contact=True)
    assert set(orders) == {1, 2}
    assert all(isinstance(order, TerminateIke) and order.force for order in orders.values())


def test_never_does_not_listen_to_initial_contact() -> None:
    assert established(Unique.NEVER, initial_contact=True) == {}
