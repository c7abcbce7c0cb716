"""Hardware offload: what gives an SA or a policy to a network card (Linux 4.11, whole packets 6.2)."""

from collections.abc import Callable

from cygnet.base.addresses import Address
from cygnet.kernel.backends.netlink import attribute
from cygnet.kernel.backends.xfrm.constants import FAMILIES, OFFLOAD_INBOUND, OFFLOAD_PACKET, Attr
from cygnet.kernel.backends.xfrm.sa_layout import pack_offload
from cygnet.kernel.port import Direction, KernelError, Offload, PolicySpec, SaSpec

InterfaceOf = Callable[[Address], int | None]
"""The index of the interface with a local address."""


class Offloads:
    """Makes the attributes."""

    def __init__(self, interface_of: InterfaceOf) -> None:
        self._interface_of = interface_of

    def for_sa(self, spec: SaSpec) -> tuple[bytes, ...]:
        """What to try, in this order; an empty attribute is no offload."""
        if spec.offload is Offload.NO:
            return (b"",)
        index = self._interface_of(spec.id.destination if spec.inbound else spec.id.source)
        inbound = OFFLOAD_INBOUND if spec.inbound else 0
        if index is None:
            if spec.offload is Offload.AUTO:
                return (b"",)
            raise KernelError(f"hw_offload={spec.offload}: no interface has the local address")
        crypto, packet = _attribute(index, inbound), _attribute(index, inbound | OFFLOAD_PACKET)
        return {Offload.CRYPTO: (crypto,), Offload.PACKET: (packet,)}.get(spec.offload, (packet, crypto, b""))

    def for_policy(self, spec: PolicySpec) -> bytes:
        """Only a card that handles whole packets has policies."""
        local = spec.outer_source if spec.direction is Direction.OUT else spec.outer_destination
        if spec.offload is not Offload.PACKET or local is None:
            return b""
        index = self._interface_of(local)
        return b"" if index is None else _attribute(index, OFFLOAD_PACKET)


def interface_of(address: Address) -> int | None:
    """The index of the interface that has a local address."""
    from pyroute2 import IPRoute

    with IPRoute() as netlink:
        for entry in netlink.get_addr(family=FAMILIES[address.version]):
            told = entry.get_attr("IFA_LOCAL") or entry.get_attr("IFA_ADDRESS")
            if told == str(address):
                return int(entry["index"])
    return None


def _attribute(index: int, flags: int) -> bytes:
    return attribute(Attr.OFFLOAD_DEV, pack_offload(index, flags))
