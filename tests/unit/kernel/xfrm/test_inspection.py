"""Comparing a simulated kernel with what it was told."""

from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network

import pytest
from simulated import SimulatedNetlink

from cygnet.base.errors import LocalError
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.xfrm.associations import Associations
from cygnet.kernel.backends.xfrm.constants import Kind
from cygnet.kernel.backends.xfrm.devices import Devices
from cygnet.kernel.backends.xfrm.inspection import Comparison, Parts, drops, view
from cygnet.kernel.backends.xfrm.owner import Owner
from cygnet.kernel.backends.xfrm.policies import Policies
from cygnet.kernel.backends.xfrm.routes import Routes
from cygnet.kernel.backends.xfrm.ways import Way
from cygnet.kernel.port import (
    Algorithm,
    Compression,
    Direction,
    DropCount,
    Encapsulation,
    IpProtocol,
    Mark,
    Mode,
    PolicySpec,
    SaId,
    SaSpec,
)

MOON, SUN = ip_address("192.0.2.1"), ip_address("192.0.2.2")
GCM = Algorithm(20, 256, Secret(b"\7" * 36))
SA = SaSpec(SaId(MOON, SUN, IpProtocol.ESP, 0xC9), 1, Mode.TUNNEL, False, GCM)
POLICY = PolicySpec(
    Direction.OUT,
    TrafficSelector.of("10.1.0.0/24"),
    TrafficSelector.of("10.2.0.0/24"),
    Mode.TUNNEL,
    1,
    MOON,
    SUN,
)
NET = ip_network("10.2.0.0/24")


@dataclass
class Table:
    """A routing table; ``rules`` are the IP versions with our rule."""

    routes: dict = field(default_factory=dict)
    rules: set = field(default_factory=lambda: {4, 6})

    def put(self, network, way):
        self.routes[network] = way

    def drop(self, network, way):
        del self.routes[network]

    def held(self):
        return dict(self.routes)

    def rules_missing(self):
        return tuple({4, 6} - self.rules)

    def restore_rule(self, version):
        if version == 6:
            raise LocalError("rule for table 220 refused: IPv6 is off")
        self.rules.add(version)


class NoLinks:
    """A host without interfaces."""

    def __enter__(self):
        return self

    def __exit__(self, *details):
        pass

    def get_links(self):
        return []


@pytest.fixture
def parts():
    netlink, owner, table = SimulatedNetlink(), Owner(0x51B), Table()
    sas = Associations(netlink, owner, (0xC0000000, 0xCFFFFFFF), lambda: 1090.0, lambda spec: (b"",))
    made = Parts(
        netlink,
        owner,
        sas,
        Policies(netlink, owner, lambda spec: b""),
        Devices(owner.tag, NoLinks),
        table,
        Routes(table, lambda spec: Way(3)),
        lambda: 1090.0,
    )
    made.associations.add(SA)
    made.policies.add(POLICY)
    made.routes.add(POLICY)
    return made


def texts(parts, repair=False):
    return [one.text for one in Comparison(parts, repair).differences()]


def test_nothing_differs_at_first(parts):
    parts.associations.add(replace(SA, id=replace(SA.id, spi=0xCA), compression=Compression(2, 0x1234)))
    parts.associations.allocate(SUN, MOON, IpProtocol.ESP)
    assert texts(parts) == []


def test_lost_sa_is_named_and_cannot_be_mended(parts):
    parts.netlink.sas.clear()
    (found,) = Comparison(parts, repair=True).differences()
    assert (found.text, found.missing) == ("ESP SA 000000c9 (192.0.2.1 to 192.0.2.2) is missing", SA.id)
    assert not found.repaired


def test_sa_of_ours_that_nobody_knows_is_removed(parts):
    stranger = Associations(parts.netlink, parts.owner, (1, 2), lambda: 0.0, lambda spec: (b"",))
    stranger.add(replace(SA, id=replace(SA.id, spi=0xCB)))
    assert texts(parts) == ["ESP SA 000000cb (192.0.2.1 to 192.0.2.2) is there and belongs to nothing"]
    assert [one.repaired for one in Comparison(parts, repair=True).differences()] == [True]
    assert [info.spi for info in parts.netlink.infos()] == [0xC9]


