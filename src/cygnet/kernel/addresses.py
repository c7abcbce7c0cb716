"""What a keying daemon may ask of a kernel about virtual addresses; a part of the port."""

from typing import Protocol

from cygnet.base.addresses import Address


class AddressPort(Protocol):
    """Addresses of this host that are there while somebody uses them."""

    def add_address(self, address: Address, device: str) -> None:
        """Give this host an address, or count another user of it; raises ``KernelError``.

        On the interface ``device``, empty for the one that tunnels lead to, or the loopback interface where
        there is none; one that this host has anyway is left alone.
        """

    def delete_address(self, address: Address, device: str) -> None:
        """Take back one use of an address; it goes with the last."""

    def virtual_addresses(self) -> frozenset[Address]:
        """Those that :meth:`add_address` has given it."""
