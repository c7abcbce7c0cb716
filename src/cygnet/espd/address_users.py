"""Who uses which virtual addresses: the part of the service that is about them."""

from collections import Counter
from typing import Protocol

from cygnet.base.addresses import Address
from cygnet.kernel.port import KernelError

MAX_ADDRESSES = 1024
"""Of one owner."""


class Host(Protocol):
    """What is asked of the machine."""

    def address_in(self, address: Address, device: str) -> None:
        """Give this host an address; raises :class:`LocalError`."""

    def address_out(self, address: Address, device: str) -> None:
        """Take back one :meth:`address_in`."""


class AddressUsers:
    """Addresses by owner, each counted."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._users: dict[str, Counter[tuple[Address, str]]] = {}

    def add(self, owner: str, address: Address, device: str) -> None:
        """One user more; raises :class:`KernelError` beyond the limit, and what the host raises."""
        place, mine = (address, device), self._users.setdefault(owner, Counter())
        if not mine[place]:
            if len(mine) > MAX_ADDRESSES:
                raise KernelError(f"more than {MAX_ADDRESSES} virtual addresses")
            self._host.address_in(*place)
        mine[place] += 1

    def remove(self, owner: str, address: Address, device: str) -> None:
        """One user less; raises :class:`KernelError` for an address that the owner has not."""
        place, mine = (address, device), self._users.get(owner, Counter())
        if place not in mine:
            raise KernelError(f"no virtual address {address}")
        mine[place] -= 1
        if not mine[place]:
            del mine[place]
            self._host.address_out(*place)

    def flush(self, owner: str) -> None:
        """All of one owner."""
        for place in self._users.pop(owner, Counter()):
            self._host.address_out(*place)
