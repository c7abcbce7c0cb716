"""A CHILD_SA that moves, in a kernel that refuses parts of it."""

import pytest

from cygnet.base.addresses import Host
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.crypto.proposals import Protocol, parse_proposals
from cygnet.kernel.backends.memory import MemoryKernel
from cygnet.kernel.port import KernelError, Lifetime, Mode
from cygnet.keying.config.records import ChildConfig
from cygnet.keying.sa.child_keys import ChildKeys
from cygnet.keying.sa.child_sa import Agreed, ChildSa
from cygnet.keying.sa.esp_path import Path

HERE, THERE = Host.of("192.0.2.1", 4500), Host.of("192.0.2.2", 4500)
MOVED, SIX = Host.of("198.51.100.1", 4500), Host.of("2001:db8::1", 4500)
ESP = parse_proposals("aes128gcm16!", Protocol.ESP)
LOCAL, REMOTE = (TrafficSelector.of("10.1.0.0/16"),), (TrafficSelector.of("10.2.0.0/16"),)
KEY = Secret(bytes(20))


def installed():
    kernel = MemoryKernel()
    config = ChildConfig("net", LOCAL, REMOTE, ESP)
    spi = kernel.allocate_spi(THERE.address, HERE.address, config.protocol)
    child = ChildSa(1, config, 7, Path(HERE, THERE, False), spi)
    keys = ChildKeys(KEY, Secret(b""), KEY, Secret(b""))
    agreed = Agreed(ESP[0].with_spi(b"abcd"), Mode.TUNNEL, LOCAL, REMOTE, 0x61626364)
    child.install(kernel, agreed, keys, Lifetime(), exchange_initiator=True)
    child.install_outbound(kernel)
    return kernel, child


def outer(kernel):
    return {
        frozenset((spec.outer_source, spec.outer_destination)) for spec in kernel.policies
    }


def test_everything_moves():
    kernel, child = installed()
    child.move(kernel, Path(MOVED, THERE, True))
    assert {spec.id for spec in kernel.sas.values()} == {child.inbound, child.outbound}
    assert all(spec.encapsulation is not None for spec in kernel.sas.values())
    assert outer(kernel) == {frozenset((MOVED.address, THERE.address))}
    child.remove(kernel)
    assert kernel.is_empty()


@pytest.mark.parametrize("calls", [1, 2])
def test_refused_move_leaves_both_sas_where_they_were(calls):
    kernel, child = installed()
    before = set(kernel.sas)
    if calls == 1:
        kernel.fail_next("update_sa", "no")
    else:
        refuse_second(kernel)
    with pytest.raises(KernelError):
        child.move(kernel, Path(MOVED, THERE, False))
    assert set(kernel.sas) == before == {child.inbound, child.outbound}
    child.remove(kernel)
    assert kernel.is_empty()


def refuse_second(kernel):
    update, calls = kernel.update_sa, []

    def second(*what):
        calls.append(what)
        if len(calls) == 2:
            raise KernelError("no")
        update(*what)

    kernel.update_sa = second


@pytest.mark.parametrize("number", [1, 2, 3])
def test_refused_policy_leaves_all_policies_as_they_were(number):
    kernel, child = installed()
    before, add, calls = dict(kernel.policies), kernel.add_policy, []

    def refuse(spec):
        calls.append(spec)
        if len(calls) == number:
            raise KernelError("no")
        add(spec)

    kernel.add_policy = refuse
    with pytest.raises(KernelError):
        child.move(kernel, Path(MOVED, THERE, False))
    assert dict(kernel.policies) == before
    child.remove(kernel)
    assert kernel.is_empty()


def test_reservation_is_given_back_when_the_host_moves_before_there_are_keys():
    kernel = MemoryKernel()
    config = ChildConfig("net", LOCAL, REMOTE, ESP)
    spi = kernel.allocate_spi(THERE.address, HERE.address, config.protocol)
    child = ChildSa(1, config, 7, Path(HERE, THERE, False), spi)
    child.move(kernel, Path(SIX, Host.of("2001:db8::2", 4500), False))
    assert kernel.is_empty()


def test_removed_child_does_not_move():
    kernel, child = installed()
    child.remove(kernel)
    calls = len(kernel.calls)
    child.move(kernel, Path(MOVED, THERE, False))
    assert len(kernel.calls) == calls


def test_refused_change_of_place_leaves_it_where_it_was():
    kernel, child = installed()
    kernel.fail_next("add_policy", "no")
    with pytest.raises(KernelError):
        child.stand_behind(kernel, 99)
    assert child.behind == 0 and child.sends
