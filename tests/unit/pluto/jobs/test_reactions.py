"""``uniqueids`` and successors: what becomes of other ISAKMP SAs with the same peer."""

from dataclasses import replace
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

    def snapshots(self) -> list[Picture]:
        return [
            picture(1, HOME), picture(2, ABROAD), picture(3, HOME, name="other"),
            picture(4, HOME, peer="somebody"), picture(9, HOME),
        ]  # fmt: skip

    def by_identities(self, ids: tuple[str, str]) -> list[int]:
        return [one.number for one in self.snapshots() if (one.local_id, one.remote_id) == ids]

    def snapshot(self, number: int) -> Picture | None:
        return next((one for one in self.snapshots() if one.number == number), None)

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


def test_users_of_one_group_are_not_one_peer() -> None:
    class Users(Crossing):
        """The other one is another user."""

        def snapshots(self) -> list[Picture]:
            return [replace(self.theirs, xauth_user="carol"), replace(self.ours, xauth_user="dave")]

    assert crossed(Users(b"a" * 8, b"b" * 8)) == {}


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


class Crossing(Place):
    """We renewed 1 and made 9, the peer renewed it too and made 8, which was established just before."""

    def __init__(self, ours: bytes, theirs: bytes, apart_s: float = 0.5) -> None:
        super().__init__()
        self.ours = replace(
            picture(9, HOME), initiator=True, replaces=1, cookies=(ours, bytes(8)), established_at=10.0
        )
        self.theirs = replace(
            picture(8, HOME), cookies=(theirs, bytes(8)), established_at=10.0 - apart_s
        )

    def snapshots(self) -> list[Picture]:
        return [replace(picture(1, HOME), life="REKEYED"), self.theirs, self.ours]


def crossed(place: Crossing) -> Any:
    auth = AuthConfig(AuthClass.PSK)
    config = PeerConfig("net", IkeConfig(), auth, auth)
    ids = Identity.parse("moon"), Identity.parse("sun")
    reactions = Reactions(place, None, Quiet())  # type: ignore[arg-type]
    reactions(IkeEstablished(9, config, LOCAL, HOME, *ids, initiator=True, replaces=1))
    return {number: order for number, order in place.orders.items() if number != 1}


def test_of_renewals_that_crossed_both_sides_keep_the_one_of_greater_cookies() -> None:
    assert crossed(Crossing(b"a" * 8, b"b" * 8)) == {9: HandOver(8)}
    assert crossed(Crossing(b"b" * 8, b"a" * 8)) == {8: HandOver(9)}


def test_a_renewal_that_comes_later_has_not_crossed() -> None:
    assert crossed(Crossing(b"a" * 8, b"b" * 8, apart_s=60)) == {8: HandOver(9)}
