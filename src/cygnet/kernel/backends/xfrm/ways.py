"""Where a route leads."""

from dataclasses import dataclass

from cygnet.base.addresses import Address


@dataclass(frozen=True, slots=True)
class Way:
    """Where a route leads: an interface, perhaps through a gateway, perhaps with a source address for our own
    packets; or, with ``throw``, on to the next table."""

    interface: int = 0
    gateway: Address | None = None
    source: Address | None = None
    throw: bool = False
