"""Virtual addresses on this host's interfaces."""

import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.kernel.backends.host import local_addresses

_NODAD = 0x02
"""Nobody else is behind the device who could have the address."""
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


class Addresses:
    """The addresses that are there at our request. Those that the host has anyway are left alone."""

    def __init__(
        self,
        netlink: Callable[[], Any] = IPRoute,
        present: Callable[[], Iterable[Address]] = local_addresses,
    ) -> None:
        self._netlink = netlink
        self._present = present
        self._ours: dict[tuple[Address, str], int] = {}

    def add(self, address: Address, device: str, index: int = 0) -> None:
        """Put an address on a device, or on the one with ``index`` if that has no name.

        Raises :class:`LocalError` where there is no such device or the kernel refuses.
        """
        if address in self._present():
            return
        index = _index(device) if device else index
        try:
            with self._netlink() as netlink:
                flags = _NODAD if address.version == 6 else 0
                netlink.addr("replace", **_naming(address, index), flags=flags)
        except NetlinkError as error:
            raise LocalError(f"address {address} refused: {error}") from error
        self._ours[address, device] = index

    def remove(self, address: Address, device: str) -> None:
        """Take it away again."""
        index = self._ours.pop((address, device), None)
        if index is not None:
            with suppress(NetlinkError), self._netlink() as netlink:
                netlink.addr("del", **_naming(address, index))

    def close(self) -> None:
        """Take all away."""
        for address, device in tuple(self._ours):
            self.remove(address, device)


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
