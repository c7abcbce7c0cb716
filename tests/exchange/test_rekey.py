"""Rekeying and re-authentication (RFC 7296, 2.8)."""

import pytest
from simulation.pair import Pair

from cygnet.charon.sa.events import IkeEstablished
from cygnet.charon.sa.orders import KernelExpire, RekeyChild, RekeyIke
from cygnet.charon.sa.states import IkeState
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.keying.sa.events import ChildDown, ChildUp


@pytest.mark.parametrize("whose", ["alice", "bob"])
@pytest.mark.parametrize("proposal", ["aes128gcm16!", "aes128gcm16-ecp256!"])
def test_child_sa_is_rekeyed_by_either_side(whose: str, proposal: str) -> None:
    pair = Pair()
    for name in ("alice", "bob"):
        pair.change_child(name, proposals=parse_proposals(proposal, Protocol.ESP))
    pair.connect()
    peer = getattr(pair, whose)
    old = pair.children(pair.alice)[0]
    # whose -> other  CREATE_CHILD_SA { N(REKEY_SA), SA, Ni, [KEi], TSi, TSr }
    # other -> whose  CREATE_CHILD_SA { SA, Nr, [KEr], TSi, TSr }
    # whose -> other  INFORMATIONAL { D }
    # other -> whose  INFORMATIONAL { D }
    peer.order(peer.sa, RekeyChild(name="net-net", ticket=3))
    pair.network.run()
    assert pair.is_up()
    assert pair.children(pair.alice)[0].inbound != old.inbound
    assert pair.children(pair.alice)[0].reqid == old.reqid
    assert peer.finished(3).ok
    for one in (pair.alice, pair.bob):
        assert one.of(ChildUp)[-1].replaces == 1
        assert one.of(ChildDown)[-1].rekeyed


def test_soft_expiry_rekeys() -> None:
    pair = Pair()
    sa = pair.connect()
    old = pair.children(pair.alice)[0]
    pair.alice.order(sa, KernelExpire(old.outbound, hard=False))
    pair.network.run()
    assert pair.is_up()
    assert pair.children(pair.alice)[0].inbound != old.inbound


def test_hard_expiry_deletes_and_begins_anew() -> None:
    pair = Pair()
    sa = pair.connect()
    old = pair.children(pair.alice)[0]
    pair.alice.order(sa, KernelExpire(old.inbound, hard=True))
    pair.network.run()
    assert pair.is_up()
    assert pair.children(pair.alice)[0].inbound != old.inbound


@pytest.mark.parametrize("seed", range(10))
def test_both_rekey_the_child_sa_at_once(seed: int) -> None:
    pair = Pair(seed)
    pair.connect()
    for peer in (pair.alice, pair.bob):
        peer.order(peer.sa, RekeyChild(name="net-net", ticket=3))
    pair.network.run(30)
    assert pair.is_up()
    assert pair.alice.finished(3).ok and pair.bob.finished(3).ok
    assert pair.alice.numbers.users == pair.bob.numbers.users == {1: 1}


@pytest.mark.parametrize("whose", ["alice", "bob"])
def test_ike_sa_is_rekeyed_by_either_side(whose: str) -> None:
    pair = Pair()
    pair.connect()
    peer = getattr(pair, whose)
    old = peer.sa
    # whose -> other  CREATE_CHILD_SA { SA (IKE), Ni, KEi }
    # other -> whose  CREATE_CHILD_SA { SA (IKE), Nr, KEr }
    # whose -> other  INFORMATIONAL { D }              on the old IKE_SA
    peer.order(old, RekeyIke(ticket=3))
    pair.network.run()
    assert pair.is_up()
    assert peer.sa.spi_local != old.spi_local
    assert peer.finished(3).ok
    assert peer.of(IkeEstablished)[-1].replaces == 1
    # the new one works
    peer.order(peer.sa, RekeyChild(name="net-net"))
    pair.network.run()
    assert pair.is_up()


def test_ike_sa_tells_under_which_spi_its_successor_may_be_addressed() -> None:
    """From our request on, since the peer may use it before we have read the response."""
    pair = Pair()
    pair.connect()
    old = pair.alice.sa
    assert old.snapshot(pair.network.now).next_spi == b""
    pair.alice.order(old, RekeyIke())
    announced = old.snapshot(pair.network.now).next_spi
    assert pair.bob.sa.snapshot(pair.network.now).next_spi == b""
    pair.network.run()
    assert pair.alice.sa is not old and pair.alice.sa.spi_local == announced
    assert old.snapshot(pair.network.now).next_spi == b""


def test_both_rekey_the_ike_sa_at_once() -> None:
    pair = Pair()
    pair.connect()
    for peer in (pair.alice, pair.bob):
        peer.order(peer.sa, RekeyIke())
    pair.network.run(60)
    assert pair.is_up()


def test_ike_sa_is_rekeyed_before_its_lifetime_ends() -> None:
    pair = Pair()
    pair.change("alice", ike_lifetime_s=3600, margin_s=300)
    old = pair.connect()
    pair.network.run(3400)
    assert pair.is_up()
    assert pair.alice.sa is not old
    assert old.state is IkeState.DESTROYING


def test_without_rekeying_the_lifetime_ends_everything() -> None:
    pair = Pair()
    pair.change("alice", ike_lifetime_s=3600, margin_s=300, rekey=False)
    pair.connect()
    pair.network.run(3700)
    assert pair.is_clean()


def test_rekeying_survives_loss() -> None:
    for seed in range(40):
        pair = Pair(seed)
        pair.connect()
        pair.network.weather.loss = 0.2
        pair.network.weather.jitter_s = 0.1
        for peer in (pair.alice, pair.bob):
            if seed % 2 or peer is pair.alice:
                peer.order(peer.sa, RekeyChild(name="net-net"))
        pair.network.run(400)
        assert pair.is_up() or pair.is_clean() or not (pair.alice.sas and pair.bob.sas), seed
