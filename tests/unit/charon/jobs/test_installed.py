"""Whose the kernel's SAs are."""

from ipaddress import ip_address
from types import SimpleNamespace

from cygnet.charon.jobs.installed import Installed
from cygnet.kernel.port import IpProtocol, SaId

A, B, C = map(ip_address, ("192.0.2.1", "192.0.2.2", "198.51.100.1"))


def sa(spi, source=A, destination=B):
    return SaId(source, destination, IpProtocol.ESP, spi)


def child(number, spi_in, spi_out, local=A, remote=B):
    return SimpleNamespace(
        unique_id=number, inbound=sa(spi_in, remote, local), outbound=sa(spi_out, local, remote)
    )


def test_owner_is_found_by_either_sa():
    installed = Installed()
    installed.add(7, child(1, 10, 20))
    assert installed.owner(sa(10, B, A)) == installed.owner(sa(20)) == 7
    assert installed.owner(sa(30)) is None


def test_owner_is_found_at_other_addresses_after_a_move():
    installed = Installed()
    installed.add(7, child(1, 10, 20))
    assert installed.owner(sa(10, B, C)) == 7


def test_same_spi_of_two_peers_is_told_apart_by_addresses():
    installed = Installed()
    installed.add(7, child(1, 10, 20))
    installed.add(8, child(2, 11, 20, remote=C))
    assert installed.owner(sa(20)) == 7 and installed.owner(sa(20, A, C)) == 8


def test_what_has_moved_is_forgotten_too():
    installed = Installed()
    installed.add(7, child(1, 10, 20))
    installed.remove(child(1, 10, 20, remote=C))
    assert installed.owner(sa(10, B, A)) is None and installed.owner(sa(20)) is None
    installed.remove(child(1, 10, 20))


def test_child_of_a_rekeyed_ike_sa_has_a_new_owner():
    installed = Installed()
    installed.add(7, child(1, 10, 20))
    installed.add(9, child(1, 10, 20))
    assert installed.owner(sa(10, B, A)) == 9
