"""Trap and shunt policies in an in-memory kernel."""

from dataclasses import replace
from ipaddress import ip_address
from itertools import count

import pytest

from cygnet.base.errors import LocalError
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.kernel.backends.memory import MemoryKernel
from cygnet.kernel.port import Direction, InterfaceKind, IpProtocol, KernelError, Mark, Mode
from cygnet.keying.config.records import (
    AddressSpec,
    AuthConfig,
    Binding,
    ChildConfig,
    IkeConfig,
    PeerConfig,
    UniqueMark,
)
from cygnet.keying.numbers import Numbers
from cygnet.keying.traps import Traps
from cygnet.runtime.bus.bus import Bus

CHILD = ChildConfig("net", (TrafficSelector.of("10.1.0.0/16"),), (TrafficSelector.of("%dynamic"),))
PEER = PeerConfig(
    "net", IkeConfig(remote=AddressSpec(("192.0.2.2",))), (AuthConfig(),), (AuthConfig(),), (CHILD,)
)


class PolicyKernel:
    """A kernel as far as traps use it; ``broken`` refuses the policy of that many successes."""

    def __init__(self, broken=None):
        self.policies = []
        self.failed = []
        self.broken = broken

    def add_policy(self, spec):
        if self.broken is not None and len(self.policies) >= self.broken:
            raise KernelError("no room")
        self.policies.append(spec)

    def delete_policy(self, spec):
        self.policies.remove(spec)

    def acquire_failed(self, reqid):
        self.failed.append(reqid)

    def source_address(self, destination):
        return ip_address("192.0.2.1")


def traps(kernel):
    counter = count(1)
    return Traps(kernel, Numbers(lambda: next(counter)), lambda text: (ip_address(text),), Bus())


def test_trap_covers_all_directions_between_the_outer_addresses():
    kernel = PolicyKernel()
    routed = traps(kernel).install(PEER, CHILD)
    assert {policy.direction for policy in kernel.policies} == set(Direction)
    out = next(policy for policy in kernel.policies if policy.direction is Direction.OUT)
    assert (str(out.source), str(out.destination), out.trap, out.reqid) == (
        "10.1.0.0/16",
        "192.0.2.2/32",
        True,
        1,
    )
    assert (str(out.outer_source), str(out.outer_destination)) == ("192.0.2.1", "192.0.2.2")
    assert (routed.name, routed.reqid, routed.mode) == ("net", 1, Mode.TUNNEL)


def test_trap_with_an_interface_is_bound_to_it_and_gives_it_back():
    kernel = MemoryKernel(addresses=[ip_address("192.0.2.1")])
    installed = traps(kernel)
    installed.install(PEER, replace(CHILD, binding=Binding(InterfaceKind.XFRM, "office")))
    (interface,) = kernel.interfaces
    assert interface.name == "office"
    assert {policy.if_id for policy in kernel.policies} == {interface.if_id}
    installed.uninstall("net")
    assert kernel.is_empty()


def test_trap_that_cannot_be_installed_gives_its_interface_back():
    kernel = MemoryKernel(addresses=[ip_address("192.0.2.1")])
    kernel.fail_next("add_policy", "no room")
    with pytest.raises(LocalError, match="no room"):
        traps(kernel).install(PEER, replace(CHILD, binding=Binding(InterfaceKind.AUTO)))
    assert kernel.is_empty()


def test_trap_has_the_interface_ids_of_its_directions():
    kernel = PolicyKernel()
    traps(kernel).install(PEER, replace(CHILD, binding=Binding(if_id_in=1, if_id_out=2)))
    assert {(policy.direction, policy.if_id) for policy in kernel.policies} == {
        (Direction.OUT, 2), (Direction.IN, 1), (Direction.FORWARD, 1),
    }  # fmt: skip


def test_trap_is_found_by_its_reqid_until_it_is_removed():
    kernel = PolicyKernel()
    installed = traps(kernel)
    installed.install(PEER, CHILD)
    assert installed.find(1).child is CHILD
    assert installed.uninstall("net").reqid == 1
    assert (installed.find(1), installed.installed(), kernel.policies) == (None, (), [])
    assert installed.uninstall("net") is None


def test_installing_again_replaces_without_leaving_anything_behind():
    kernel = PolicyKernel()
    installed = traps(kernel)
    installed.install(PEER, CHILD)
    installed.install(PEER, CHILD)
    assert (len(kernel.policies), len(installed.installed())) == (3, 1)


def test_shunt_needs_no_addresses_and_has_no_reqid():
    kernel = PolicyKernel()
    anywhere = replace(PEER, ike=IkeConfig())
    routed = traps(kernel).install(anywhere, replace(CHILD, mode=Mode.DROP))
    assert (routed.reqid, {policy.action for policy in kernel.policies}) == (0, {Mode.DROP})


ANYBODY = replace(PEER, ike=IkeConfig())
HOSTS = replace(CHILD, mode=Mode.TRANSPORT, local_ts=(TrafficSelector.of("%dynamic"),))


@pytest.mark.parametrize(("child", "words"), [
    (CHILD, "right="),
    (replace(CHILD, mode=Mode.BEET), "right="),
    (HOSTS, "remote address unknown with dynamic traffic selector: name the peer"),
])
def test_trap_to_anybody_is_refused_with_the_reason(child, words):
    with pytest.raises(LocalError, match=f"installing trap failed: .*{words}"):
        traps(PolicyKernel()).install(ANYBODY, child)


