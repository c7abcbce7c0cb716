"""Virtual addresses on this host's interfaces, as keying daemons want them.

Each bears a mark by which those that a killed daemon left are known: its metric (``ip addr``; Linux 4.18),
which the kernel keeps for the route to an address's network, and which an address alone has no use for.
"""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.kernel.backends.host import local_addresses
from cygnet.kernel.port import KernelError

_LOOPBACK = 1
_NODAD = 0x02
"""Nobody else is behind the device who could have the address."""
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class Addresses:
    """The addresses that are there at our request, with ``mark``. The host's own are left alone."""

    def __init__(
        self,
        mark: int,
        netlink: Callable[[], Any] | None = None,
        present: Callable[[], Iterable[Address]] = local_addresses,
    ) -> None:
        self._mark = mark
        self._netlink = netlink or _routing_netlink
        self._present = present
        self._ours: dict[tuple[Address, str], int] = {}

    def add(self, address: Address, device: str, index: int) -> None:
        """Put an address on a device, or on the one with ``index`` if that has no name.

        Raises :class:`LocalError` where there is no such device or the kernel refuses.
        """
        if address in self._present():
            return
        index = _index(device) if device else index
        from pyroute2.netlink.exceptions import NetlinkError

        try:
            with self._netlink() as netlink:
                flags = _NODAD if address.version == 6 else 0
                netlink.addr("replace", **_naming(address, index), flags=flags, rt_priority=self._mark)
        except NetlinkError as error:
            raise LocalError(f"address {address} refused: {error}") from error
        self._ours[address, device] = index

    def remove(self, address: Address, device: str) -> None:
        """Take it away again."""
        from pyroute2.netlink.exceptions import NetlinkError

        index = self._ours.pop((address, device), None)
        if index is not None:
            with suppress(NetlinkError), self._netlink() as netlink:
                netlink.addr("del", **_naming(address, index))

    def close(self) -> None:
        """Take all away."""
        for address, device in tuple(self._ours):
            self.remove(address, device)

    def clear(self, owns: Callable[[int], bool]) -> tuple[Address, ...]:
        """Take away those whose mark ``owns`` knows, of whichever daemon; returns them."""
        from pyroute2.netlink.exceptions import NetlinkError

        left = []
        with self._netlink() as netlink:
            for address, index, mark in _marked(netlink):
                if owns(mark):
                    with suppress(NetlinkError):
                        netlink.addr("del", **_naming(address, index))
                        left.append(address)
        return tuple(left)

    def marks(self) -> list[int]:
        """Metrics of this host's addresses: where marks of owners may stand."""
        with self._netlink() as netlink:
            return [mark for _, _, mark in _marked(netlink)]


class Counted:
    """``kernel.addresses.AddressPort``: addresses counted by their users, unless told otherwise on ``lo``."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._lock = threading.Lock()
        self._users: Counter[tuple[Address, str]] = Counter()

    def add_address(self, address: Address, device: str) -> None:
        """One user more; raises :class:`KernelError`."""
        with self._lock:
            if not self._users[address, device]:
                try:
                    self._addresses.add(address, device, _LOOPBACK)
                except LocalError as error:
                    raise KernelError(str(error)) from error
            self._users[address, device] += 1

    def delete_address(self, address: Address, device: str) -> None:
        """One user less."""
        with self._lock:
            self._users[address, device] -= 1
            if self._users[address, device] <= 0:
                del self._users[address, device]
                self._addresses.remove(address, device)

    def virtual_addresses(self) -> frozenset[Address]:
        """Those with users."""
        with self._lock:
            return frozenset(address for address, _ in self._users)

    def close(self) -> None:
        """Take all away."""
        with self._lock:
            self._users.clear()
            self._addresses.close()


def _routing_netlink() -> Any:
    """pyroute2 takes long to import: only where it is used."""
    from pyroute2 import IPRoute

    return IPRoute()


def _marked(netlink: Any) -> list[tuple[Address, int, int]]:
    """Addresses that have a metric: with the index of their interface, and it."""
    found = []
    for message in netlink.get_addr():
        metric = message.get_attr("IFA_RT_PRIORITY")
        text = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
        if metric and text:
            found.append((ip_address(text), message["index"], metric))
    return found


def _naming(address: Address, index: int) -> dict[str, Any]:
    return {
        "index": index,
        "address": str(address),
        "prefixlen": address.max_prefixlen,
        "family": _FAMILIES[address.version],
    }


def _index(device: str) -> int:
    try:
        return socket.if_nametoindex(device)
    except OSError:
        raise LocalError(f"there is no interface {device} (charon.install_virtual_ip_on)") from None
