"""Policies in a simulated kernel."""

import errno
from dataclasses import replace
from ipaddress import ip_address

import pytest
from simulated import SimulatedNetlink

from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.netlink import attributes
from cygnet.kernel.backends.xfrm.constants import Attr, Kind
from cygnet.kernel.backends.xfrm.owner import Owner
from cygnet.kernel.backends.xfrm.policies import Policies, templates
from cygnet.kernel.backends.xfrm.policy_layout import POLICY_SIZE, Template, unpack_templates
from cygnet.kernel.port import Direction, IpProtocol, KernelError, Mark, Mode, PolicySpec

MOON, SUN = ip_address("192.0.2.1"), ip_address("192.0.2.2")
LAN, PEER = TrafficSelector.of("10.1.0.0/24"), TrafficSelector.of("10.2.0.0/24")
CHILD = PolicySpec(Direction.OUT, LAN, PEER, Mode.TUNNEL, 1, MOON, SUN)
TRAP = replace(CHILD, trap=True, reqid=2)
OWNER = Owner(0x51B)


@pytest.fixture
def netlink():
    return SimulatedNetlink()


@pytest.fixture
def policies(netlink):
    return Policies(netlink, OWNER, lambda spec: b"")


def all_templates(netlink: SimulatedNetlink) -> list[Template]:
    """Those of every policy in the kernel."""
    bodies = netlink.policies.values()
    found = [unpack_templates(attributes(body[POLICY_SIZE:])[Attr.TMPL]) for body in bodies]
    return [template for several in found for template in several]


def held_templates(netlink: SimulatedNetlink) -> list[int]:
    return [template.reqid for template in all_templates(netlink)]


def named_spis(netlink: SimulatedNetlink) -> list[int]:
    return [template.spi for template in all_templates(netlink)]


def test_policy_bears_our_mark_and_charon_s_priority(policies, netlink):
    assert policies.add(CHILD)
    (info,) = netlink.policy_infos()
    assert (info.priority, info.direction, info.action, OWNER.owns(info.index)) == (375423, 1, 0, True)
    assert info.index & 7 == 1


def test_shared_policy_is_asked_for_once_and_goes_with_its_last_user(policies, netlink):
    assert policies.add(CHILD)
    assert not policies.add(CHILD)
    assert not policies.remove(CHILD)
    assert policies.remove(CHILD)
    assert netlink.kinds() == [Kind.NEW_POLICY, Kind.DELETE_POLICY]


def test_child_sa_replaces_the_trap_in_the_kernel_and_gives_it_back(policies, netlink):
    policies.add(TRAP)
    policies.add(CHILD)
    assert held_templates(netlink) == [1]
    policies.remove(CHILD)
    assert held_templates(netlink) == [2]
    assert netlink.kinds() == [Kind.NEW_POLICY, Kind.UPDATE_POLICY, Kind.UPDATE_POLICY]
    assert len({info.index for info in netlink.policy_infos()}) == 1


def test_shunts_have_no_template(policies, netlink):
    policies.add(replace(CHILD, action=Mode.PASS))
    policies.add(replace(CHILD, action=Mode.DROP, destination=TrafficSelector.of("10.3.0.0/24")))
    assert sorted(info.action for info in netlink.policy_infos()) == [0, 1]
    assert all(Attr.TMPL not in attributes(body[POLICY_SIZE:]) for body in netlink.policies.values())


def test_policy_of_somebody_else_is_left_alone_and_named(policies, netlink):
    Policies(netlink, Owner(0x600), lambda spec: b"").add(CHILD)
    with pytest.raises(KernelError, match="somebody else's policy"):
        policies.add(CHILD)
    (info,) = netlink.policy_infos()
    assert Owner(0x600).owns(info.index)
    assert policies.table.expected() == []


def test_half_installed_range_is_taken_back(policies, netlink):
    ranged = replace(CHILD, destination=TrafficSelector.of("10.2.0.0-10.2.0.2"))
    other = replace(CHILD, destination=TrafficSelector.of("10.2.0.2"))
    Policies(netlink, Owner(0x600), lambda spec: b"").add(other)
    with pytest.raises(KernelError):
        policies.add(ranged)
    assert [str(info.selector.destination) for info in netlink.policy_infos()] == ["10.2.0.2/32"]


def test_failed_change_leaves_what_was_there(policies, netlink):
    policies.add(TRAP)
    netlink.refuse_next(Kind.UPDATE_POLICY, errno.ENOMEM)
    with pytest.raises(KernelError, match="memory"):
        policies.add(CHILD)
    assert held_templates(netlink) == [2]
    policies.remove(TRAP)
    assert netlink.policies == {}


def test_policy_gone_already_is_removed_without_complaint(policies, netlink):
    policies.add(CHILD)
    netlink.policies.clear()
    assert policies.remove(CHILD)


def test_policy_names_an_sa_until_that_is_gone(policies, netlink):
    policies.add(replace(CHILD, next_spi=0xC1))
    assert named_spis(netlink) == [0xC1]
    policies.forget_spi(0xC1)
    assert named_spis(netlink) == [0]


def test_mark_and_interface_are_part_of_the_name(policies, netlink):
    policies.add(replace(CHILD, mark=Mark(5, 0xFF), if_id=9))
    policies.remove(replace(CHILD, mark=Mark(5, 0xFF), if_id=9))
    assert netlink.policies == {}


def test_flush_removes_all_of_ours(policies, netlink):
    policies.add(CHILD)
    policies.add(TRAP)
    policies.flush()
    assert netlink.policies == {}
    assert policies.add(CHILD)


def test_template_of_a_tunnel_has_the_outer_family():
    six = replace(CHILD, outer_source=ip_address("2001:db8::1"), outer_destination=ip_address("2001:db8::2"))
    (template,) = templates(six, 4)
    assert (template.version, template.mode, template.destination) == (6, 1, six.outer_destination)


def test_template_of_transport_mode_has_no_addresses():
    (template,) = templates(replace(CHILD, action=Mode.TRANSPORT, protocol=IpProtocol.AH), 4)
    assert (template.source, template.destination, template.protocol, template.mode) == (None, None, 51, 0)


@pytest.mark.parametrize(
    ("direction", "optional"), [(Direction.OUT, False), (Direction.IN, True), (Direction.FORWARD, True)]
)
def test_ipcomp_is_inside_esp_and_inbound_optional(direction, optional):
    inner, outer = templates(replace(CHILD, direction=direction, compression=True), 4)
    assert (inner.protocol, inner.mode, inner.optional) == (108, 1, optional)
    assert (outer.protocol, outer.mode, outer.optional, outer.source) == (50, 0, False, None)


def test_trap_for_any_peer_has_no_destination():
    (template,) = templates(replace(TRAP, outer_destination=None), 4)
    assert (template.source, template.destination) == (MOON, None)
