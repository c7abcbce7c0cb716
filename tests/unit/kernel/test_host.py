"""This host's addresses over netlink."""

import socket
from ipaddress import ip_address

from cygnet.kernel.backends import host
from cygnet.kernel.backends.host_watch import HostWatch
from cygnet.kernel.backends.userland import EspdAccess, UserlandKernel


def test_loopback_and_link_local_are_left_out():
    for address in host.local_addresses():
        assert not address.is_loopback and not address.is_link_local


def test_interface_is_found_by_its_address():
    for address in host.local_addresses():
        assert host.interface_of(address) in [name for _, name in socket.if_nameindex()]
    assert host.interface_of(ip_address("192.0.2.213")) == ""


def test_source_towards_loopback_is_loopback():
    assert host.source_address(ip_address("127.0.0.1")) == ip_address("127.0.0.1")


def test_source_towards_nowhere_is_none():
    assert host.source_address(ip_address("ff0e::1%nowhere")) is None


def test_watch_ends_when_woken():
    watch = HostWatch()
    watch.wake()
    assert watch.wait() is None
    watch.close()


def test_userland_backend_asks_this_host(tmp_path):
    kernel = UserlandKernel(EspdAccess(tmp_path / "none", "charon"), lambda level, text: None)
    assert kernel.source_address(ip_address("127.0.0.1")) is not None
    assert kernel.local_addresses() == host.local_addresses()
    kernel.close(flush=False)


def test_known_addresses_are_those_of_the_host():
    known = host.KnownAddresses()
    assert known() == host.local_addresses()
    assert known() is known()
    known.close()
