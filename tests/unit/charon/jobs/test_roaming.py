"""Rounds through the IKE_SAs when addresses change."""

from dataclasses import dataclass, field

import pytest

from cygnet.charon.jobs.roaming import INTERVAL_S, Roaming
from cygnet.charon.sa.orders import Roam
from cygnet.kernel.port import AddressChange
from cygnet.keying.config.settings import DaemonSettings
from cygnet.runtime.bus.bus import Bus

ROUTES = AddressChange(routes_only=True)


@dataclass
class Shell:
    settings: DaemonSettings = field(default_factory=DaemonSettings)
    now: float = 100.0
    ordered: list = field(default_factory=list)
    events: list = field(default_factory=list)
    full: bool = False

    def __post_init__(self):
        self.roaming = Roaming(
            self.settings, self, Bus(), lambda *what: self.ordered.append(what), lambda: (1, 7),
            lambda: self.now,
        )

    def put_in(self, delay_s, action):
        if not self.full:
            self.events.append((delay_s, action))
        return not self.full

    def run(self):
        for delay_s, action in self.events:
            self.now += delay_s
            action()
        self.events.clear()


def test_every_ike_sa_looks():
    shell = Shell()
    shell.roaming(AddressChange())
    shell.run()
    assert shell.ordered == [(1, Roam()), (7, Roam())]


def test_changes_that_come_together_are_one_round():
    shell = Shell()
    for _ in range(10):
        shell.roaming(AddressChange())
    assert len(shell.events) == 1


def test_rounds_have_a_distance():
    shell = Shell()
    for _ in range(5):
        shell.roaming(ROUTES)
        shell.run()
    assert shell.now == pytest.approx(100 + 4 * INTERVAL_S)
    shell.now += 10
    shell.roaming(ROUTES)
    assert shell.events[0][0] == 0


@pytest.mark.parametrize(
    ("setting", "change", "expected"),
    [
        ("process_route", ROUTES, 0),
        ("process_route", AddressChange(), 1),
        ("roam_events", ROUTES, 0),
        ("roam_events", AddressChange(), 0),
    ],
)
def test_changes_that_are_not_wanted(setting, change, expected):
    shell = Shell(DaemonSettings(**{setting: False}))
    shell.roaming(change)
    assert len(shell.events) == expected


def test_full_queue_does_not_stop_roaming_for_ever():
    shell = Shell(full=True)
    shell.roaming(AddressChange())
    shell.full = False
    shell.roaming(AddressChange())
    assert len(shell.events) == 1
