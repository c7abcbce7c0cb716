"""Routes of tunnels in table 220, and the rule that leads all but IKE's and ESP's own packets there."""

import socket
from collections import Counter
from contextlib import suppress
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.espd.route_messages import Network, RouteSocket
from cygnet.kernel.backends.host import MARK, KnownAddresses
from cygnet.kernel.port import PolicySpec

TABLE = PRIORITY = 220
_PROTOCOL = 220
"""Marks our routes (``ip route show proto 220``); numbers from 192 on are for whoever wants them."""
_INVERT = 2
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
MAX_PREFIXES = 256
"""Prefixes that one policy's range may need."""


class Routes:
    """The routes of the policies in force, each prefix counted by its users."""

    def __init__(self, device: int) -> None:
        """Install the rules; ``device`` is the TUN device's index. Raises :class:`LocalError`."""
        self._netlink = IPRoute()
        self._routes = RouteSocket(TABLE, device, _PROTOCOL)
        self._addresses = KnownAddresses()
        self._users: dict[Network, Counter[PolicySpec]] = {}
        remove_leftovers(self._netlink)
        try:
            self._rule("add", socket.AF_INET)
        except NetlinkError as error:
            raise LocalError(f"rule for table {TABLE} refused: {error}") from error
        with suppress(NetlinkError):
            self._rule("add", socket.AF_INET6)

    def add(self, spec: PolicySpec) -> None:
        """Lead a policy's destination to the device; raises :class:`LocalError` when the kernel refuses."""
        networks = spec.destination.networks()
        if len(networks) > MAX_PREFIXES:
            raise LocalError(f"{spec.destination} needs more than {MAX_PREFIXES} routes")
        done: list[Network] = []
        try:
            for network in networks:
                if network not in self._users:
                    self._routes.replace(network, self._hint(spec))
                self._users.setdefault(network, Counter())[spec] += 1
                done.append(network)
        except OSError as error:
            for network in done:
                self._forget(network, spec)
            raise LocalError(f"route to {spec.destination} refused: {error.strerror or error}") from error

    def remove(self, spec: PolicySpec) -> None:
        """Take back one :meth:`add`; a route goes with its last user."""
        for network in spec.destination.networks():
            self._forget(network, spec)

    def close(self) -> None:
        """Remove rules and routes."""
        for network in self._users:
            with suppress(OSError):
                self._routes.remove(network)
        remove_leftovers(self._netlink)
        for own in (self._netlink, self._routes, self._addresses):
            own.close()

    def _forget(self, network: Network, spec: PolicySpec) -> None:
        users = self._users.get(network, Counter())
        if not users[spec]:
            return
        users[spec] -= 1
        if users[spec]:
            return
        del users[spec]
        with suppress(OSError):
            if users:
                self._routes.replace(network, self._hint(next(iter(users))))
            else:
                del self._users[network]
                self._routes.remove(network)

    def _hint(self, spec: PolicySpec) -> Address | None:
        """The local address inside a policy's source selector, which own packets shall come from."""
        start, end = int(spec.source.start), int(spec.source.end)
        for address in self._addresses():
            if address.version == spec.source.family and start <= int(address) <= end:
                return address
        return None

    def _rule(self, command: str, family: int) -> None:
        _rule(self._netlink, command, family)


def remove_leftovers(netlink: Any) -> int:
    """Remove our rules and routes, whoever made them; returns how many there were."""
    count = 0
    for family in _FAMILIES.values():
        with suppress(NetlinkError):
            for route in netlink.get_routes(table=TABLE, family=family):
                if route["proto"] == _PROTOCOL:
                    netlink.route("del", table=TABLE, family=family, **_naming(route))
                    count += 1
        with suppress(NetlinkError):
            for rule in netlink.get_rules(family=family):
                if rule.get_attr("FRA_FWMARK") == MARK and rule.get_attr("FRA_TABLE") == TABLE:
                    _rule(netlink, "del", family)
                    count += 1
    return count


def cleanup() -> int:
    """:func:`remove_leftovers` on a netlink socket of its own."""
    with IPRoute() as netlink:
        return remove_leftovers(netlink)


def _rule(netlink: Any, command: str, family: int) -> None:
    netlink.rule(
        command, table=TABLE, priority=PRIORITY, fwmark=MARK, fwmask=0xFFFFFFFF, flags=_INVERT, family=family
    )


def _naming(route: Any) -> dict[str, Any]:
    """What names a route in a request to delete it."""
    destination = route.get_attr("RTA_DST")
    if destination is None:
        destination = "0.0.0.0" if route["family"] == socket.AF_INET else "::"
    found = {"dst": f"{destination}/{route['dst_len']}", "oif": route.get_attr("RTA_OIF")}
    return {name: value for name, value in found.items() if value is not None}
