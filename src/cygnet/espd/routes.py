"""Routes of tunnels in table 220, and the rule that leads all but IKE's and ESP's own packets there.

Policies with a mark have a table for each mark, with a rule before that one for packets that carry it.
"""

import socket
from contextlib import suppress
from itertools import count
from typing import Any, Protocol

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.base.selectors import TrafficSelector
from cygnet.espd.devices import MAX_MARKS
from cygnet.espd.route_messages import Network, RouteSocket
from cygnet.kernel.backends.host import MARK, KnownAddresses
from cygnet.kernel.backends.netlink import RefusedError
from cygnet.kernel.port import Mark, PolicySpec

TABLE = PRIORITY = 220
_PROTOCOL = 220
"""Marks our routes (``ip route show proto 220``); numbers from 192 on are for whoever wants them."""
_INVERT = 2
MARK_TABLES = 22000
"""The first of the tables for marks."""
MARK_PRIORITY = PRIORITY - 1
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
MAX_PREFIXES = 256
"""Prefixes that one policy's range may need."""

_Place = tuple[Mark | None, Network]


class Indexes(Protocol):
    """The devices, by the marks of the packets they take."""

    def enter(self, mark: Mark | None) -> int:
        """The index of the device for packets with this mark, for one user more."""

    def leave(self, mark: Mark | None) -> None:
        """One user less."""


class Routes:
    """The routes of the policies in force. Each prefix counts its users by their local selector, which is all
    that a route needs to know of them."""

    def __init__(self, devices: Indexes) -> None:
        """Install the rules; raises :class:`LocalError`."""
        self._netlink = IPRoute()
        self._devices = devices
        self._routes = RouteSocket(_PROTOCOL)
        self._addresses = KnownAddresses()
        self._users: dict[_Place, dict[TrafficSelector, int]] = {}
        self._tables: dict[Mark, tuple[int, int]] = {}  # table and how many policies use it
        remove_leftovers(self._netlink)
        try:
            _rule(self._netlink, "add", socket.AF_INET)
        except NetlinkError as error:
            raise LocalError(f"rule for table {TABLE} refused: {error}") from error
        with suppress(NetlinkError):
            _rule(self._netlink, "add", socket.AF_INET6)

    def add(self, spec: PolicySpec) -> None:
        """Lead a policy's destination to the device; raises :class:`LocalError` when the kernel refuses."""
        networks = spec.destination.networks()
        if len(networks) > MAX_PREFIXES:
            raise LocalError(f"{spec.destination} needs more than {MAX_PREFIXES} routes")
        done: list[Network] = []
        device = self._devices.enter(spec.mark)
        try:
            self._enter_table(spec.mark)
            for network in networks:
                place = (spec.mark, network)
                users = self._users.get(place)
                if users is None:
                    self._routes.replace(self._table(spec.mark), network, device, self._hint(spec.source))
                    users = self._users[place] = {}
                users[spec.source] = users.get(spec.source, 0) + 1
                done.append(network)
        except (RefusedError, LocalError) as error:
            for network in done:
                self._forget((spec.mark, network), spec.source)
            self._leave_table(spec.mark)
            self._devices.leave(spec.mark)
            raise LocalError(f"route to {spec.destination} refused: {error}") from error

    def remove(self, spec: PolicySpec) -> None:
        """Take back one :meth:`add`; a route goes with its last user."""
        for network in spec.destination.networks():
            self._forget((spec.mark, network), spec.source)
        self._leave_table(spec.mark)
        self._devices.leave(spec.mark)

    def lines(self) -> list[str]:
        """What there is, for people."""
        return [
            f"{network}{f' of mark 0x{mark.value:x}/0x{mark.mask:x}' if mark else ''}"
            for mark, network in self._users
        ]

    def close(self) -> None:
        """Remove rules and routes."""
        for mark, network in self._users:
            with suppress(RefusedError):
                self._routes.remove(self._table(mark), network)
        remove_leftovers(self._netlink)
        for own in (self._netlink, self._routes, self._addresses):
            own.close()

    def _table(self, mark: Mark | None) -> int:
        return TABLE if mark is None else self._tables[mark][0]

    def _enter_table(self, mark: Mark | None) -> None:
        """The rule for a mark's table comes with its first policy; our own packets must not meet it."""
        if mark is None:
            return
        if mark not in self._tables:
            if MARK & mark.mask == mark.value:
                raise LocalError(f"mark {mark.value:#x}/{mark.mask:#x} is also that of IKE and ESP packets")
            used = {table for table, _ in self._tables.values()}
            table = next(number for number in count(MARK_TABLES) if number not in used)
            self._tables[mark] = (table, 0)
            self._mark_rules("add", mark, table)
        table, users = self._tables[mark]
        self._tables[mark] = (table, users + 1)

    def _leave_table(self, mark: Mark | None) -> None:
        if mark is None or mark not in self._tables:
            return
        table, users = self._tables[mark]
        if users > 1:
            self._tables[mark] = (table, users - 1)
            return
        del self._tables[mark]
        self._mark_rules("del", mark, table)

    def _mark_rules(self, command: str, mark: Mark, table: int) -> None:
        for family in _FAMILIES.values():
            with suppress(NetlinkError):
                self._netlink.rule(
                    command, table=table, priority=MARK_PRIORITY, fwmark=mark.value, fwmask=mark.mask,
                    family=family,
                )  # fmt: skip

    def _forget(self, place: _Place, local: TrafficSelector) -> None:
        users = self._users.get(place, {})
        if local not in users:
            return
        users[local] -= 1
        if users[local]:
            return
        del users[local]
        mark, network = place
        with suppress(RefusedError):
            if users:
                device = self._devices.enter(mark)
                self._devices.leave(mark)
                self._routes.replace(self._table(mark), network, device, self._hint(next(iter(users))))
            else:
                del self._users[place]
                self._routes.remove(self._table(mark), network)

    def _hint(self, local: TrafficSelector) -> Address | None:
        """An address of this host inside the selector, which own packets shall come from."""
        start, end = int(local.start), int(local.end)
        for address in self._addresses():
            if address.version == local.family and start <= int(address) <= end:
                return address
        return None


def remove_leftovers(netlink: Any) -> int:
    """Remove our rules and routes, whoever made them; returns how many there were."""
    found = 0
    for family in _FAMILIES.values():
        with suppress(NetlinkError):
            for route in netlink.get_routes(table=TABLE, family=family):
                if route["proto"] == _PROTOCOL:
                    netlink.route("del", table=TABLE, family=family, **_naming(route))
                    found += 1
        with suppress(NetlinkError):
            for rule in netlink.get_rules(family=family):
                if _is_ours(rule):
                    _delete_rule(netlink, rule, family)
                    found += 1
    return found


def _is_ours(rule: Any) -> bool:
    table, priority = rule.get_attr("FRA_TABLE"), rule.get_attr("FRA_PRIORITY")
    if table == TABLE:
        return bool(rule.get_attr("FRA_FWMARK") == MARK)
    return bool(priority == MARK_PRIORITY and MARK_TABLES <= (table or 0) < MARK_TABLES + MAX_MARKS)


def _delete_rule(netlink: Any, rule: Any, family: int) -> None:
    if rule.get_attr("FRA_TABLE") == TABLE:
        _rule(netlink, "del", family)
        return
    netlink.rule(
        "del",
        table=rule.get_attr("FRA_TABLE"),
        priority=MARK_PRIORITY,
        fwmark=rule.get_attr("FRA_FWMARK") or 0,
        fwmask=rule.get_attr("FRA_FWMASK"),
        family=family,
    )


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
