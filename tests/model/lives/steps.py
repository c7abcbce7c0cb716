"""What may happen in a life: orders at any host, events of its kernel, restarts, and what the network does.

Each step tells the model what it may change, does it, and says what it did.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from simulation.peer import Peer, outcome

from cygnet.base.selectors import TrafficSelector
from cygnet.charon.control.specifier import Target, find, parse_specifier
from cygnet.charon.sa.orders import TerminateIke
from cygnet.kernel.port import Acquire, Expire, KernelReset
from lives.wishes import Wishes
from lives.world import ADDRESSES, ELSEWHERE, NETS, World

MOMENTS = (0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06, 0.1, 0.3, 1, 3, 10, 30)
LONG_S = (100, 200)


@dataclass(frozen=True)
class Asked:
    """An ``ipsec up`` that has not been answered yet."""

    name: str
    connection: str
    dialogue: Any
    at: float


class Steps:
    """Draws steps and takes them."""

    def __init__(self, world: World, wishes: Wishes, chance: random.Random) -> None:
        self.world, self.wishes, self.chance = world, wishes, chance
        self.name, self.connection, self.other = "", "", ""
        self.asked: list[Asked] = []
        traits = world.traits
        self._weighted: list[tuple[Callable[[], str], int]] = [
            (self.up, 12), (self.down, 6), (self.down_ike, 3), (self.rekey_child, 10), (self.rekey_ike, 10),
            (self.expire, 4), (self.acquire, 4), (self.jitter, 4), (self.copies, 2),
        ]  # fmt: skip
        if not traits.calm:
            self._weighted += [
                (self.loss, 4), (self.late, 3), (self.cut, 3),
                (self.crash, 3), (self.stop, 2), (self.reset, 2),
            ]  # fmt: skip
        if traits.moving:
            self._weighted.append((self.move, 8))

    @property
    def host(self) -> Peer:
        """Where it happens."""
        return self.world.hosts[self.name]

    def take(self) -> str:
        """One step; what it was."""
        self.name = self.chance.choice(self.world.traits.names)
        self.connection, self.other = self.chance.choice(self.world.traits.of(self.name))
        actions, weights = zip(*self._weighted, strict=True)
        (action,) = self.chance.choices(actions, weights)
        now = self.world.network.now
        return f"{now:9.3f} {action()}"

    def pass_time(self) -> None:
        """Until the next step."""
        moments = MOMENTS if self.chance.random() < 0.95 else LONG_S
        self.world.network.run(self.chance.choice(moments))
        self.hear()

    def hear(self) -> None:
        """What became of each ``ipsec up``."""
        for one in tuple(self.asked):
            told = outcome(one.dialogue)
            if told is not None:
                self.asked.remove(one)
            if told is not None and told.ok:
                self.wishes.came_up(one.name, one.connection, one.at)

    def unanswered(self) -> list[str]:
        """Every ``ipsec up`` comes to an end."""
        self.hear()
        return [f"{one.name}: ipsec up {one.connection} is not answered" for one in self.asked]

    # Orders

    def up(self) -> str:
        self.wishes.ordered_up(self.name, self.connection)
        now, dialogue = self.world.network.now, self.host.up(self.connection)
        self.asked.append(Asked(self.name, self.connection, dialogue, now))
        return f"{self.name}: ipsec up {self.connection}"

    def down(self) -> str:
        self.wishes.ordered_down(self.name, self.connection, self.other)
        self.host.down(self.connection)
        return f"{self.name}: ipsec down {self.connection}"

    def down_ike(self) -> str:
        ike = "-".join(sorted((self.name, self.other)))
        self.wishes.ordered_ike_down(self.name, self.other, self._held())
        self.host.down(f"{ike}[*]")
        return f"{self.name}: ipsec down {ike}[*]"

    def rekey_child(self) -> str:
        for target in self._targets(self.connection):
            self.host.negotiations.rekey_child(target.ike_id, target.child_id, 1)
        return f"{self.name}: ipsec rekey {self.connection}"

    def rekey_ike(self) -> str:
        ike = "-".join(sorted((self.name, self.other)))
        if self.world.traits.reauth[self.name]:
            self._may_return()
        for target in self._targets(ike):
            self.host.negotiations.rekey_ike(target.ike_id, 1)
        return f"{self.name}: ipsec rekey {ike}"

    # The kernel

    def expire(self) -> str:
        """An SA reaches its soft or hard lifetime."""
        hard = self.chance.random() < 0.3
        kernel = self.host.kernel
        known = [one.child for one in self.host.installed.named(self.connection)]
        known = [child for child in known if child.inbound in kernel.sas]
        if not known:
            return f"{self.name}: nothing expires"
        sa = self.chance.choice([known[-1].inbound, known[-1].outbound])
        if hard:
            self.wishes.remade(self.name, self.connection)
            kernel.delete_sa(sa)
        kernel.emit(Expire(sa, hard))
        limit = "hard" if hard else "soft"
        return f"{self.name}: {limit} lifetime of {sa.spi:08x} ({self.connection}) is over"

    def acquire(self) -> str:
        """A packet meets a trap."""
        routed = [one for one in self.host.traps.installed() if one.name == self.connection]
        if not routed:
            return f"{self.name}: no packet"
        self.wishes.may_return(self.name, self.connection)
        number = self.connection[-1]
        ends = [TrafficSelector.of(f"10.{NETS[name]}.{number}.9/32") for name in (self.name, self.other)]
        self.host.kernel.emit(Acquire(routed[0].reqid, *ends))
        return f"{self.name}: a packet meets the trap of {self.connection}"

    def reset(self) -> str:
        for connection, _ in self.world.traits.of(self.name):
            if self.host.installed.named(connection):
                self.wishes.remade(self.name, connection)
        self.host.kernel.forget()
        self.host.kernel.emit(KernelReset())
        return f"{self.name}: the data plane restarts"

    # Restarts

    def crash(self) -> str:
        pause = self.chance.choice([0, 0, 1, 20])
        self._end()
        self._boot_in(pause)
        return f"{self.name}: crashes, and is back after {pause} s"

    def stop(self) -> str:
        """As a daemon stops."""
        self.host.reactions.stop()
        for number in tuple(self.host.sas):
            self.host.manager.post(
                number, lambda sa: sa.command(TerminateIke(), self.world.network.now), None, "stop", sure=True
            )
        self.world.network.run(self.chance.choice([0.005, 0.05, 1]))
        self._end()
        self._boot_in(self.chance.choice([0, 1, 20]))
        return f"{self.name}: restarts in good order"

    def _end(self) -> None:
        """With the daemon goes whoever waits for its answers."""
        self.host.crash()
        self.asked = [one for one in self.asked if one.name != self.name]

    def _boot_in(self, pause: float) -> None:
        self.wishes.died(self.name)
        self.world.network.run(pause)
        self.wishes.booted(self.name)
        self.host.boot()
        self.world.start(self.name)

    # The network

    def loss(self) -> str:
        share = self.world.network.weather.loss = self.chance.choice([0, 0.1, 0.3])
        return f"network: loses {share}"

    def copies(self) -> str:
        share = self.world.network.weather.copies = self.chance.choice([0, 0.3])
        return f"network: doubles {share}"

    def jitter(self) -> str:
        seconds = self.world.network.weather.jitter_s = self.chance.choice([0, 0.05, 0.5])
        return f"network: delays by up to {seconds} s"

    def late(self) -> str:
        share = self.world.late = self.chance.choice([0, 0.05, 0.2])
        return f"network: {share} come much later"

    def move(self) -> str:
        """To the other address, with or without the one before; or there is none for a while."""
        have = self.host.home.usable()
        places = [ADDRESSES[self.name], ELSEWHERE[self.name]]
        to = self.chance.choice([*(one for one in places if ip_address(one) not in have), ""])
        leaving = have if to == "" or self.chance.random() < 0.7 else ()
        self.world.move(self.name, to, leaving)
        return f"{self.name}: has {', '.join(map(str, self.host.home.usable())) or 'no address'}"

    def cut(self) -> str:
        seconds = self.chance.choice([1, 10, 60, 200])
        self.world.cut(self.name, self.other, seconds)
        return f"network: nothing between {self.name} and {self.other} for {seconds} s"

    def _held(self) -> list[str]:
        """The host's connections that are up."""
        return [one for one, _ in self.world.traits.of(self.name) if self.host.installed.named(one)]

    def _targets(self, name: str) -> list[Target]:
        wanted = parse_specifier(name)
        assert wanted is not None
        return find(self.host.manager.snapshots(), wanted)

    def _may_return(self) -> None:
        """Whatever is up when it is reauthenticated, which may be much later."""
        for connection in self.world.traits.connections(self.name, self.other):
            self.wishes.may_return(self.name, connection)
