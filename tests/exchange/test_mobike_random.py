"""Anything may happen to addresses, NATs, keys and packets, in any order; then it is quiet, and all is well.

The seed is the test's parameter; a failing one replays alone.
"""

from dataclasses import dataclass, field
from random import Random

import pytest
from simulation.moves import BOB, hosts, ways, ways_in
from simulation.network import SourceNat, Weather
from simulation.pair import Pair
from simulation.peer import Peer

from cygnet.base.addresses import Host
from cygnet.charon.sa.orders import MappingChange, RekeyChild, RekeyIke
from cygnet.charon.sa.states import IkeState

SEEDS = 120
STEPS = 25
PUBLIC = "203.0.113.99"


@dataclass
class World:
    """Two peers with a few addresses each, Alice's IPv4 ones perhaps behind a NAT."""

    seed: int
    pair: Pair = field(init=False)
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.pair = Pair(self.seed, weather=Weather(delay_s=0.02, jitter_s=0.02))
        self.pair.change("alice", dpd_delay_s=10)
        self.pair.change("bob", dpd_delay_s=30)
        self.pools = {
            "alice": ["192.0.2.1", "192.0.2.11", "198.51.100.1", "2001:db8::1"],
            "bob": [BOB, "203.0.113.2", "2001:db8::2"],
        }
        self.pair.alice.home.gain("2001:db8::1")
        self.pair.bob.home.gain("2001:db8::2")
        self.nat = SourceNat(Host.of("192.0.2.1"), Host.of(PUBLIC))
        self.nat.on = self.random.random() < 0.3
        self.pair.network.filters.append(self.nat)
        self.pair.connect()
        assert self.pair.alice.is_established()

    def step(self) -> None:
        """One thing happens, and some time passes."""
        happenings = (
            self.move, self.move, self.move, self.lose, self.gain, self.rekey, self.forget, self.traffic,
            self.weather,
        )  # fmt: skip
        self.random.choice(happenings)()
        self.pair.network.run(self.random.choice((0.0, 0.01, 0.05, 0.2, 1.0, 5.0, 15.0)))

    def somebody(self) -> tuple[str, Peer]:
        whose = "alice" if self.random.random() < 0.7 else "bob"
        return whose, getattr(self.pair, whose)

    def move(self) -> None:
        whose, peer = self.somebody()
        have = [str(one) for one in peer.home.usable()]
        free = [one for one in self.pools[whose] if one not in have]
        if free:
            peer.home.gain(self.random.choice(free), first=self.random.random() < 0.5)
        if have:
            peer.home.lose(self.random.choice(have))
        peer.roam()

    def lose(self) -> None:
        _, peer = self.somebody()
        have = [str(one) for one in peer.home.usable()]
        if have:
            peer.home.lose(self.random.choice(have))
            peer.roam()

    def gain(self) -> None:
        whose, peer = self.somebody()
        have = [str(one) for one in peer.home.usable()]
        free = [one for one in self.pools[whose] if one not in have]
        if free:
            peer.home.gain(self.random.choice(free))
            peer.roam()

    def rekey(self) -> None:
        """CHILD_SAs or IKE_SAs, by either side or both at once."""
        choices = [self.random.choice((RekeyIke(), RekeyChild(name="net-net"))) for _ in range(2)]
        wishes = tuple(zip((self.pair.alice, self.pair.bob), choices, strict=True))
        for peer, order in self.random.choice((wishes, wishes[:1], wishes[1:])):
            for sa in tuple(peer.sas.values()):
                peer.order(sa, order)

    def forget(self) -> None:
        if self.random.random() < 0.5:
            self.nat.forget()
        else:
            self.nat.on = not self.nat.on

    def weather(self) -> None:
        self.pair.network.weather.loss = self.random.choice((0.0, 0.0, 0.2, 0.5))

    def traffic(self) -> None:
        """Authentic ESP of Alice's reaches Bob from where her NAT puts it."""
        for sa in tuple(self.pair.bob.sas.values()):
            for child in sa.snapshot(self.pair.network.now).children:
                if self.nat.on and hosts_known(self.pair):
                    port = self.random.randrange(40000, 40010)
                    order = MappingChange(child.inbound, Host.of(PUBLIC, port))
                    self.pair.bob.order(sa, order)

    def quiet(self) -> None:
        """Both have their first address again and a clean network."""
        self.pair.network.weather.loss = 0
        self.nat.on = False
        for whose, peer in (("alice", self.pair.alice), ("bob", self.pair.bob)):
            have = [str(one) for one in peer.home.usable()]
            if self.pools[whose][0] not in have:
                peer.home.gain(self.pools[whose][0])
            peer.roam()
        self.pair.network.run(120)


def hosts_known(pair: Pair) -> bool:
    return len(pair.alice.sas) == len(pair.bob.sas) == 1


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_happens_both_sides_end_on_the_same_path(seed: int) -> None:
    world = World(seed)
    for _ in range(STEPS):
        world.step()
    world.quiet()
    pair = world.pair
    for peer in (pair.alice, pair.bob):
        for number, sa in tuple(peer.sas.items()):
            if sa.state is IkeState.DELETING:
                del peer.sas[number]  # the other has deleted it, and its answer was lost
    assert pair.is_up(), f"seed {seed}"
    there, back = hosts(pair.alice), hosts(pair.bob)
    assert there == back[::-1]
    assert (ways(pair.alice), ways_in(pair.alice)) == ({there}, {there})
    assert (ways(pair.bob), ways_in(pair.bob)) == ({back}, {back})
    assert not (pair.alice.kernel.reservations or pair.bob.kernel.reservations)
