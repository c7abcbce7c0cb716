"""The addresses that IKE and ESP may use: those of the interfaces in use (``sa.ports.Addresses``)."""

import threading
from collections.abc import Callable, Container, Sequence
from typing import Protocol

from cygnet.base.addresses import Address


class Link(Protocol):
    """An interface (``kernel.backends.interfaces.Link``)."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def up(self) -> bool:
        """Whether it is in use and has a carrier."""


class Placed(Protocol):
    """An address on an interface."""

    @property
    def address(self) -> Address:
        """The address."""

    @property
    def link(self) -> Link:
        """Its interface."""


class Interfaces:
    """Which interfaces are used (``interfaces_use``, ``interfaces_ignore``)."""

    def __init__(self, use: str, ignore: str) -> None:
        """Lists of names with commas; with ``use``, all others are ignored and ``ignore`` says nothing."""
        self._use, self._ignore = _names(use), _names(ignore)

    @property
    def all_used(self) -> bool:
        """Whether nothing is ignored."""
        return not self._use and not self._ignore

    def uses(self, name: str) -> bool:
        """Whether this one is used."""
        return name in self._use if self._use else name not in self._ignore


class UsableAddresses:
    """What this host has, asked anew when the kernel says that it has changed (:meth:`changed`)."""

    def __init__(
        self,
        interfaces: Interfaces,
        listed: Callable[[], Sequence[Placed]],
        source: Callable[[Address], Address | None],
        has_route: Callable[[Address, Address], bool],
        virtual: Callable[[], Container[Address]] = tuple,
    ) -> None:
        """``virtual`` are addresses inside tunnels, which are none to send IKE and ESP from."""
        self._virtual = virtual
        self._interfaces = interfaces
        self._listed, self._source, self._has_route = listed, source, has_route
        self._lock = threading.Lock()
        self._usable: tuple[Address, ...] = ()
        self._is_known = False
        self._ignored: frozenset[Address] = frozenset()

    def changed(self) -> None:
        """Addresses or links are others now."""
        with self._lock:
            self._is_known = False

    def usable(self) -> tuple[Address, ...]:
        """All that may be used, IPv4 first."""
        with self._lock:
            if not self._is_known:
                self._read()
            return self._usable

    def source(self, destination: Address) -> Address | None:
        """The kernel's choice; where that may not be used, the first address that has a route."""
        best = self._source(destination)
        if best is None or best in self.usable() or best.is_loopback:
            return best
        return next((one for one in self.usable() if self._has_route(one, destination)), None)

    def works(self, local: Address, remote: Address) -> bool:
        """Whether the address is there, its interface in use, and has a route."""
        there = local in self.usable() or local.is_loopback
        return there and self._has_route(local, remote)

    def is_ignored(self, address: Address) -> bool:
        """Whether packets to an address of ours came by an interface that is not used."""
        if self._interfaces.all_used:
            return False
        self.usable()
        return address in self._ignored

    def _read(self) -> None:
        """A kernel that does not answer is asked again the next time."""
        try:
            placed = self._listed()
        except OSError:
            return
        virtual = self._virtual()
        placed = [one for one in placed if one.address not in virtual]
        used = [one for one in placed if self._interfaces.uses(one.link.name)]
        self._ignored = frozenset(one.address for one in placed) - {one.address for one in used}
        self._usable = tuple(dict.fromkeys(one.address for one in used if one.link.up))
        self._is_known = True


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())