def test_transport_mode_trap_may_make_peers_of_all_hosts_of_its_selectors():
    kernel = PolicyKernel()
    installed = traps(kernel)
    child = replace(HOSTS, remote_ts=(TrafficSelector.of("192.0.2.0/24"),))
    routed = installed.install(ANYBODY, child)
    assert list(map(str, routed.local_ts)) == ["0.0.0.0/0", "::/0"]
    assert {policy.outer_destination for policy in kernel.policies} == {None}
    assert {(str(p.source), str(p.destination)) for p in kernel.policies if p.direction is Direction.OUT} == {
        ("0.0.0.0/0", "192.0.2.0/24")}
    trap = installed.find(routed.reqid)
    assert trap.wildcard
    ours, theirs = trap.wanted_for(ip_address("192.0.2.1"), ip_address("192.0.2.7"))
    assert (list(map(str, ours)), list(map(str, theirs))) == (["192.0.2.1/32"], ["192.0.2.7/32"])


def test_shunt_has_its_marks_too():
    kernel = PolicyKernel()
    traps(kernel).install(PEER, replace(CHILD, mode=Mode.DROP, mark_out=Mark(3)))
    assert {policy.mark for policy in kernel.policies if policy.direction is Direction.OUT} == {Mark(3)}
    with pytest.raises(LocalError, match="%unique"):
        traps(kernel).install(PEER, replace(CHILD, mode=Mode.DROP, mark_out=UniqueMark()))


def test_trap_to_a_known_peer_goes_to_it_whatever_the_packet():
    installed = traps(PolicyKernel())
    routed = installed.install(PEER, CHILD)
    trap = installed.find(routed.reqid)
    assert (trap.peer, trap.child, trap.wildcard) == (PEER, CHILD, False)
    assert trap.wanted_for(ip_address("10.1.0.9"), ip_address("10.9.9.9")) is None


@pytest.mark.parametrize(("changes", "words"), [
    ({"install_policies": False}, "installpolicy=no"),
    ({"mark_out": UniqueMark()}, "%unique"),
])
def test_trap_that_could_not_work_is_refused_with_the_reason(changes, words):
    with pytest.raises(LocalError, match=f"installing trap failed: .*{words}"):
        traps(PolicyKernel()).install(PEER, replace(CHILD, **changes))


def test_trap_has_the_marks_and_the_protocol_of_its_connection():
    kernel = PolicyKernel()
    ah = parse_proposals("sha256!", Protocol.AH)
    traps(kernel).install(PEER, replace(CHILD, mark_in=Mark(1), mark_out=Mark(2), proposals=ah))
    assert {policy.protocol for policy in kernel.policies} == {IpProtocol.AH}
    assert {(policy.direction, policy.mark.value) for policy in kernel.policies} == {
        (Direction.OUT, 2), (Direction.IN, 1), (Direction.FORWARD, 1)}


def test_selectors_that_cannot_go_together_get_no_policy():
    kernel = PolicyKernel()
    child = replace(CHILD, local_ts=(TrafficSelector.of("10.1.0.0/16", 6), TrafficSelector.of("::/0")),
                    remote_ts=(TrafficSelector.of("10.2.0.0/16", 17), TrafficSelector.of("10.3.0.0/16")))
    traps(kernel).install(PEER, child)
    out = [policy for policy in kernel.policies if policy.direction is Direction.OUT]
    assert [(str(one.source), str(one.destination)) for one in out] == [("10.1.0.0/16[tcp]", "10.3.0.0/16")]


def test_configured_reqid_is_not_released_in_the_name_of_another():
    kernel = PolicyKernel()
    installed = traps(kernel)
    first = installed.install(PEER, CHILD)
    installed.install(PEER, replace(CHILD, name="fixed", reqid=first.reqid))
    installed.uninstall("fixed")
    second = installed.install(PEER, replace(CHILD, name="second"))
    assert second.reqid == first.reqid


@pytest.mark.parametrize(("hosts", "expected"), [
    ((), {"0.0.0.0/0", "::/0"}), (("peer.example",), {"0.0.0.0/0", "::/0"}), (("10.9.9.9",), {"10.9.9.9/32"}),
])
def test_shunt_without_subnets_is_about_its_hosts_or_everything(hosts, expected):
    kernel = PolicyKernel()
    spec = AddressSpec(hosts)
    anywhere = replace(PEER, ike=IkeConfig(local=spec, remote=spec))
    child = replace(HOSTS, mode=Mode.PASS)
    routed = traps(kernel).install(anywhere, child)
    assert {str(policy.destination) for policy in kernel.policies} == expected
    assert set(map(str, routed.local_ts)) == expected


def test_refusing_kernel_keeps_no_half_of_a_trap():
    kernel = PolicyKernel(broken=2)
    installed = traps(kernel)
    with pytest.raises(KernelError, match="no room"):
        installed.install(PEER, CHILD)
    assert (kernel.policies, installed.installed()) == ([], ())


def test_restoring_puts_the_same_policies_into_an_empty_kernel():
    kernel = PolicyKernel()
    installed = traps(kernel)
    installed.install(PEER, CHILD)
    before, kernel.policies = kernel.policies, []
    installed.restore()
    assert kernel.policies == before


def test_kernel_hears_of_acquires_that_came_to_nothing():
    kernel = PolicyKernel()
    installed = traps(kernel)
    installed.asked(5, ticket=1)
    assert installed.answered(1) == 5
    assert installed.answered(1) == installed.answered(999) == 0
    installed.acquire_failed(5)
    assert kernel.failed == [5]
