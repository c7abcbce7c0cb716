"""What the daemon does about events: uniqueness, restarts, traps."""

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from cygnet.base.addresses import Host
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.config.records import Action, AuthConfig, ChildConfig, IkeConfig, PeerConfig, Unique
from cygnet.charon.jobs.installed import Installed
from cygnet.charon.jobs.reactions import Reactions
from cygnet.charon.sa.events import ChildClosed, Finished, IkeEstablished, Reestablish
from cygnet.charon.sa.orders import TerminateIke
from cygnet.runtime.bus.bus import Bus

MOON, SUN = Identity.parse("moon.lab"), Identity.parse("sun.lab")
HOST = Host.of("192.0.2.1", 500)
CHILD = ChildConfig("net", (TrafficSelector.of("10.1.0.0/16"),), (TrafficSelector.of("10.2.0.0/16"),))
PEER = PeerConfig("net", IkeConfig(), (AuthConfig(),), (AuthConfig(),), (CHILD,))


@dataclass
class Shell:
    """The daemon around the reactions, recording what it is asked for. Jobs and events run at once."""

    others: tuple[int, ...] = ()
    sas: dict = field(default_factory=dict)
    loaded: PeerConfig | None = PEER
    ordered: list = field(default_factory=list)
    established: list = field(default_factory=list)
    routed: list = field(default_factory=list)
    delays: list = field(default_factory=list)
    finished: list = field(default_factory=list)

    def __post_init__(self):
        manager = SimpleNamespace(by_identities=lambda pair: self.others, snapshot=self.sas.get)
        place = SimpleNamespace(
            manager=manager,
            bus=Bus(),
            clock=lambda: 100.0,
            order=lambda number, order: self.ordered.append((number, order)),
            jobs=SimpleNamespace(put=lambda job: job.execute()),
        )
        negotiations = SimpleNamespace(establish=lambda *what: self.established.append(what))
        traps = SimpleNamespace(
            installed=lambda: self.routed,
            install=lambda peer, child: self.routed.append(child),
            finished=lambda ticket, ok: self.finished.append((ticket, ok)),
        )
        events = SimpleNamespace(put_in=self.put_in)
        loaded = SimpleNamespace(peer=lambda name: self.loaded)
        self.react = Reactions(place, negotiations, traps, Installed(), events, loaded)

    def put_in(self, delay_s, action):
        self.delays.append(delay_s)
        action()

    def ended(self):
        return [number for number, order in self.ordered if isinstance(order, TerminateIke)]


def established(unique=Unique.REPLACE, **more):
    return IkeEstablished(2, replace(PEER, unique=unique), HOST, HOST, MOON, SUN, True, **more)


def sa(spi_i, initiator, established_at=95.0):
    return SimpleNamespace(spi_i=spi_i, initiator=initiator, established_at=established_at)


@pytest.mark.parametrize(
    ("unique", "initial_contact", "ended"),
    [
        (Unique.REPLACE, False, [1]),
        (Unique.KEEP, False, [2]),
        (Unique.NO, False, []),
        (Unique.NO, True, [1]),
        (Unique.NEVER, True, []),
    ],
)
def test_uniqueness_ends_what_uniqueids_says(unique, initial_contact, ended):
    shell = Shell(others=(1, 2))
    shell.react(established(unique, initial_contact=initial_contact))
    assert shell.ended() == ended


def test_after_initial_contact_nothing_is_sent_to_the_peer_of_the_old_sa():
    shell = Shell(others=(1, 2))
    shell.react(established(initial_contact=True))
    assert shell.ordered[0][1].force


def test_rekeyed_sa_ends_nobody():
    shell = Shell(others=(1, 2))
    shell.react(established(replaces=1))
    assert shell.ended() == []


@pytest.mark.parametrize(("ours", "theirs", "loser"), [(b"\x01", b"\x02", 1), (b"\x02", b"\x01", 2)])
def test_of_two_that_crossed_both_sides_end_the_one_with_the_higher_spi(ours, theirs, loser):
    shell = Shell(others=(1, 2), sas={2: sa(ours, True), 1: sa(theirs, False)})
    shell.react(established())
    assert shell.ended() == [loser]


def test_old_sa_loses_however_its_spi_is():
    shell = Shell(others=(1, 2), sas={2: sa(b"\x09", True), 1: sa(b"\x01", False, established_at=10.0)})
    shell.react(established())
    assert shell.ended() == [1]


def test_reestablishing_waits_and_takes_the_children_as_they_are_configured_now():
    newer = replace(CHILD, replay_window=64)
    shell = Shell(loaded=replace(PEER, children=(newer, replace(CHILD, name="other"))))
    shell.react(Reestablish(PEER, (CHILD,), "dead peer", delay_s=3.0, tries=2))
    assert shell.delays == [3.0]
    assert shell.established == [(shell.loaded, (newer,), "dead peer", 2)]


@pytest.mark.parametrize("loaded", [None, replace(PEER, children=())])
def test_what_is_configured_no_more_is_not_established_again(loaded):
    shell = Shell(loaded=loaded)
    shell.react(Reestablish(PEER, (CHILD,), "dead peer"))
    assert shell.established == []


def test_stopping_daemon_establishes_and_routes_nothing():
    shell = Shell()
    shell.react.stop()
    shell.react(Reestablish(PEER, (CHILD,), "dead peer"))
    shell.react(ChildClosed(CHILD, Action.TRAP, "closed", PEER))
    assert (shell.established, shell.routed) == ([], [])


def test_closed_child_is_routed_where_its_action_says_so():
    shell = Shell()
    shell.react(ChildClosed(CHILD, Action.TRAP, "closed", PEER))
    shell.react(ChildClosed(CHILD, Action.TRAP, "closed", PEER))
    shell.react(ChildClosed(replace(CHILD, name="plain"), Action.NONE, "closed", PEER))
    assert shell.routed == [CHILD]


def test_other_events_need_no_reaction():
    shell = Shell()
    shell.react(object())
    assert shell.ordered == []


def test_traps_hear_what_became_of_orders():
    shell = Shell()
    shell.react(Finished(7, True))
    shell.react(Finished(8, False, "because"))
    assert shell.finished == [(7, True), (8, False)]
