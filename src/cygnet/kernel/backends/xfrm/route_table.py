"""A routing table for tunnels, and the rule that leads all but IKE's and ESP's own packets there.

Our routes are known by their protocol number, our rules by their mark and priority. Two daemons share a table
but have each their own, so that neither removes the other's.
"""

import socket
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.kernel.backends.host import MARK
from cygnet.kernel.backends.xfrm.primitives import Network
from cygnet.kernel.backends.xfrm.ways import Way

TABLE = PRIORITY = 220
PROTOCOL = 220
"""Marks charon's routes (``ip route show proto 220``); numbers from 192 on are for whoever wants them."""
_INVERT = 2
_THROW = 9
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class RouteTable:
    """One table with its rule; 0 as ``priority`` is no rule. For any thread, one call at a time.

    ``rank`` is that of a daemon: 0 for charon, others follow in protocol number and priority.
    """

    def __init__(self, table: int = TABLE, priority: int = PRIORITY, rank: int = 0) -> None:
        self._table = table
        self._priority = priority + rank if priority else 0
        self._protocol = PROTOCOL + rank
        self._netlink: Any = IPRoute()

    def start(self) -> None:
        """Remove what is left of us in this table, then install the rules; raises :class:`LocalError`."""
        self.clear()
        if not self._priority:
            return
        try:
            self._rule("add", 4)
        except NetlinkError as error:
            raise LocalError(f"rule for table {self._table} refused: {error}") from error
        with suppress(NetlinkError):
            self._rule("add", 6)

    def put(self, network: Network, way: Way) -> None:
        """Install a route or replace one; raises :class:`LocalError`."""
        try:
            self._route("replace", network, way)
        except NetlinkError as error:
            raise LocalError(f"route to {network} refused: {error}") from error

    def drop(self, network: Network, way: Way) -> None:
        """Remove a route, there or not."""
        with suppress(NetlinkError):
            self._route("del", network, Way(way.interface, throw=way.throw))

    def held(self) -> dict[Network, Way]:
        """Our routes in the table, without those the kernel does not tell."""
        found: dict[Network, Way] = {}
        for version, family in FAMILIES.items():
            with suppress(NetlinkError):
                for route in self._netlink.get_routes(table=self._table, family=family):
                    if route["proto"] == self._protocol:
                        found[_network(route, version)] = _way(route)
        return found

    def rules_missing(self) -> tuple[int, ...]:
        """The IP versions without our rule."""
        if not self._priority:
            return ()
        return tuple(version for version in FAMILIES if not self._rules(version))

    def restore_rule(self, version: int) -> None:
        """Install the rule again; raises :class:`LocalError`."""
        try:
            self._rule("add", version)
        except NetlinkError as error:
            raise LocalError(f"rule for table {self._table} refused: {error}") from error

    def next_hop(self, destination: Address, source: Address | None) -> Way | None:
        """How the host itself reaches an address outside all tunnels; ``None`` without a route."""
        origin = {"src": str(source)} if source is not None and not source.is_unspecified else {}
        family = FAMILIES[destination.version]
        try:
            answer = self._netlink.route("get", dst=str(destination), mark=MARK, family=family, **origin)
        except NetlinkError:
            return None
        for route in answer:
            if (interface := route.get_attr("RTA_OIF")) is not None:
                gateway = route.get_attr("RTA_GATEWAY")
                return Way(interface, ip_address(gateway) if gateway else None)
        return None

    def clear(self) -> int:
        """Remove our rules and routes, left by whichever process; returns how many there were."""
        held = self.held()
        for network, way in held.items():
            self.drop(network, way)
        count = len(held)
        for version in FAMILIES:
            for _ in self._rules(version):
                with suppress(NetlinkError):
                    self._rule("del", version)
                    count += 1
        return count

    def close(self) -> None:
        """Close the socket; rules and routes stay."""
        self._netlink.close()

    def _rules(self, version: int) -> list[Any]:
        with suppress(NetlinkError):
            rules = self._netlink.get_rules(family=FAMILIES[version])
            return [rule for rule in rules if self._is_ours(rule)]
        return []

    def _is_ours(self, rule: Any) -> bool:
        found = [rule.get_attr(name) for name in ("FRA_FWMARK", "FRA_TABLE", "FRA_PRIORITY")]
        return found == [MARK, self._table, self._priority]

    def _route(self, command: str, network: Network, way: Way) -> None:
        arguments: dict[str, Any] = {
            "oif": way.interface or None,
            "gateway": str(way.gateway) if way.gateway is not None else None,
            "prefsrc": str(way.source) if way.source is not None else None,
            "type": "throw" if way.throw else None,
        }
        given = {name: value for name, value in arguments.items() if value is not None}
        family = FAMILIES[network.version]
        self._netlink.route(
            command, dst=str(network), table=self._table, proto=self._protocol, family=family, **given
        )

    def _rule(self, command: str, version: int) -> None:
        self._netlink.rule(
            command,
            table=self._table,
            priority=self._priority,
            fwmark=MARK,
            fwmask=0xFFFFFFFF,
            flags=_INVERT,
            family=FAMILIES[version],
        )


def _network(route: Any, version: int) -> Network:
    destination = route.get_attr("RTA_DST") or ("0.0.0.0" if version == 4 else "::")
    return ip_network(f"{destination}/{route['dst_len']}")


def _way(route: Any) -> Way:
    if route["type"] == _THROW:
        return Way(throw=True)
    gateway, source = route.get_attr("RTA_GATEWAY"), route.get_attr("RTA_PREFSRC")
    return Way(
        route.get_attr("RTA_OIF") or 0,
        ip_address(gateway) if gateway else None,
        ip_address(source) if source else None,
    )
