"""What pluto establishes unasked: ``auto=start``, failed attempts, traps, ``dpdaction``, ``closeaction``."""

from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from itertools import count
from typing import Any

import pytest

from cygnet.base.addresses import Host
from cygnet.base.errors import LocalError
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel import port
from cygnet.kernel.port import Mode
from cygnet.keying.config.records import Action, AddressSpec, AuthClass, AuthConfig, ChildConfig, IkeConfig
from cygnet.keying.numbers import Numbers
from cygnet.keying.traps import Traps
from cygnet.pluto.config.records import PeerConfig
from cygnet.pluto.jobs.core import ChildPicture, Finished, Picture
from cygnet.pluto.jobs.kernel_events import KernelEvents
from cygnet.pluto.jobs.reconciler import Makers, Reconciler
from cygnet.pluto.jobs.routes import Hosts, NoPeerError, Routes
from cygnet.pluto.sa.events import ChildClosed, Reestablish
from cygnet.pluto.sa.orders import Acquire, Initiate, KernelReset
from cygnet.runtime.bus.bus import Bus

ALICE, BOB = Host.of("192.0.2.1", 500), Host.of("192.0.2.2", 500)
CHILD = ChildConfig("net", (TrafficSelector.of("10.1.0.0/16"),), (TrafficSelector.of("10.2.0.0/16"),))
AUTH = AuthConfig(AuthClass.PSK)
NET = PeerConfig("net", IkeConfig(remote=AddressSpec((str(BOB.address),))), AUTH, AUTH, (CHILD,))


