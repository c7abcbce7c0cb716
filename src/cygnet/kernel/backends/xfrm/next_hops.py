"""Where packets for a tunnel go before the kernel's IPsec takes them: the same way as its ESP will go.

The rules are charon's: outbound policies of tunnels, for all protocols and ports, get a route like that to
the peer, with the local address inside the tunnel as source. Without such an address there is none, or our
own packets would take the route and not the tunnel. What passes unprotected goes on to the next table.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

from cygnet.base.addresses import Address
from cygnet.base.selectors import TrafficSelector
from cygnet.kernel.backends.xfrm.routes import inside
from cygnet.kernel.backends.xfrm.ways import Way
from cygnet.kernel.port import Direction, Mode, PolicySpec

_TUNNELS = (Mode.TUNNEL, Mode.BEET, Mode.IPTFS)


class Hops(Protocol):
    """The part of the routing table that is asked."""

    def next_hop(self, destination: Address, source: Address | None) -> Way | None:
        """How the host reaches an address outside all tunnels."""


class NextHops:
    """Chooses ways. ``device`` tells the index of the interface that a policy is bound to, if it is."""

    def __init__(
        self,
        hops: Hops,
        addresses: Callable[[], Iterable[Address]],
        device: Callable[[PolicySpec], int | None],
    ) -> None:
        self._hops = hops
        self._addresses = addresses
        self._device = device

    def choose(self, spec: PolicySpec) -> Way | None:
        """The way for a policy's destination, ``None`` for no route."""
        if not wants_route(spec):
            return None
        if spec.action is Mode.PASS:
            return Way(throw=True)
        source = None if _is_everything(spec.source) else inside(spec.source, self._addresses())
        device = self._device(spec)
        if device is not None:
            return Way(device, source=source)
        if source is None and not _is_everything(spec.source):
            return None
        return self._towards_peer(spec, source)

    def _towards_peer(self, spec: PolicySpec, source: Address | None) -> Way | None:
        peer = spec.outer_destination
        hop = None if peer is None else self._hops.next_hop(peer, spec.outer_source)
        if hop is None or peer is None:
            return None
        gateway = hop.gateway if peer.version == spec.destination.family else None
        return Way(hop.interface, gateway, source)


def wants_route(spec: PolicySpec) -> bool:
    """Whether routing is to know of a policy at all."""
    whole = all(_is_whole(end) for end in (spec.source, spec.destination))
    return spec.direction is Direction.OUT and whole and spec.action in (*_TUNNELS, Mode.PASS)


def _is_whole(selector: TrafficSelector) -> bool:
    return not selector.protocol and selector.any_port


def _is_everything(selector: TrafficSelector) -> bool:
    return not int(selector.start) and int(selector.end) == (1 << selector.start.max_prefixlen) - 1
