"""Routes by their users, and where they lead."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from cygnet.base.errors import LocalError
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.xfrm.next_hops import NextHops, wants_route
from cygnet.kernel.backends.xfrm.routes import Routes, inside
from cygnet.kernel.backends.xfrm.ways import Way
from cygnet.kernel.port import Direction, Mode, PolicySpec

MOON, SUN, ROUTER = ip_address("192.0.2.1"), ip_address("192.0.2.2"), ip_address("192.0.2.254")
HERE = ip_address("10.1.0.1")
LAN, PEER = TrafficSelector.of("10.1.0.0/24"), TrafficSelector.of("10.2.0.0/24")
SPEC = PolicySpec(Direction.OUT, LAN, PEER, Mode.TUNNEL, 1, MOON, SUN)
NET = ip_network("10.2.0.0/24")


class Table:
    """A routing table in a dictionary, which refuses networks when told to."""

    def __init__(self) -> None:
        self.routes: dict[object, Way] = {}
        self.refused: set[object] = set()
        self.hops = {SUN: Way(3, ROUTER)}

    def put(self, network, way):
        if network in self.refused:
            raise LocalError(f"route to {network} refused")
        self.routes[network] = way

    def drop(self, network, way):
        self.routes.pop(network, None)

    def held(self):
        return dict(self.routes)

    def next_hop(self, destination, source):
        return self.hops.get(destination)


@pytest.fixture
def table():
    return Table()


def chooser(table, addresses=(MOON, HERE), device=None):
    return NextHops(table, lambda: addresses, lambda spec: device).choose


@pytest.fixture
def routes(table):
    return Routes(table, chooser(table))


def test_route_leads_as_esp_goes_with_the_address_inside_as_source(table, routes):
    routes.add(SPEC)
    assert table.routes == {NET: Way(3, ROUTER, HERE)}


def test_route_goes_with_its_last_user(table, routes):
    routes.add(SPEC)
    routes.add(replace(SPEC, reqid=2))
    routes.remove(SPEC)
    assert NET in table.routes
    routes.remove(replace(SPEC, reqid=2))
    assert table.routes == {}
    routes.remove(SPEC)


def test_user_that_wants_none_does_not_decide_for_others(table, routes):
    routes.add(replace(SPEC, outer_destination=ip_address("198.51.100.7")))
    routes.add(SPEC)
    assert table.routes == {NET: Way(3, ROUTER, HERE)}


def test_refused_route_leaves_no_user(table, routes):
    table.refused.add(NET)
    with pytest.raises(LocalError):
        routes.add(SPEC)
    table.refused.clear()
    routes.refresh()
    assert table.routes == {}


def test_new_addresses_and_hops_are_followed(table):
    addresses = [MOON, HERE]
    routes = Routes(table, chooser(table, addresses))
    routes.add(SPEC)
    table.hops[SUN] = Way(4)
    addresses[1] = ip_address("10.1.0.9")
    routes.refresh()
    assert table.routes == {NET: Way(4, None, ip_address("10.1.0.9"))}


def test_route_that_the_kernel_dropped_comes_back(table, routes):
    routes.add(SPEC)
    table.routes.clear()
    assert routes.missing() == {NET: Way(3, ROUTER, HERE)}
    routes.refresh()
    assert NET in table.routes and routes.missing() == {}


def test_route_that_nobody_needs_is_a_stray(table, routes):
    routes.add(SPEC)
    table.routes[ip_network("10.9.0.0/24")] = Way(3)
    assert routes.strays() == {ip_network("10.9.0.0/24"): Way(3)}


def test_peer_that_appears_later_gets_its_route(table, routes):
    del table.hops[SUN]
    routes.add(SPEC)
    assert table.routes == {}
    table.hops[SUN] = Way(3)
    routes.refresh()
    assert NET in table.routes


def test_range_has_a_route_for_each_prefix_and_too_many_are_refused(table, routes):
    routes.add(replace(SPEC, destination=TrafficSelector.of("10.2.0.0-10.2.0.2")))
    assert sorted(map(str, table.routes)) == ["10.2.0.0/31", "10.2.0.2/32"]


@pytest.mark.parametrize(("changes", "wanted"), [
    ({}, True),
    ({"action": Mode.BEET}, True),
    ({"action": Mode.PASS}, True),
    ({"action": Mode.TRANSPORT}, False),
    ({"action": Mode.DROP}, False),
    ({"direction": Direction.IN}, False),
    ({"source": TrafficSelector.of("10.1.0.0/24", 6)}, False),
    ({"destination": TrafficSelector.of("10.2.0.0/24", 17, (53, 53))}, False),
])  # fmt: skip
def test_which_policies_want_a_route(changes, wanted):
    assert wants_route(replace(SPEC, **changes)) == wanted


def test_own_packets_would_miss_the_tunnel_without_an_address_inside(table):
    assert chooser(table, (MOON,))(SPEC) is None


def test_everything_needs_no_source(table):
    assert chooser(table)(replace(SPEC, source=TrafficSelector.of("0.0.0.0/0"))) == Way(3, ROUTER)


def test_gateway_of_the_other_family_is_of_no_use(table):
    six = replace(SPEC, source=TrafficSelector.of("::/0"), destination=TrafficSelector.of("fd02::/64"))
    assert chooser(table)(six) == Way(3)


def test_interface_of_the_connection_is_the_way(table):
    assert chooser(table, (MOON,), device=9)(SPEC) == Way(9)


def test_what_passes_goes_to_the_next_table(table):
    assert chooser(table)(replace(SPEC, action=Mode.PASS)) == Way(throw=True)


def test_shunt_and_tunnel_change_places(table, routes):
    shunt = replace(SPEC, action=Mode.PASS)
    routes.add(shunt)
    routes.add(SPEC)
    assert table.routes[NET] == Way(throw=True)
    routes.remove(shunt)
    assert table.routes[NET] == Way(3, ROUTER, HERE)


def test_inside_is_of_the_right_family():
    assert inside(LAN, [ip_address("fd01::1"), HERE]) == HERE
    assert inside(LAN, [MOON]) is None
