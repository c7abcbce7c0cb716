"""What the core is answered."""

from ipaddress import ip_address

from cygnet.base.addresses import Host
from cygnet.kernel.port import IpProtocol
from cygnet.loadtest.ports import DiscardKernel, NoConnections, Numbers

HERE, THERE = ip_address("192.0.2.1"), ip_address("192.0.2.2")


def test_processes_hand_out_different_spis() -> None:
    kernels = [DiscardKernel(share, 3) for share in range(3)]
    spis = [kernel.allocate_spi(THERE, HERE, IpProtocol.ESP) for kernel in kernels for _ in range(100)]
    assert len(set(spis)) == 300
    assert all(0xC0000000 <= spi <= 0xCFFFFFFF for spi in spis)


def test_numbers_of_rekeyed_ike_sas_follow_those_of_the_initiators() -> None:
    numbers = Numbers(100)
    assert [numbers.ike(), numbers.ike()] == [100, 101]
    assert [numbers.child(), numbers.child()] == [1, 2]


def test_nobody_is_answered() -> None:
    assert NoConnections().candidates(Host(HERE, 500), Host(THERE, 500)) == ()
