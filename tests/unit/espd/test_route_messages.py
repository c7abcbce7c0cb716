"""Routes by messages of our own, read back by pyroute2 from a kernel that is left as it was."""

from ipaddress import ip_address, ip_network

import pytest
from pyroute2 import IPRoute

from cygnet.espd.route_messages import RouteSocket
from cygnet.kernel.backends.netlink import RefusedError

TABLE, LOOPBACK = 22077, 1


@pytest.fixture
def routes():
    own = RouteSocket(220)
    try:
        own.replace(TABLE, ip_network("198.51.100.9/32"), LOOPBACK, None)
        own.remove(TABLE, ip_network("198.51.100.9/32"))
    except RefusedError as error:
        own.close()
        pytest.skip(f"no right to set routes: {error}")
    yield own
    own.close()


def held(family=2):
    with IPRoute() as netlink:
        return [
            (route.get_attr("RTA_DST"), route["dst_len"], route.get_attr("RTA_OIF"),
             route.get_attr("RTA_PREFSRC"), route["proto"])
            for route in netlink.get_routes(table=TABLE, family=family)
        ]  # fmt: skip


def test_route_is_set_replaced_and_removed(routes):
    network = ip_network("198.51.100.0/24")
    routes.replace(TABLE, network, LOOPBACK, None)
    assert held() == [("198.51.100.0", 24, LOOPBACK, None, 220)]
    routes.replace(TABLE, network, LOOPBACK, ip_address("127.0.0.1"))
    assert held() == [("198.51.100.0", 24, LOOPBACK, "127.0.0.1", 220)]
    routes.remove(TABLE, network)
    assert held() == []


def test_everything_is_a_network_too(routes):
    routes.replace(TABLE, ip_network("0.0.0.0/0"), LOOPBACK, None)
    assert [(length, device) for _, length, device, *_ in held()] == [(0, LOOPBACK)]
    routes.remove(TABLE, ip_network("0.0.0.0/0"))
    assert held() == []


def test_refusal_is_raised(routes):
    with pytest.raises(RefusedError):
        routes.remove(TABLE, ip_network("198.51.100.0/24"))
    with pytest.raises(RefusedError):
        routes.replace(TABLE, ip_network("198.51.100.0/24"), 999_999, None)
