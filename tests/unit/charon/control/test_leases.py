"""``leases``, in strongSwan's format."""

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

import pytest

from cygnet.base.identities import Identity
from cygnet.charon.control.leases import LeasesHandler
from cygnet.ctl.stroke import Done, Leases
from cygnet.keying.config.pools import Lease, Pool

ALICE = Lease(ip_address("10.3.0.1"), Identity.parse("alice"), online=True)
BOB = Lease(ip_address("10.3.0.2"), Identity.parse("bob@lab"), online=False)


class Stores:
    """One pool with two leases, and an empty one; or none at all."""

    def __init__(self, empty: bool = False) -> None:
        self.empty = empty

    def pools(self) -> Sequence[Pool]:
        return [] if self.empty else [Pool("rw", 254, 1, 1), Pool("v6", 16)]

    def leases(self, pool: str) -> Iterable[Lease]:
        return [ALICE, BOB] if pool == "rw" else []


def test_without_pools_there_is_nothing_to_show(reply) -> None:
    assert LeasesHandler(Stores(empty=True))(Leases(), reply) == Done()
    assert reply.lines == ["no pools found"]


def test_every_pool_is_shown_with_its_leases(reply) -> None:
    assert LeasesHandler(Stores())(Leases(), reply) == Done()
    assert reply.lines == [
        "Leases in pool 'rw', usage: 2/254, 1 online",
        "         10.3.0.1   online   'alice'",
        "         10.3.0.2   offline   'bob@lab'",
        "Leases in pool 'v6', usage: 0/16, 0 online",
        "  no matching leases found",
    ]


def test_one_address_is_looked_for_in_one_pool(reply) -> None:
    assert LeasesHandler(Stores())(Leases("rw", "10.3.0.2"), reply) == Done()
    assert reply.lines[1:] == ["         10.3.0.2   offline   'bob@lab'"]


@pytest.mark.parametrize(
    ("request_", "code", "last"),
    [
        (Leases("nosuch"), 1, "pool 'nosuch' not found"),
        (Leases("rw", "10.3.0.9"), 1, "  no matching leases found"),
        (Leases("rw", "x"), 2, "'x' does not appear to be an IPv4 or IPv6 address"),
    ],
)
def test_what_is_not_there_exits_non_zero(request_: Leases, code: int, last: str, reply) -> None:
    assert LeasesHandler(Stores())(request_, reply).exit_code == code
    assert reply.lines[-1] == last
