"""This host's addresses over netlink."""

import socket
from ipaddress import ip_address
from struct import pack

from hypothesis import given
from hypothesis import strategies as st

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


@given(st.binary(max_size=80))
def test_any_netlink_octets_are_survived(data):
    assert all(isinstance(kind, int) for kind, _ in host.messages(data))


def test_netlink_messages_are_split_at_their_lengths():
    data = pack("=IHHII", 17, 20, 0, 1, 0) + b"a\0\0\0" + pack("=IHHII", 16, 3, 0, 1, 0)
    assert list(host.messages(data)) == [(20, b"a"), (3, b"")]


def test_watch_ends_when_woken():
    watch = HostWatch()
    watch.wake()
    assert watch.wait() is None
    watch.close()


def test_prepared_socket_stays_open(tmp_path):
    kernel = UserlandKernel(EspdAccess(tmp_path / "none", "charon"), lambda level, text: None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        kernel.prepare_socket(own.fileno(), 4, True)
        assert own.getsockname()
    assert kernel.source_address(ip_address("127.0.0.1")) is not None
    assert kernel.local_addresses() == host.local_addresses()
    kernel.close(flush=False)
