"""Two IKEv1 peers, random orders and weather; then calm, and each must hold what the other holds."""

import random

import pytest
from simulation.ikev1 import ALICE, BOB, Pair
from simulation.network import Weather

from cygnet.pluto.config.settings import DaemonSettings
from cygnet.pluto.sa.orders import Initiate, RekeyChild, RekeyIke, TerminateChild, TerminateIke
from cygnet.pluto.sa.states import IkeState


def rekey_child(pair, peer, sa):
    peer.order(sa, RekeyChild(name="net-net"))


def renew(pair, peer, sa):
    peer.order(sa, RekeyIke())


def replace_child(pair, peer, sa):
    peer.order(sa, TerminateChild(name="net-net"))
    peer.order(sa, Initiate(sa.config.children[0]))


def more(pair, peer, sa):
    peer.order(sa, Initiate(sa.config.children[0]))


def reconnect(pair, peer, sa):
    peer.order(sa, TerminateIke())
    config, remote = (pair.alice_config, BOB) if peer is pair.alice else (pair.bob_config, ALICE)
    peer.initiate(config, config.children[0], remote, ticket=0, first=False)


OPERATIONS = (rekey_child, rekey_child, renew, replace_child, more, reconnect)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("loss", [0.0, 0.1])
def test_random_orders_leave_both_with_the_same(seed, loss):
    """A DELETE that is lost is lost for good (RFC 2408, 3.15), so that with losses one side may have more."""
    chance = random.Random(seed)
    weather = Weather(loss, copies=0.1, jitter_s=0.2)
    pair = Pair(seed, DaemonSettings(half_open_timeout_s=100, delete_rekeyed=True), weather)
    pair.change(dpd_delay_s=60)
    pair.connect(10)
    for _ in range(25):
        peer = chance.choice((pair.alice, pair.bob))
        usable = [sa for sa in peer.sas.values() if sa.state is IkeState.ESTABLISHED]
        if usable:
            chance.choice(OPERATIONS)(pair, peer, chance.choice(usable))
        pair.network.run(chance.random() * 8)
    pair.network.weather = Weather()
    pair.network.run(600)
    assert_kernels_hold_what_is_known(pair)
    if not loss:
        assert_each_receives_what_the_other_sends(pair)
    for peer in (pair.alice, pair.bob):
        for sa in tuple(peer.sas.values()):
            peer.order(sa, TerminateIke())
    pair.network.run(5)
    assert loss or pair.is_clean()
    assert all(peer.sas or peer.kernel.is_empty() for peer in (pair.alice, pair.bob))


def assert_kernels_hold_what_is_known(pair):
    for peer in (pair.alice, pair.bob):
        assert len(peer.kernel.sas) == 2 * len(peer.children), peer.log[-40:]


def assert_each_receives_what_the_other_sends(pair):
    alice, bob = pair.alice, pair.bob
    for one, other in ((alice, bob), (bob, alice)):
        usable = {child.outbound.spi for child in one.children if child.state == "INSTALLED"}
        assert usable <= {child.inbound.spi for child in other.children}
