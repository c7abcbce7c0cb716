"""Routes and rules, on a netlink socket that only takes notes."""

from ipaddress import ip_address

import pytest

from cygnet.base.errors import LocalError
from cygnet.base.selectors import TrafficSelector
from cygnet.espd import routes
from cygnet.espd.routes import MARK_TABLES, TABLE, Routes
from cygnet.kernel.backends.netlink import RefusedError
from cygnet.kernel.port import Direction, Mark, Mode, PolicySpec


class Notes:
    """Stands for both netlink sockets; ``refuse`` names a destination that the kernel refuses."""

    def __init__(self):
        self.routes, self.rules, self.refuse = {}, set(), ""

    def replace(self, table, network, device, source):
        if str(network) == self.refuse:
            raise RefusedError(22, "no")
        self.routes[table, str(network)] = (device, str(source))

    def remove(self, table, network):
        del self.routes[table, str(network)]

    def rule(self, command, table, priority, fwmark, fwmask, family, flags=0):
        rule = (table, priority, fwmark, fwmask, family)
        if command == "add":
            self.rules.add(rule)
        else:
            self.rules.remove(rule)

    def get_routes(self, **_):
        return []

    def get_rules(self, **_):
        return []

    def close(self):
        pass


class Addresses:
    def __call__(self):
        return (ip_address("10.1.0.1"),)

    def close(self):
        pass


class Indexes:
    """Device 7 for packets without a mark, 100 plus the mark for others."""

    def __init__(self):
        self.users = []

    def enter(self, mark):
        self.users.append(mark)
        return 100 + mark.value if mark else 7

    def leave(self, mark):
        self.users.remove(mark)


@pytest.fixture
def made(monkeypatch):
    notes, indexes = Notes(), Indexes()
    monkeypatch.setattr(routes, "IPRoute", lambda: notes)
    monkeypatch.setattr(routes, "RouteSocket", lambda protocol: notes)
    monkeypatch.setattr(routes, "KnownAddresses", Addresses)
    return Routes(indexes), notes, indexes


def policy(destination: str, mark: Mark | None = None, **more: object) -> PolicySpec:
    near = more.pop("source", TrafficSelector.of("10.1.0.0/16"))
    return PolicySpec(Direction.OUT, near, TrafficSelector.of(destination), Mode.TUNNEL, 1, mark=mark, **more)


def test_policies_lead_to_the_device_and_share_routes(made):
    own, notes, indexes = made
    own.add(policy("10.2.0.0/16"))
    own.add(policy("10.2.0.0/16", priority=5))
    assert notes.routes == {(TABLE, "10.2.0.0/16"): (7, "10.1.0.1")}
    own.remove(policy("10.2.0.0/16"))
    assert notes.routes
    own.remove(policy("10.2.0.0/16", priority=5))
    assert (notes.routes, indexes.users) == ({}, [])


def test_policy_used_twice_keeps_its_route_until_the_last_use(made):
    own, notes, _ = made
    own.add(policy("10.2.0.0/16"))
    own.add(policy("10.2.0.0/16"))
    own.remove(policy("10.2.0.0/16"))
    assert notes.routes
    own.remove(policy("10.2.0.0/16"))
    assert not notes.routes


def test_route_has_the_source_of_a_policy_that_is_left(made):
    own, notes, _ = made
    elsewhere = policy("10.2.0.0/16", source=TrafficSelector.of("10.9.0.0/16"))
    own.add(policy("10.2.0.0/16"))
    own.add(elsewhere)
    own.remove(policy("10.2.0.0/16"))
    assert notes.routes == {(TABLE, "10.2.0.0/16"): (7, "None")}
    own.remove(elsewhere)
    assert not notes.routes


def test_nothing_stays_after_the_end(made):
    own, notes, _ = made
    own.add(policy("10.2.0.0/16"))
    own.add(policy("10.3.0.0/16", Mark(1, 0xF)))
    own.close()
    assert not notes.routes


def test_range_that_is_no_prefix_gets_several_routes(made):
    own, notes, _ = made
    own.add(policy("10.2.0.1-10.2.0.4"))
    assert {dst for _, dst in notes.routes} == {"10.2.0.1/32", "10.2.0.2/31", "10.2.0.4/32"}


def test_each_mark_has_a_table_and_a_rule_as_long_as_it_has_policies(made):
    own, notes, indexes = made
    one, other = Mark(1, 0xF), Mark(2, 0xF)
    before = set(notes.rules)
    for spec in (policy("10.2.0.0/16", one), policy("10.2.0.0/16", other), policy("10.3.0.0/16", one)):
        own.add(spec)
    assert notes.routes == {
        (MARK_TABLES, "10.2.0.0/16"): (101, "10.1.0.1"), (MARK_TABLES, "10.3.0.0/16"): (101, "10.1.0.1"),
        (MARK_TABLES + 1, "10.2.0.0/16"): (102, "10.1.0.1"),
    }
    assert {rule[:4] for rule in notes.rules - before} == {
        (MARK_TABLES, 219, 1, 0xF), (MARK_TABLES + 1, 219, 2, 0xF)}
    own.remove(policy("10.2.0.0/16", one))
    own.remove(policy("10.3.0.0/16", one))
    own.remove(policy("10.2.0.0/16", other))
    assert (notes.rules, notes.routes, indexes.users) == (before, {}, [])


def test_mark_that_our_own_packets_have_is_refused_and_leaves_nothing(made):
    own, notes, indexes = made
    before = set(notes.rules)
    with pytest.raises(LocalError, match="also that of IKE and ESP packets"):
        own.add(policy("10.2.0.0/16", Mark(0, 0xF)))
    assert (notes.rules, notes.routes, indexes.users) == (before, {}, [])


def test_refused_route_leaves_nothing(made):
    own, notes, indexes = made
    before = set(notes.rules)
    notes.refuse = "10.2.0.4/32"
    with pytest.raises(LocalError, match=r"route to 10.2.0.1..10.2.0.4 refused"):
        own.add(policy("10.2.0.1-10.2.0.4", Mark(1, 0xF)))
    assert (notes.rules, notes.routes, indexes.users) == (before, {}, [])
