"""What strongswan.conf says about IKE sockets."""

from collections.abc import Callable
from dataclasses import dataclass

from cygnet.runtime.network.options import MARK, nowhere


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """``charon.port``, ``port_nat_t``, ``max_packet``, families in use, and the mark of our packets.

    ``version`` is the major version of IKE that raw sockets let through. ``debug`` is told of options that
    this host does not permit and we can do without.
    """

    port: int = 500
    port_nat_t: int = 4500
    families: tuple[int, ...] = (4, 6)
    max_packet: int = 10_000
    mark: int | None = MARK
    debug: Callable[[str], None] = nowhere
    version: int = 2
