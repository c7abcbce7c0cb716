"""Lifetimes by time, bytes and packets with margin and fuzz, and inactivity (RFC 7296, 2.4, 2.8)."""

import pytest
from simulation.pair import Pair
from simulation.peer import Peer

from cygnet.charon.sa.orders import Initiate, RekeyChild, RekeyIke
from cygnet.kernel.port import Lifetime, Usage
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.events import ChildDown


def timed(**changes: object) -> Pair:
    """Alice's kernel lets her SAs expire."""
    pair = Pair()
    pair.change_child("alice", **changes)
    pair.alice.kernel.timed = True
    return pair


def carry(pair: Pair, octets: int, packets: int, sender: str = "alice") -> None:
    """Packets from one of the two through the newest CHILD_SA."""
    peer, other = (pair.alice, pair.bob) if sender == "alice" else (pair.bob, pair.alice)
    out, into = pair.children(peer)[-1].outbound, pair.children(other)[-1].inbound
    for kernel, name in ((peer.kernel, out), (other.kernel, into)):
        for _ in range(packets):
            if name in kernel.sas:
                kernel.carry(name, octets // packets)
    pair.network.run()


def limits(peer: Peer) -> set[Lifetime]:
    return {spec.lifetime for spec in peer.kernel.sas.values()}


def test_child_sa_is_rekeyed_a_margin_and_some_fuzz_before_its_end() -> None:
    begun = set()
    for seed in range(30):
        pair = Pair(seed)
        pair.change_child("alice", lifetime=Lifetime(soft_s=3060, hard_s=3600), fuzz_percent=100)
        pair.connect()
        (limit,) = {spec.lifetime for spec in pair.alice.kernel.sas.values() if spec.inbound}
        assert 3600 - 2 * 540 <= limit.soft_s <= 3600 - 540 and limit.hard_s == 3600
        begun.add(limit.soft_s)
    assert len(begun) > 20


def test_rekeyfuzz_is_for_bytes_and_packets_too() -> None:
    soft = set()
    for seed in range(30):
        pair = Pair(seed)
        lifetime = Lifetime(soft_bytes=900, hard_bytes=1000, soft_packets=80, hard_packets=100)
        pair.change_child("alice", lifetime=lifetime, fuzz_percent=200)
        pair.connect()
        (limit,) = limits(pair.alice)
        assert 700 <= limit.soft_bytes <= 900 and 40 <= limit.soft_packets <= 80
        assert (limit.hard_bytes, limit.hard_packets) == (1000, 100)
        soft.add((limit.soft_bytes, limit.soft_packets))
    assert len(soft) > 20


def test_margin_longer_than_the_lifetime_leaves_a_tenth_of_it() -> None:
    pair = Pair()
    pair.change_child("alice", lifetime=Lifetime(soft_s=1, hard_s=100, soft_bytes=1, hard_bytes=500))
    pair.connect()
    (limit,) = {spec.lifetime for spec in pair.alice.kernel.sas.values() if spec.inbound}
    assert (limit.soft_s, limit.soft_bytes) == (10, 50)


def test_time_renews_the_child_sa_over_and_over() -> None:
    pair = timed(lifetime=Lifetime(soft_s=200, hard_s=300), fuzz_percent=50)
    pair.connect(3000)
    assert pair.is_up()
    assert 12 <= len([one for one in pair.alice.of(ChildDown) if one.rekeyed]) <= 20
    assert all(one.rekeyed for one in pair.alice.of(ChildDown))


@pytest.mark.parametrize("sender", ["alice", "bob"])
@pytest.mark.parametrize(
    "lifetime",
    [Lifetime(soft_bytes=900, hard_bytes=2000), Lifetime(soft_packets=9, hard_packets=20)],
)
def test_what_it_carried_renews_the_child_sa(sender: str, lifetime: Lifetime) -> None:
    pair = Pair()
    pair.change_child("alice", lifetime=lifetime, fuzz_percent=0)
    pair.connect()
    old = pair.children(pair.alice)[0].inbound
    carry(pair, 800, 8, sender)
    assert pair.children(pair.alice)[0].inbound == old
    # I -> R  CREATE_CHILD_SA { N(REKEY_SA), SA, Ni, TSi, TSr }
    carry(pair, 100, 1, sender)
    assert pair.is_up() and pair.children(pair.alice)[0].inbound != old


@pytest.mark.parametrize(
    "lifetime", [Lifetime(hard_bytes=900), Lifetime(hard_packets=9), Lifetime(hard_s=60)]
)
def test_hard_limit_ends_the_child_sa_and_makes_another(lifetime: Lifetime) -> None:
    pair = timed(lifetime=lifetime)
    pair.connect()
    old = pair.children(pair.alice)[0].inbound
    if lifetime.hard_s:
        pair.network.run(60)
    else:
        carry(pair, 1000, 10)
    # I -> R  INFORMATIONAL { D }, then CREATE_CHILD_SA { SA, Ni, TSi, TSr }
    assert pair.is_up() and pair.children(pair.alice)[0].inbound != old


def test_connection_that_is_not_rekeyed_ends_at_its_hard_limit() -> None:
    pair = timed(lifetime=Lifetime(soft_s=50, hard_s=60))
    pair.change("alice", rekey=False)
    pair.connect(30)
    assert not any(spec.lifetime.soft_s for spec in pair.alice.kernel.sas.values())


@pytest.mark.parametrize("reauth", [False, True])
def test_ike_sa_is_renewed_within_its_margin(reauth: bool) -> None:
    for seed in range(10):
        pair = Pair(seed)
        pair.change("alice", ike_lifetime_s=1000, margin_s=100, fuzz_percent=200, reauth=reauth)
        old = pair.connect()
        snapshot = old.snapshot(pair.network.now)
        due = snapshot.reauth_at if reauth else snapshot.rekey_at
        assert 700 <= due - snapshot.established_at <= 900
        pair.network.run(due - pair.network.now + 8)
        assert pair.is_up() and pair.alice.sa is not old


def idle(settings: DaemonSettings | None = None) -> Pair:
    pair = Pair(settings=settings)
    pair.change_child("alice", inactivity_s=600)
    return pair


def test_idle_child_sa_is_closed() -> None:
    pair = idle()
    pair.connect()
    pair.network.run(590)
    assert pair.is_up()
    # I -> R  INFORMATIONAL { D (ESP) }
    pair.network.run(20)
    assert pair.is_up(children=0)
    assert pair.alice.said("deleting CHILD_SA after 600 seconds of inactivity")


@pytest.mark.parametrize("way", ["inbound", "outbound"])
def test_traffic_in_either_direction_keeps_it(way: str) -> None:
    pair = idle()
    pair.connect()
    pair.network.run(500)
    pair.alice.kernel.usage[getattr(pair.children(pair.alice)[0], way)] = Usage(100, 1, 0.0)
    pair.network.run(150)
    assert pair.is_up()


def test_rekeying_is_no_traffic() -> None:
    pair = idle()
    pair.connect()
    pair.network.run(500)
    pair.alice.order(pair.alice.sa, RekeyChild(name="net-net"))
    pair.alice.order(pair.alice.sa, RekeyIke())
    pair.network.run(30)
    assert pair.is_up()
    pair.network.run(100)
    assert pair.is_up(children=0)


def test_inactivity_close_ike_closes_the_ike_sa_with_its_last_child_sa() -> None:
    pair = idle(DaemonSettings(inactivity_close_ike=True))
    pair.connect()
    # I -> R  INFORMATIONAL { D (IKE) }
    pair.network.run(610)
    assert pair.is_clean()


def test_inactivity_close_ike_leaves_an_ike_sa_with_another_child_sa() -> None:
    pair = idle(DaemonSettings(inactivity_close_ike=True))
    pair.add_child("second", "10.3.0.0/16", "10.4.0.0/16", inactivity_s=0)
    sa = pair.connect()
    pair.alice.order(sa, Initiate(pair.alice_config.children[1]))
    pair.network.run(610)
    assert [child.name for child in pair.children(pair.alice)] == ["second"]


def test_inactive_connection_is_not_kept_up() -> None:
    pair = idle()
    pair.load()
    pair.alice.keep()
    pair.network.run(700)
    assert pair.is_up(children=0)
