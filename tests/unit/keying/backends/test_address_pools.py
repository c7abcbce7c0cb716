"""Pools in memory, and those that connections name."""

from ipaddress import ip_address

from cygnet.base.identities import Identity
from cygnet.keying.backends.address_pools import MemoryPools, StrokePools
from cygnet.keying.backends.pool_texts import PoolSpec, pools
from cygnet.keying.config.pools import Applicant

ANY, HOST = ip_address("0.0.0.0"), ip_address("192.0.2.1")


def specs(text: str) -> list[PoolSpec]:
    return [spec for _, spec in pools(text, "rightsourceip") if spec is not None]


def who(ike_id: int, name: str = "alice") -> Applicant:
    return Applicant(ike_id, Identity.parse(name), HOST)


def test_leases_are_held_by_ike_sas() -> None:
    store = MemoryPools(specs("10.3.0.0/24"))
    store.acquire("10.3.0.0/24", who(1), ANY)
    store.move(1, 2)
    store.release(1)
    assert [lease.online for lease in store.leases("10.3.0.0/24")] == [True]
    store.release(2)
    assert [lease.online for lease in store.leases("10.3.0.0/24")] == [False]


def test_pool_that_there_is_not_gives_nothing() -> None:
    store = MemoryPools()
    assert store.acquire("rw", who(1), ANY) is None and list(store.leases("rw")) == []


def test_connections_with_the_same_words_share_a_pool() -> None:
    store = StrokePools()
    for name in ("a", "b"):
        store.load(name, specs("10.3.0.0/24"))
    store.acquire("10.3.0.0/24", who(1), ANY)
    store.unload("a")
    store.release(1)
    assert [(pool.name, pool.offline) for pool in store.pools()] == [("10.3.0.0/24", 1)]
    store.unload("b")
    assert store.pools() == []


def test_pool_in_use_outlives_its_connection() -> None:
    store = StrokePools()
    store.load("a", specs("10.3.0.0/24"))
    store.acquire("10.3.0.0/24", who(1), ANY)
    store.unload("a")
    assert [pool.online for pool in store.pools()] == [1]
    store.load("a", specs("10.3.0.0/24"))
    assert [pool.online for pool in store.pools()] == [1]
    store.unload("a")
    store.release(1)
    assert store.pools() == []


def test_name_of_a_connection_stands_for_its_pools() -> None:
    store = StrokePools()
    store.load("rw", specs("10.3.0.1,10.4.0.1"))
    got = [str(store.acquire("rw", who(n, f"p{n}"), ANY)) for n in (1, 2, 3)]
    assert got == ["10.3.0.1", "10.4.0.1", "None"]