@dataclass
class Place:
    """A daemon whose jobs run when :meth:`run` is called; its ISAKMP SAs are pictures."""

    manager: Any = None
    orders: list[tuple[int, Any]] = field(default_factory=list)
    jobs: list[tuple[float, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    sas: dict[int, Picture] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.manager = self

    def soon(self, name: str, action: Any, delay_s: float = 0) -> None:
        self.jobs.append((delay_s, action))

    def run(self) -> list[float]:
        """Do what is due or will be; returns after how long it was to be done."""
        jobs, self.jobs = self.jobs, []
        for _, action in jobs:
            action()
        return [delay for delay, _ in jobs]

    def log(self, group: Any, text: str) -> None:
        self.lines.append(text)

    def order(self, number: int, order: Any) -> bool:
        self.orders.append((number, order))
        return number in self.sas

    # The manager

    def next_unique_id(self) -> int:
        return max(self.sas, default=0) + 1

    def register(self, sa: Picture) -> int:
        self.sas[sa.number] = sa
        return sa.number

    def by_name(self, name: str) -> tuple[int, ...]:
        return tuple(number for number, sa in self.sas.items() if sa.name == name)

    def unique_ids(self) -> tuple[int, ...]:
        return tuple(self.sas)

    def snapshot(self, number: int) -> Picture | None:
        return self.sas.get(number)

    def snapshots(self) -> tuple[Picture, ...]:
        return tuple(self.sas.values())


class Kernel:
    """Policies and failed acquires."""

    def __init__(self) -> None:
        self.policies: list[port.PolicySpec] = []
        self.failed: list[int] = []

    def add_policy(self, spec: port.PolicySpec) -> None:
        self.policies.append(spec)

    def delete_policy(self, spec: port.PolicySpec) -> None:
        self.policies.remove(spec)

    def acquire_failed(self, reqid: int) -> None:
        self.failed.append(reqid)

    def source_address(self, destination: Any) -> Any:
        return ALICE.address


class Daemon:
    """The reconciler with its surroundings; ``reachable`` tells whether ISAKMP SAs can be begun."""

    def __init__(self, **changes: Any) -> None:
        self.config = replace(NET, **changes)
        self.loaded: dict[str, PeerConfig] = {"net": self.config}
        self.reachable = True
        self.begun: list[int] = []
        self.place, self.kernel = Place(), Kernel()
        hosts = Hosts(lambda text: (ip_address(text),), self.kernel.source_address)
        numbers = Numbers(count(1).__next__, 1000)
        kernel: Any = self.kernel
        place: Any = self.place
        self.routes = Routes(Traps(kernel, numbers, hosts.names, Bus()), hosts)
        makers = Makers(self, self.loaded.get, self.family, lambda: 0.0)  # type: ignore[arg-type]
        self.reconciler = Reconciler(place, makers, self.routes)
        self.tell = KernelEvents(place, self.reconciler, self.routes)

    def family(self, config: PeerConfig) -> tuple[PeerConfig, ...]:
        return (config, *(one for one in self.loaded.values() if one.name != config.name))

    def begin(self, unique_id: int, config: PeerConfig, tries: int = 0) -> Any:
        if not self.reachable:
            raise LocalError("no route to the peer")
        self.begun.append(tries)
        return Picture(unique_id, config.name, config.instance, "", "", "CONNECTING", True, ALICE, BOB)

    @property
    def tickets(self) -> list[int]:
        return [order.ticket for _, order in self.place.orders]

    def finish(self, ok: bool, reason: str = "peer not responding") -> None:
        """The newest order comes to its end; a failure takes its ISAKMP SA along."""
        number, order = self.place.orders[-1]
        if not ok:
            self.place.sas.pop(number, None)
        self.reconciler.finished(Finished(order.ticket, ok, 0, f"{reason}\norder failed"))

    def acquire(self, source: str = "10.1.0.1", destination: str = "10.2.0.1", reqid: int = 1000) -> None:
        ends = (TrafficSelector.of(one, 1) for one in (source, destination))
        self.tell(port.Acquire(reqid, *ends))


def up(number: int) -> Picture:
    child = ChildPicture(7, "net", "", "", "INSTALLED", "TUNNEL", "ESP", 1, 1, 2, "", "")
    return Picture(number, "net", 0, "", "", "ESTABLISHED", True, ALICE, BOB, children=(child,))


def test_auto_start_is_tried_as_often_as_keyingtries_says_with_growing_pauses() -> None:
    daemon = Daemon(keying_tries=3)
    daemon.reconciler.keep(daemon.config)
    waited = []
    for _ in range(3):
        waited += daemon.place.run()
        daemon.finish(False)
    assert waited == [0, 5, 10] and daemon.begun == [0, 1, 2]
    assert not daemon.place.jobs
    assert daemon.place.lines[-1].endswith("peer not responding; giving up (keyingtries)")


def test_keyingtries_forever_goes_on_with_pauses_of_five_minutes_at_most() -> None:
    daemon = Daemon(keying_tries=0)
    daemon.reconciler.keep(daemon.config)
    waited = []
    for _ in range(12):
        waited += daemon.place.run()
        daemon.finish(False)
    assert waited[-1] == 300


def test_auto_start_without_a_way_to_the_peer_is_tried_again() -> None:
    daemon = Daemon(keying_tries=0)
    daemon.reachable = False
    daemon.reconciler.keep(daemon.config)
    daemon.place.run()
    assert not daemon.place.orders
    daemon.reachable = True
    assert daemon.place.run() == [5]
    assert isinstance(daemon.place.orders[0][1], Initiate)


def test_what_is_up_is_not_established_again() -> None:
    daemon = Daemon()
    daemon.place.sas[1] = up(1)
    daemon.reconciler.keep(daemon.config)
    assert not daemon.place.jobs


def test_what_is_to_be_up_for_good_comes_back_after_a_while_and_other_connections_do_not() -> None:
    closed = ChildClosed(CHILD, Action.NONE, "the peer deleted the ISAKMP SA", NET)
    daemon = Daemon()
    daemon.reconciler.closed(closed)
    assert not daemon.place.jobs
    daemon.reconciler.keep(daemon.config)
    daemon.place.run()
    daemon.finish(True)
    daemon.place.sas.clear()
    daemon.reconciler.closed(closed)
    assert daemon.place.run() == [5]
    assert len(daemon.place.orders) == 2


def test_peer_that_comes_back_by_itself_is_enough() -> None:
    daemon = Daemon()
    daemon.reconciler.keep(daemon.config)
    daemon.place.sas[1] = up(1)
    daemon.place.run()
    assert not daemon.place.orders


def test_operator_who_takes_it_down_ends_all_attempts_until_he_wants_it_again() -> None:
    daemon = Daemon(keying_tries=0)
    daemon.reconciler.keep(daemon.config)
    daemon.place.run()
    daemon.finish(False)
    assert daemon.reconciler.cancel("net")
    daemon.place.run()
    daemon.reconciler.closed(ChildClosed(CHILD, Action.NONE, "gone", NET))
    assert len(daemon.place.orders) == 1 and not daemon.place.jobs
    daemon.reconciler.wanted("net")
    daemon.reconciler.closed(ChildClosed(CHILD, Action.NONE, "gone", NET))
    daemon.place.run()
    assert len(daemon.place.orders) == 2


def test_action_start_is_followed_at_once_and_on_the_isakmp_sa_that_is_there() -> None:
    daemon = Daemon()
    daemon.place.sas[4] = replace(up(4), children=())
    daemon.reconciler.closed(ChildClosed(CHILD, Action.START, "closed by the peer", NET))
    assert daemon.place.run() == [0]
    assert daemon.place.orders == [(4, Initiate(CHILD, ticket=daemon.tickets[0]))]


OTHER_CHILD = replace(CHILD, name="other")
OTHER = replace(NET, name="other", children=(OTHER_CHILD,))


def test_connections_of_one_peer_share_an_isakmp_sa_and_each_comes_back_as_itself() -> None:
    daemon = Daemon()
    daemon.loaded["other"] = OTHER
    daemon.place.sas[4] = replace(up(4), children=(), config=NET)
    daemon.reconciler.closed(ChildClosed(OTHER_CHILD, Action.START, "closed by the peer", NET))
    daemon.place.run()
    assert daemon.place.orders == [(4, Initiate(OTHER_CHILD, ticket=daemon.tickets[0]))]


def test_isakmp_sa_with_the_peer_that_a_connection_had_before_is_no_other_ones() -> None:
    daemon = Daemon()
    daemon.loaded["other"] = OTHER
    daemon.place.sas[4] = replace(up(4), children=(), config=replace(NET, aggressive=True))
    daemon.reconciler.closed(ChildClosed(OTHER_CHILD, Action.START, "closed by the peer", NET))
    daemon.place.run()
    assert [number for number, _ in daemon.place.orders] != [4] and daemon.begun == [0]


def test_each_connection_that_an_isakmp_sa_had_is_established_again() -> None:
    daemon = Daemon()
    daemon.loaded["other"] = OTHER
    daemon.reconciler.reestablish(Reestablish(NET, (CHILD, OTHER_CHILD), "dead peer"))
    daemon.place.run()
    assert [order.child for _, order in daemon.place.orders] == [CHILD, OTHER_CHILD]


def test_connection_that_is_for_many_is_not_begun_for_one_that_used_anothers_isakmp_sa() -> None:
    daemon = Daemon()
    daemon.loaded["other"] = OTHER
    carols = replace(NET, instance=3)
    daemon.reconciler.reestablish(Reestablish(carols, (CHILD, OTHER_CHILD), "dead peer"))
    daemon.reconciler.closed(ChildClosed(OTHER_CHILD, Action.START, "closed by the peer", carols))
    daemon.place.run()
    assert [order.child for _, order in daemon.place.orders] == [CHILD]


def test_operators_attempt_that_failed_is_repeated_after_a_pause() -> None:
    daemon = Daemon()
    daemon.reconciler.reestablish(Reestablish(NET, (CHILD,), "peer not responding", tries=1))
    assert daemon.place.run() == [5]
    assert daemon.begun == [1]


def test_failure_of_an_attempt_of_ours_is_told_twice_and_counts_once() -> None:
    daemon = Daemon(keying_tries=2)
    daemon.reconciler.keep(daemon.config)
    daemon.place.run()
    daemon.reconciler.reestablish(Reestablish(NET, (CHILD,), "peer not responding", tries=1))
    daemon.finish(False)
    assert daemon.place.run() == [5]
    daemon.finish(False)
    assert not daemon.place.jobs


def test_connection_that_is_loaded_no_more_is_left_alone() -> None:
    daemon = Daemon(keying_tries=0)
    daemon.reconciler.keep(daemon.config)
    daemon.loaded.clear()
    daemon.reconciler.forget("net")
    daemon.place.run()
    assert not daemon.place.orders and not daemon.place.jobs


def test_stopping_daemon_begins_nothing() -> None:
    daemon = Daemon()
    daemon.reconciler.keep(daemon.config)
    daemon.reconciler.stop()
    daemon.place.run()
    daemon.reconciler.reestablish(Reestablish(NET, (CHILD,), "dead"))
    assert not daemon.place.orders and not daemon.place.jobs


def test_packet_at_a_trap_asks_for_the_sa_with_its_reqid() -> None:
    daemon = Daemon()
    (routed,) = daemon.routes.install(NET)
    daemon.acquire()
    daemon.acquire(destination="10.2.0.2")
    daemon.place.run()
    ((number, order),) = daemon.place.orders
    assert number == 1 and isinstance(order, Acquire)
    assert (order.reqid, order.child) == (routed.reqid, CHILD)
    assert str(order.destination.start) == "10.2.0.1"


def test_trap_hears_that_nothing_came_of_it_and_the_next_packet_asks_again() -> None:
    daemon = Daemon()
    daemon.routes.install(NET)
    daemon.acquire()
    daemon.place.run()
    daemon.finish(False, "refused")
    daemon.place.run()
    assert daemon.kernel.failed == [1000]
    daemon.acquire()
    daemon.place.run()
    assert len(daemon.place.orders) == 2


def test_acquire_of_the_other_daemons_trap_is_ignored() -> None:
    daemon = Daemon()
    daemon.routes.install(NET)
    daemon.acquire(reqid=1)
    assert not daemon.place.jobs and not daemon.place.lines


def test_each_pair_of_selectors_is_a_trap_and_asks_for_its_own_sa() -> None:
    two = tuple(TrafficSelector.of(text) for text in ("10.2.0.0/16", "10.3.0.0/16"))
    daemon = Daemon(children=(replace(CHILD, remote_ts=two),))
    routed = daemon.routes.install(daemon.config)
    assert [one.remote_ts for one in routed] == [(one,) for one in two]
    assert len({one.reqid for one in routed}) == 2
    daemon.acquire(reqid=routed[0].reqid)
    daemon.acquire(destination="10.3.0.1", reqid=routed[1].reqid)
    daemon.place.run()
    assert [order.reqid for _, order in daemon.place.orders] == [one.reqid for one in routed]
    assert {number for number, _ in daemon.place.orders} == {1}


def test_route_again_replaces_and_unroute_leaves_nothing() -> None:
    daemon = Daemon()
    daemon.routes.install(NET)
    daemon.routes.install(NET)
    assert len(daemon.routes.installed()) == 1 and len(daemon.kernel.policies) == 3
    assert daemon.routes.uninstall("net") and not daemon.routes.uninstall("net")
    assert not daemon.kernel.policies


def test_action_trap_routes_once() -> None:
    daemon = Daemon()
    for _ in range(2):
        daemon.reconciler.closed(ChildClosed(CHILD, Action.TRAP, "dead", NET))
        daemon.place.run()
    assert [one.name for one in daemon.routes.installed()] == ["net"]


def test_data_plane_that_lost_all_gets_the_traps_again() -> None:
    daemon = Daemon()
    daemon.place.sas[1] = up(1)
    daemon.routes.install(NET)
    before, daemon.kernel.policies = daemon.kernel.policies, []
    daemon.tell(port.KernelReset())
    daemon.place.run()
    assert daemon.kernel.policies == before
    assert daemon.place.orders == [(1, KernelReset())]


def test_peer_that_may_be_anybody_cannot_be_routed_but_a_shunt_can() -> None:
    anybody = replace(NET, ike=IkeConfig(remote=AddressSpec((), allow_any=True)))
    daemon = Daemon()
    with pytest.raises(NoPeerError, match="right="):
        daemon.routes.install(anybody)
    (routed,) = daemon.routes.install(replace(anybody, children=(replace(CHILD, mode=Mode.PASS),)))
    assert routed.mode is Mode.PASS


def test_order_that_went_down_with_its_isakmp_sa_is_a_failed_attempt() -> None:
    daemon = Daemon()
    daemon.reconciler.keep(daemon.config)
    daemon.place.run()
    daemon.place.sas.clear()
    daemon.reconciler.retired(1)
    assert daemon.place.run() == [5]
    assert len(daemon.place.orders) == 2


def test_attempt_goes_on_in_the_isakmp_sa_that_takes_the_others_place() -> None:
    daemon = Daemon()
    daemon.reconciler.keep(daemon.config)
    daemon.place.run()
    daemon.reconciler.moved(1, 2)
    daemon.reconciler.retired(1)
    assert not daemon.place.jobs
    daemon.reconciler.retired(2)
    assert daemon.place.jobs


def test_isakmp_sa_that_goes_before_it_has_the_order_is_a_failed_attempt() -> None:
    daemon = Daemon()
    daemon.reconciler.keep(daemon.config)
    daemon.place.order = lambda number, order: False  # type: ignore[method-assign]
    daemon.place.run()
    assert [delay for delay, _ in daemon.place.jobs] == [5]
