"""Trap and shunt policies in an in-memory kernel."""

from dataclasses import replace
from ipaddress import ip_address
from itertools import count

import pytest

from cygnet.base.errors import LocalError
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.config.records import AddressSpec, AuthConfig, ChildConfig, IkeConfig, PeerConfig
from cygnet.charon.jobs.numbers import Numbers
from cygnet.charon.jobs.traps import Traps
from cygnet.kernel.port import Direction, KernelError, Mode
from cygnet.runtime.bus.bus import Bus

CHILD = ChildConfig("net", (TrafficSelector.of("10.1.0.0/16"),), (TrafficSelector.of("%dynamic"),))
PEER = PeerConfig(
    "net", IkeConfig(remote=AddressSpec(("192.0.2.2",))), (AuthConfig(),), (AuthConfig(),), (CHILD,)
)


class PolicyKernel:
    """A kernel as far as traps use it; ``broken`` refuses the policy of that many successes."""

    def __init__(self, broken=None):
        self.policies = []
        self.broken = broken

    def add_policy(self, spec):
        if self.broken is not None and len(self.policies) >= self.broken:
            raise KernelError("no room")
        self.policies.append(spec)

    def delete_policy(self, spec):
        self.policies.remove(spec)

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


def test_trap_to_anybody_is_refused_with_the_reason():
    with pytest.raises(LocalError, match=r"installing trap failed.*right="):
        traps(PolicyKernel()).install(replace(PEER, ike=IkeConfig()), CHILD)


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