def test_foreign_entries_are_no_difference_and_stay(parts):
    other = Owner(0x600)
    Associations(parts.netlink, other, (1, 2), lambda: 0.0, lambda spec: (b"",)).add(
        replace(SA, id=replace(SA.id, spi=0xCB))
    )
    Policies(parts.netlink, other, lambda spec: b"").add(replace(POLICY, mark=Mark(7)))
    assert texts(parts, repair=True) == []
    assert (len(parts.netlink.sas), len(parts.netlink.policies)) == (2, 2)


def test_lost_policy_comes_back(parts):
    (body,) = parts.netlink.policies.values()
    parts.netlink.policies.clear()
    assert texts(parts, repair=True) == ["policy out 10.1.0.0/24 === 10.2.0.0/24 is missing"]
    assert list(parts.netlink.policies.values()) == [body]


def test_changed_policy_is_put_right(parts):
    ((key, body),) = parts.netlink.policies.items()
    parts.netlink.policies[key] = body[:152] + (17).to_bytes(4, "little") + body[156:]
    (text,) = texts(parts, repair=True)
    assert "has been changed: out 10.1.0.0/24 === 10.2.0.0/24, priority 17: esp reqid 1 tunnel" in text
    assert texts(parts) == []


def test_policy_of_ours_that_nobody_knows_is_removed(parts):
    Policies(parts.netlink, parts.owner, lambda spec: b"").add(replace(POLICY, direction=Direction.IN))
    (text,) = texts(parts, repair=True)
    assert text.endswith("is there and belongs to nothing")
    assert len(parts.netlink.policies) == 1


def test_rules_and_routes_are_compared_too(parts):
    parts.table.rules.clear()
    parts.table.routes = {ip_network("10.9.0.0/24"): Way(3)}
    found = Comparison(parts, repair=True).differences()
    assert [(one.text, one.repaired) for one in found] == [
        ("the IPv4 rule for the routing table is missing", True),
        ("the IPv6 rule for the routing table is missing", False),
        ("route to 10.2.0.0/24 is missing or different", True),
        ("route to 10.9.0.0/24 is there and belongs to nothing", True),
    ]
    assert found[1].failure == "rule for table 220 refused: IPv6 is off"
    assert parts.table.routes == {NET: Way(3)}


def test_refused_repair_says_why(parts):
    parts.netlink.policies.clear()
    parts.netlink.refuse_next(Kind.NEW_POLICY, 1)
    (found,) = Comparison(parts, repair=True).differences()
    assert (found.repaired, found.failure) == (False, "Operation not permitted")


def test_view_tells_everything(parts):
    parts.associations.add(
        replace(
            SA, id=replace(SA.id, spi=0xCA), mark=Mark(5), if_id=9, encapsulation=Encapsulation(4500, 1025)
        )
    )
    parts.associations.allocate(SUN, MOON, IpProtocol.ESP)
    parts.netlink.carry(0xCA, 840, 10)
    Policies(parts.netlink, Owner(0x600), lambda spec: b"").add(replace(POLICY, mark=Mark(7)))
    told = view(parts)
    first, second = told.sas
    assert (first.id, first.ours, first.mode, first.reqid) == (SA.id, True, Mode.TUNNEL, 1)
    assert (second.mark, second.if_id, second.encapsulation) == (Mark(5), 9, Encapsulation(4500, 1025))
    assert (second.usage.bytes, second.usage.last_used_s) == (840, 30.0)
    assert told.policies == (
        "out 10.1.0.0/24 === 10.2.0.0/24, priority 375423: esp reqid 1 tunnel 192.0.2.1 to 192.0.2.2",
    )
    assert (told.reservations, told.foreign_policies) == (1, 1)
    assert told.routes == ("10.2.0.0/24 interface 3",)


def test_drops_are_those_that_are_not_zero(tmp_path):
    file = tmp_path / "xfrm_stat"
    file.write_text("XfrmInError             \t0\nXfrmInNoPols            \t3\n")
    assert drops(file) == (DropCount("XfrmInNoPols: packets came in for which there is no policy", 3),)
    assert drops(tmp_path / "missing") == ()
