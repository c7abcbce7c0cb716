"""Pools: whose an address is, in which order they are given, what is kept."""

from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from cygnet.base.identities import Identity
from cygnet.keying.config import pools
from cygnet.keying.config.pools import AddressPool, Applicant, Pool

ANY = ip_address("0.0.0.0")
HERE, THERE = ip_address("192.0.2.1"), ip_address("192.0.2.2")


def pool(size: int = 4) -> AddressPool:
    return AddressPool("rw", ip_address("10.3.0.1"), size)


def who(name: str, ike_id: int, host=HERE, single: bool = True) -> Applicant:
    return Applicant(ike_id, Identity.parse(name), host, single)


def test_peers_get_one_address_after_the_other() -> None:
    rw = pool()
    given_out = [str(rw.acquire(who(f"p{number}", number), ANY)) for number in range(4)]
    assert given_out == ["10.3.0.1", "10.3.0.2", "10.3.0.3", "10.3.0.4"]
    assert rw.acquire(who("late", 9), ANY) is None
    assert rw.describe() == Pool("rw", 4, 4, 0)


def test_peer_gets_what_it_had_however_many_came_meanwhile() -> None:
    rw = pool()
    mine = rw.acquire(who("alice", 1), ANY)
    rw.release(mine, 1)
    rw.acquire(who("bob", 2), ANY)
    assert rw.acquire(who("alice", 3), ANY) == mine
    assert rw.describe() == Pool("rw", 4, 2, 0)


def test_address_of_who_is_gone_longest_is_given_to_others_last() -> None:
    rw = pool(2)
    first, second = rw.acquire(who("a", 1), ANY), rw.acquire(who("b", 2), ANY)
    rw.release(second, 2)
    rw.release(first, 1)
    assert rw.acquire(who("c", 3), ANY) == second
    assert [str(lease.identity) for lease in rw.leases()] == ["a", "c"]


def test_second_ike_sa_of_a_single_identity_takes_over_the_address() -> None:
    rw = pool()
    mine = rw.acquire(who("alice", 1), ANY)
    assert rw.acquire(who("alice", 2, THERE), ANY) == mine
    rw.release(mine, 1)
    assert [lease.online for lease in rw.leases()] == [True]
    rw.release(mine, 2)
    assert rw.describe() == Pool("rw", 4, 0, 1)


def test_hosts_of_one_identity_have_an_address_each_where_there_may_be_several() -> None:
    rw = pool()
    mine = rw.acquire(who("alice", 1, HERE, single=False), ANY)
    assert rw.acquire(who("alice", 2, THERE, single=False), ANY) != mine
    assert rw.acquire(who("alice", 3, THERE, single=False), mine) != mine
    assert rw.acquire(who("alice", 4, HERE, single=False), mine) == mine


def test_address_of_another_is_not_had_by_asking() -> None:
    rw = pool()
    mine = rw.acquire(who("alice", 1), ANY)
    rw.release(mine, 1)
    assert rw.acquire(who("mallory", 2), mine) != mine


def test_asking_for_an_address_outside_gets_one_inside() -> None:
    assert str(pool().acquire(who("alice", 1), ip_address("192.168.1.1"))) == "10.3.0.1"


def test_other_family_is_not_given() -> None:
    assert pool().acquire(who("alice", 1), ip_address("::")) is None


def test_ike_sa_gets_several_addresses() -> None:
    rw = pool()
    assert rw.acquire(who("alice", 1), ANY) != rw.acquire(who("alice", 1), ANY)


def test_echoing_pool_gives_what_is_asked_for_to_one_peer() -> None:
    echo = AddressPool("%config", ANY, 0, echoes=True)
    wish = ip_address("fd00::7")
    assert echo.acquire(who("alice", 1), ANY) is None
    assert echo.acquire(who("alice", 1), wish) == wish
    assert echo.acquire(who("mallory", 2), wish) is None
    echo.release(wish, 1)
    assert echo.acquire(who("mallory", 2), wish) == wish


def test_what_is_kept_for_the_gone_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(pools, "MAX_KEPT", 2)
    rw = pool(100)
    for number in range(5):
        rw.release(rw.acquire(who(f"p{number}", number), ANY), number)
    assert rw.describe() == Pool("rw", 100, 0, 2)
    assert [str(lease.identity) for lease in rw.leases()] == ["p3", "p4"]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=60))
def test_no_two_identities_ever_hold_one_address(steps) -> None:
    rw, held = pool(3), {}
    for number, leave in steps:
        if leave and number in held:
            rw.release(held.pop(number), number)
        elif not leave and number not in held:
            address = rw.acquire(who(f"p{number}", number), ANY)
            assert (address is None) == (len(held) == 3)
            if address is not None:
                assert address not in held.values()
                held[number] = address
    assert rw.describe().online == len(held)


class Others:
    """What another daemon has claimed, and what this one has."""

    def __init__(self, *claimed: str) -> None:
        self.claimed = set(map(ip_address, claimed))
        self.ours: set = set()

    def take(self, address) -> bool:
        if address in self.claimed:
            return False
        self.ours.add(address)
        return True

    def drop(self, address) -> None:
        self.ours.remove(address)


def shared(others: Others, size: int = 4) -> AddressPool:
    return AddressPool("rw", ip_address("10.3.0.1"), size, claims=others)


def test_what_another_daemon_claims_is_passed_over_until_it_is_free() -> None:
    others = Others("10.3.0.1", "10.3.0.3")
    rw = shared(others)
    wish = ip_address("10.3.0.3")
    assert [str(rw.acquire(who(f"p{one}", one), wish)) for one in (1, 2)] == ["10.3.0.2", "10.3.0.4"]
    assert rw.acquire(who("p3", 3), wish) is None
    others.claimed.clear()
    assert rw.acquire(who("p3", 3), ANY) == ip_address("10.3.0.1")
    assert rw.acquire(who("p4", 4), ANY) == wish


def test_address_of_who_is_gone_is_claimed_no_more_and_may_be_lost() -> None:
    others = Others()
    rw = shared(others)
    mine = rw.acquire(who("alice", 1), ANY)
    assert rw.acquire(who("alice", 2), ANY) == mine
    rw.release(mine, 1)
    assert others.ours == {mine}
    rw.release(mine, 2)
    assert others.ours == set()
    others.claimed.add(mine)
    assert str(rw.acquire(who("alice", 3), mine)) == "10.3.0.2"
