"""Hosts and wires for one test: two gateways called moon and sun, side by side or with a NAT between."""

import os
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from lab.gateways import GATEWAYS, Gateway
from lab.hosts import Host
from lab.network import address, default_route, forward, lan, masquerade, watch, wire
from lab.tunnels import End


def _pairs(kinds: str) -> list[ParameterSet]:
    peer = [pytest.mark.peer]
    return [pytest.param(pair, marks=peer if "strongswan" in pair else [], id=pair) for pair in kinds.split()]


PAIRS = _pairs(os.environ.get("LAB_PAIRS", "cygnet-cygnet cygnet-strongswan strongswan-cygnet"))
"""Kinds of the two gateways, the initiator first.

``LAB_PAIRS=strongswan-strongswan`` in the environment tries the tests themselves.
"""


class Lab:
    """Makes hosts and wires for one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hosts: list[Host] = []

    def beside(self, name: str) -> "Lab":
        """Another lab with wires of its own, whose hosts end with this one's."""
        other = Lab(self.folder / name)
        other.hosts = self.hosts
        return other

    def gateway(self, kind: str, name: str) -> Gateway:
        host = GATEWAYS[kind](name, self.folder / name)
        self.hosts.append(host)
        return host

    def pair(self, kinds: str) -> tuple[End, End]:
        """moon and sun, of kinds like ``cygnet-strongswan``, joined by one wire, IPv4 and IPv6."""
        moon, sun = self._ends(kinds)
        wire(moon.host, sun.host)
        address(moon.host, "192.0.2.1/24", "2001:db8::1/64")
        address(sun.host, "192.0.2.2/24", "2001:db8::2/64")
        return moon, sun

    def pair_with_nat(self, kinds: str) -> tuple[End, End, Host]:
        """moon behind a router that hides it, and sun in front of it."""
        moon, sun = self._ends(kinds)
        router = Host("router", self.folder / "router")
        self.hosts.append(router)
        wire(moon.host, router)
        wire(router, sun.host, "eth1", "eth0")
        address(moon.host, "10.0.0.2/24")
        address(router, "10.0.0.1/24")
        address(router, "192.0.2.254/24", device="eth1")
        address(sun.host, "192.0.2.2/24")
        moon.host.net("ip", "route", "add", "192.0.2.0/24", "via", "10.0.0.1")
        masquerade(router)
        moon.address, moon.public = "10.0.0.2", "%any"
        return moon, sun, router

    def pair_with_two_uplinks(self, kinds: str, *, mover: str = "moon") -> tuple[End, End, Host]:
        """moon and sun beyond a router; ``mover`` has two wires to it, and prefers the first.

        The mover has 192.0.2.1 and 198.51.100.1, the other 203.0.113.2; all have IPv6, too.
        """
        moon, sun = self._ends(kinds)
        one, other = (moon, sun) if mover == "moon" else (sun, moon)
        router = Host("router", self.folder / "router")
        self.hosts.append(router)
        wire(one.host, router, "eth0", "eth0")
        wire(one.host, router, "eth1", "eth1")
        wire(other.host, router, "eth0", "eth2")
        address(one.host, "192.0.2.1/24", "2001:db8:0::1/64")
        address(one.host, "198.51.100.1/24", "2001:db8:1::1/64", device="eth1")
        address(other.host, "203.0.113.2/24", "2001:db8:2::2/64")
        address(router, "192.0.2.254/24", "2001:db8:0::fe/64")
        address(router, "198.51.100.254/24", "2001:db8:1::fe/64", device="eth1")
        address(router, "203.0.113.254/24", "2001:db8:2::fe/64", device="eth2")
        forward(router)
        default_route(one.host, "192.0.2.254", "eth0", 100)
        default_route(one.host, "2001:db8:0::fe", "eth0", 100)
        default_route(one.host, "198.51.100.254", "eth1", 200)
        default_route(one.host, "2001:db8:1::fe", "eth1", 200)
        default_route(other.host, "203.0.113.254", "eth0", 100)
        default_route(other.host, "2001:db8:2::fe", "eth0", 100)
        one.address, other.address = "192.0.2.1", "203.0.113.2"
        return moon, sun, router

    def _ends(self, kinds: str) -> tuple[End, End]:
        first, second = kinds.split("-")
        moon, sun = self.gateway(first, "moon"), self.gateway(second, "sun")
        lan(moon, "10.1.0.1/24", "fd01::1/64")
        lan(sun, "10.2.0.1/24", "fd02::1/64")
        for host in (moon, sun):
            watch(host)
        return (
            End(moon, "192.0.2.1", "10.1.0.1", "10.1.0.0/24", "@moon.lab"),
            End(sun, "192.0.2.2", "10.2.0.1", "10.2.0.0/24", "@sun.lab"),
        )

    def close(self) -> None:
        for host in self.hosts:
            host.close()
