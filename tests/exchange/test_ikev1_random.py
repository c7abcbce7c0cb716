"""Two IKEv1 peers, random orders and weather; then calm, and both must hold what the other holds."""

import random

import pytest

from cygnet.pluto.config.settings import DaemonSettings
from cygnet.pluto.sa.orders import Initiate, RekeyChild, RekeyIke, TerminateChild, TerminateIke
from cygnet.pluto.sa.states import IkeState
from simulation.ikev1 import ALICE, BOB, Pair
from simulation.network import Weather


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


@pytest.mark.parametrize("seed", range(300))
def test_random_orders_leave_both_with_the_same(seed):
    chance = random.Random(seed)
    weather = Weather(copies=0.1, jitter_s=0.2)
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
    assert_consistent(pair)
    for peer in (pair.alice, pair.bob):
        for sa in tuple(peer.sas.values()):
            peer.order(sa, TerminateIke())
    pair.network.run(5)
    assert pair.is_clean()


def assert_consistent(pair):
    """Kernels hold what the daemons know, and what one sends through the other receives."""
    alice, bob = pair.alice, pair.bob
    for peer in (alice, bob):
        assert len(peer.kernel.sas) == 2 * len(peer.children), peer.log[-40:]
    for one, other in ((alice, bob), (bob, alice)):
        usable = {child.outbound.spi for child in one.children if child.state == "INSTALLED"}
        assert usable <= {child.inbound.spi for child in other.children}
