"""Orders from both sides at random, over a bad network: in the end both hold the same SAs."""

import random

import pytest
from simulation.hybrid import hybrid_pair
from simulation.pair import Pair, another
from simulation.peer import Peer

from cygnet.charon.sa.ike_sa import IkeSa
from cygnet.charon.sa.orders import Initiate, KernelExpire, Order, RekeyChild, RekeyIke, TerminateChild
from cygnet.charon.sa.states import IkeState
from cygnet.keying.sa.child_states import ChildState

MOMENTS = (0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.1, 1, 10)
PEER_GIVEN_UP = "peer not responding"


def order_at_random(chance: random.Random, sa: IkeSa) -> Order:
    children = [one for one in sa.snapshot(0).children if one.state == ChildState.INSTALLED]
    assert sa.config is not None
    new = Initiate(another(sa.config, chance.choice(["net-net", "second", "third"])))
    orders: list[Order] = [RekeyIke(), RekeyIke(), RekeyChild(name="net-net"), new]
    if children:
        child = chance.choice(children)
        orders += [
            RekeyChild(unique_id=child.unique_id),
            TerminateChild(unique_id=child.unique_id),
            KernelExpire(child.inbound, hard=chance.random() < 0.3),
        ]
    return chance.choice(orders)


def one_step(chance: random.Random, pair: Pair) -> None:
    peer: Peer = chance.choice([pair.alice, pair.bob])
    live = [sa for sa in peer.sas.values() if sa.state is IkeState.ESTABLISHED]
    if live:
        peer.order(live[-1], order_at_random(chance, live[-1]))
    pair.network.run(chance.choice(MOMENTS))


@pytest.mark.parametrize("seed", range(150))
def test_both_sides_agree_in_the_end(seed: int) -> None:
    chance = random.Random(seed)
    ike, esp = "aes128gcm16-prfsha256-x25519", "aes128gcm16-x25519"
    if seed % 2:
        ike, esp = f"{ike}-ke1_mlkem768-ke3_x448", f"{esp}-ke1_mlkem768-ke2_x448"
    pair = hybrid_pair(seed, f"{ike}!", f"{esp}!")
    pair.connect()
    weather = pair.network.weather
    weather.loss = chance.choice([0, 0, 0.1, 0.2])
    weather.copies, weather.jitter_s = chance.choice([0, 0.3]), chance.choice([0, 0.05, 0.3])
    for _ in range(chance.choice([2, 3, 5, 8, 12])):
        one_step(chance, pair)
    pair.network.run(120)
    weather.loss = 0
    pair.network.run(420)
    if PEER_GIVEN_UP in (*pair.alice.retired, *pair.bob.retired):
        return  # too much was lost
    count = len(pair.children(pair.alice))
    assert pair.is_up(children=count)
    for peer in (pair.alice, pair.bob):
        assert sum(peer.numbers.users.values()) == count
        assert not peer.kernel.reservations
