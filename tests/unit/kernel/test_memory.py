"""The memory kernel: semantics, failures on demand, comparison of two."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.memory import MemoryKernel, differences
from cygnet.kernel.port import (
    AddressChange,
    Algorithm,
    Compression,
    Direction,
    Encapsulation,
    Features,
    IpProtocol,
    KernelError,
    Mode,
    PolicySpec,
    SaId,
    SaSpec,
    Usage,
)

A, B = ip_address("192.0.2.1"), ip_address("192.0.2.2")
NEAR, FAR = (TrafficSelector.of("10.1.0.0/16"),), (TrafficSelector.of("10.2.0.0/16"),)
KEY = Algorithm(20, 128, Secret(bytes(20)))


def spec(spi: int, inbound: bool) -> SaSpec:
    return SaSpec(SaId(A, B, IpProtocol.ESP, spi), 1, Mode.TUNNEL, inbound, KEY,
                  local_ts=FAR if inbound else NEAR, remote_ts=NEAR if inbound else FAR)


POLICY = PolicySpec(Direction.OUT, NEAR[0], FAR[0], Mode.TUNNEL, 1, A, B)


def test_sa_replaces_its_reservation_and_goes_without_trace():
    kernel = MemoryKernel()
    spi = kernel.allocate_spi(A, B, IpProtocol.ESP)
    assert not kernel.is_empty()
    kernel.add_sa(spec(spi, True))
    assert not kernel.reservations
    with pytest.raises(KernelError, match="exists"):
        kernel.add_sa(spec(spi, True))
    kernel.delete_sa(spec(spi, True).id)
    kernel.delete_sa(spec(spi, True).id)
    assert kernel.is_empty()


def test_update_moves_and_keeps_counters():
    kernel = MemoryKernel()
    old = spec(5, True)
    kernel.add_sa(old)
    kernel.carry(old.id, 84)
    new = replace(old.id, source=ip_address("192.0.2.9"))
    kernel.update_sa(old.id, new, Encapsulation(1, 2))
    assert kernel.query_sa(new) == Usage(84, 1, 0.0)
    assert kernel.sas[new].encapsulation == Encapsulation(1, 2)
    for wrong in (old.id, replace(new, spi=6)):
        with pytest.raises(KernelError):
            kernel.update_sa(wrong, replace(new, spi=7), None)
    with pytest.raises(KernelError):
        kernel.query_sa(old.id)


def test_policies_are_counted():
    kernel = MemoryKernel()
    kernel.add_policy(POLICY)
    kernel.add_policy(POLICY)
    kernel.delete_policy(POLICY)
    assert kernel.policies_for(NEAR[0], FAR[0]) == [POLICY]
    kernel.delete_policy(POLICY)
    with pytest.raises(KernelError):
        kernel.delete_policy(POLICY)


def test_failure_happens_once():
    kernel = MemoryKernel()
    kernel.fail_next("add_sa", "no memory")
    with pytest.raises(KernelError, match="no memory"):
        kernel.add_sa(spec(5, True))
    kernel.add_sa(spec(5, True))
    assert kernel.calls == ["add_sa", "add_sa"]


def test_events_arrive_between_start_and_close():
    kernel, heard = MemoryKernel(), []
    kernel.emit(AddressChange())
    kernel.add_sa(spec(5, True))
    kernel.start(heard.append)
    assert kernel.is_empty()
    kernel.emit(AddressChange())
    kernel.close(flush=True)
    kernel.emit(AddressChange())
    assert heard == [AddressChange()]
    assert kernel.closed


def test_addresses_are_as_given():
    kernel = MemoryKernel(addresses=[A])
    assert kernel.source_address(B) == A
    assert kernel.source_address(ip_address("::1")) is None
    kernel.sources[B] = B
    assert kernel.source_address(B) == B
    assert kernel.local_addresses() == (A,)
    assert Mode.TRANSPORT in kernel.features.modes


def test_cpis_are_kept_until_released_or_gone_with_their_sa():
    kernel = MemoryKernel()
    first, second = kernel.allocate_cpi(A, B), kernel.allocate_cpi(A, B)
    assert (first, second) == (256, 257)
    compressed = replace(spec(5, True), compression=Compression(2, second))
    kernel.add_sa(compressed)
    kernel.release_cpi(A, B, first)
    assert kernel.cpis == {(A, B, second)}
    kernel.delete_sa(compressed.id)
    assert kernel.is_empty()


def test_what_features_lack_is_refused():
    kernel = MemoryKernel()
    kernel.features = Features("small", frozenset(), frozenset(), frozenset({Mode.TUNNEL}))
    for call in (
        lambda: kernel.allocate_spi(B, A, IpProtocol.AH),
        lambda: kernel.allocate_cpi(B, A),
        lambda: kernel.add_sa(replace(spec(5, True), mode=Mode.TRANSPORT)),
        lambda: kernel.add_sa(replace(spec(5, True), id=SaId(B, A, IpProtocol.AH, 5))),
    ):
        with pytest.raises(KernelError, match="here"):
            call()


def test_transport_mode_through_a_nat_may_have_other_addresses_in_its_selectors():
    one, other = MemoryKernel(), MemoryKernel()
    near, far = TrafficSelector.of("10.0.0.1", 6), TrafficSelector.of("192.0.2.2", 6)
    seen = TrafficSelector.of("198.51.100.1", 6)
    changes = {"mode": Mode.TRANSPORT, "encapsulation": Encapsulation(4500, 4500)}
    one.add_sa(replace(spec(5, False), local_ts=(near,), remote_ts=(far,), **changes))
    other.add_sa(replace(spec(5, True), local_ts=(far,), remote_ts=(seen,), **changes))
    assert differences(one, other) == []
    other.delete_sa(spec(5, True).id)
    other.add_sa(replace(spec(5, True), local_ts=(replace(far, protocol=17),), remote_ts=(seen,), **changes))
    assert differences(one, other) == ["first to second: SPI 00000005 differs in remote selectors"]


def test_two_kernels_that_fit_have_no_differences():
    one, other = MemoryKernel(), MemoryKernel()
    one.add_sa(spec(5, False))
    other.add_sa(spec(5, True))
    assert differences(one, other) == []


def test_what_does_not_fit_is_named():
    one, other = MemoryKernel(), MemoryKernel()
    one.add_sa(replace(spec(5, False), esn=True))
    one.add_sa(spec(6, False))
    other.add_sa(spec(5, True))
    other.add_sa(spec(7, True))
    other.add_policy(replace(POLICY, reqid=9))
    assert differences(one, other) == [
        "first to second: SPI 00000005 differs in esn",
        "first to second: nobody receives SPI 00000006",
        "first to second: nobody sends SPI 00000007",
        "second: policy 10.1.0.0/16 === 10.2.0.0/16 out: no SA of reqid 9",
    ]


def test_what_belongs_together_is_installed_and_removed_together():
    kernel = MemoryKernel()
    sas = spec(1, True), spec(2, False)
    kernel.install(sas, (POLICY,))
    assert len(kernel.sas) == 2
    assert kernel.policies == {POLICY: 1}
    kernel.remove((POLICY,), (sas[1].id, sas[0].id))
    assert kernel.is_empty()


@pytest.mark.parametrize("call", ["add_sa", "add_policy"])
def test_refusal_of_one_takes_back_all(call):
    kernel = MemoryKernel()
    kernel.add_policy(POLICY)
    kernel.fail_next(call, "no memory")
    with pytest.raises(KernelError, match="no memory"):
        kernel.install((spec(1, True), spec(2, False)), (POLICY,))
    assert not kernel.sas
    assert kernel.policies == {POLICY: 1}
