"""A network without sockets: delay, loss, copies, reordering, NAT, and a virtual clock."""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Protocol

from cygnet.base.addresses import Host


@dataclass(frozen=True)
class Datagram:
    """What travels."""

    source: Host
    destination: Host
    data: bytes


class Station(Protocol):
    """What is attached to a network."""

    def arrive(self, datagram: Datagram) -> None:
        """A datagram has come."""


@dataclass
class Weather:
    """How the network treats datagrams; shares of 1, seconds."""

    loss: float = 0.0
    copies: float = 0.0
    delay_s: float = 0.01
    jitter_s: float = 0.0


@dataclass
class Network:
    """Virtual time and what travels in it. ``filters`` may change a datagram or, with ``None``, eat it."""

    seed: int = 0
    weather: Weather = field(default_factory=Weather)
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.stations: dict[object, Station] = {}
        self.filters: list[Callable[[Datagram], Datagram | None]] = []
        self.travelled: list[Datagram] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, delay_s: float, action: Callable[[], None]) -> None:
        """Do something later."""
        heapq.heappush(self._events, (self.now + delay_s, next(self._order), action))

    def send(self, datagram: Datagram) -> None:
        """Hand a datagram to the network."""
        weather = self.weather
        copies = 2 if self.random.random() < weather.copies else 1
        for _ in range(copies):
            if self.random.random() < weather.loss:
                continue
            self.at(
                weather.delay_s + self.random.random() * weather.jitter_s, lambda: self._deliver(datagram)
            )

    def _deliver(self, datagram: Datagram) -> None:
        changed: Datagram | None = datagram
        for one in self.filters:
            changed = one(changed) if changed is not None else None
        if changed is None:
            return
        self.travelled.append(changed)
        station = self.stations.get(changed.destination.address)
        if station is not None:
            station.arrive(changed)

    def sleep(self, seconds: float) -> None:
        """Time passes and nothing happens; what should have happens next."""
        self.now += seconds

    def run(self, seconds: float = 0.5) -> None:
        """Let time pass."""
        end = self.now + seconds
        for _ in range(1_000_000):
            if not self._events or self._events[0][0] > end:
                self.now = end
                return
            at, _, action = heapq.heappop(self._events)
            self.now = max(self.now, at)
            action()
        raise AssertionError("the network does not come to rest")


class Cut:
    """A filter: nothing passes between two addresses, in either direction, while ``on``."""

    def __init__(self, one: str, other: str) -> None:
        self._ends = {ip_address(one), ip_address(other)}
        self.on = True

    def __call__(self, datagram: Datagram) -> Datagram | None:
        ends = {datagram.source.address, datagram.destination.address}
        return None if self.on and ends == self._ends else datagram


class StaticNat:
    """A NAT that stands for one host with its ports: ``outside`` is what others know of ``inside``."""

    def __init__(self, inside: Host, outside: Host) -> None:
        self.inside, self.outside = inside.address, outside.address
        self.on = True

    def __call__(self, datagram: Datagram) -> Datagram | None:
        source, destination = datagram.source, datagram.destination
        if self.on and source.address == self.inside:
            source = Host(self.outside, source.port)
        elif self.on and destination.address == self.outside:
            destination = Host(self.inside, destination.port)
        return Datagram(source, destination, datagram.data)


class SourceNat:
    """A NAT: what comes from ``inside`` leaves as ``outside`` with other ports; the way back is known."""

    def __init__(self, inside: Host, outside: Host, first_port: int = 40000) -> None:
        self.inside, self.outside = inside.address, outside.address
        self._first_port = first_port
        self._ports: dict[int, int] = {}
        self.on = True

    def forget(self) -> None:
        """Restart: mappings get new ports."""
        self._first_port += 1000
        self._ports.clear()

    def __call__(self, datagram: Datagram) -> Datagram | None:
        source, destination = datagram.source, datagram.destination
        if not self.on:
            return datagram
        if source.address == self.inside:
            port = self._ports.setdefault(source.port, self._first_port + len(self._ports))
            return Datagram(Host(self.outside, port), destination, datagram.data)
        if destination.address == self.outside:
            for inner, outer in self._ports.items():
                if outer == destination.port:
                    return Datagram(source, Host(self.inside, inner), datagram.data)
            return None
        return datagram
