"""Instances of templates live as long as an ISAKMP SA of theirs."""

from collections.abc import Callable
from typing import Any

from cygnet.base.addresses import Host
from cygnet.ctl.whack import AddConnection, End
from cygnet.pluto.backends.connections import Connections
from cygnet.pluto.jobs.core import Picture
from cygnet.pluto.jobs.instances import Instances

HOST = Host.of("192.0.2.1", 500)


def picture(number: int, instance: int) -> Picture:
    return Picture(number, "rw", instance, "STATE_MAIN_R3", "", "ESTABLISHED", False, HOST, HOST)


class Place:
    """A manager that has ``pictures``; jobs wait until they are run."""

    def __init__(self) -> None:
        self.manager = self
        self.pictures: list[Picture] = []
        self.jobs: list[Callable[[], None]] = []

    def clock(self) -> float:
        return 0

    def by_name(self, name: str) -> list[int]:
        return [one.number for one in self.pictures if one.name == name]

    def snapshot(self, number: int) -> Picture | None:
        return next((one for one in self.pictures if one.number == number), None)

    def soon(self, name: str, action: Callable[[], None], delay_s: float = 0) -> None:
        self.jobs.append(action)

    def run(self) -> None:
        while self.jobs:
            self.jobs.pop()()


class Sa:
    """An ISAKMP SA that is over."""

    def __init__(self, instance: int) -> None:
        self._picture = picture(1, instance)

    def snapshot(self, now: float) -> Picture:
        return self._picture


def test_instance_goes_with_its_last_sa() -> None:
    place: Any = Place()
    connections = Connections(lambda: [HOST.address])
    connections.add(AddConnection("rw", End("192.0.2.1"), End("%any")))
    connections.instantiate("rw", "192.0.2.9", "carol")
    instances = Instances(place, connections)
    place.pictures = [picture(2, 1)]
    instances.gone(Sa(1))  # type: ignore[arg-type]
    place.run()
    assert len(connections.instances("rw")) == 1
    place.pictures = []
    instances.gone(Sa(0))  # type: ignore[arg-type]
    assert not place.jobs
    instances.gone(Sa(1))  # type: ignore[arg-type]
    place.run()
    assert connections.instances("rw") == ()
