"""Addresses of a new IKE_SA."""

from ipaddress import ip_address

import pytest

from cygnet.base.addresses import Host
from cygnet.keying.config.records import AddressSpec, IkeConfig
from cygnet.keying.hosts import UnreachableError, local_host, remote_host


def names(text):
    known = {"moon.lab": ("192.0.2.7", "fec0::7"), "gone.lab": ()}
    found = known.get(text, (text,))
    return tuple(map(ip_address, found))


def nowhere(destination):
    return None


def ike(left=(), right=(), port=500):
    return IkeConfig(AddressSpec(left), AddressSpec(right, port))


def test_remote_is_the_first_host_that_has_an_address():
    assert remote_host(
        ike(right=("%any", "10.0.0.0/8", "gone.lab", "moon.lab"), port=4500), names
    ) == Host.of("192.0.2.7", 4500)


@pytest.mark.parametrize(
    ("hosts", "reason"),
    [
        ((), "right="),
        (("%any",), "right="),
        (("10.0.0.0/8",), "right="),
        (("gone.lab",), "unable to resolve gone.lab"),
    ],
)
def test_remote_without_an_address_is_explained(hosts, reason):
    with pytest.raises(UnreachableError, match=reason):
        remote_host(ike(right=hosts), names)


def test_local_is_the_configured_address_of_the_remote_family():
    config = ike(left=("%any", "moon.lab"))
    assert local_host(config, Host.of("fec0::1", 500), nowhere, names) == Host.of("fec0::7", 500)


def test_local_without_configuration_is_what_the_kernel_would_take():
    found = local_host(ike(), Host.of("192.0.2.1", 500), lambda destination: ip_address("192.0.2.9"), names)
    assert found == Host.of("192.0.2.9", 500)


def test_no_route_is_explained():
    with pytest.raises(UnreachableError, match=r"no route to 192\.0\.2\.1"):
        local_host(ike(), Host.of("192.0.2.1", 500), nowhere, names)
