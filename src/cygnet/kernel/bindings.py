"""Records of the kernel port about what SAs and policies are bound to: marks, interfaces, network cards."""

from dataclasses import dataclass
from enum import StrEnum

from cygnet.base.addresses import Address


@dataclass(frozen=True, slots=True)
class Mark:
    """What the marks of packets are compared with, in the bits of ``mask``."""

    value: int
    mask: int = 0xFFFFFFFF


class Offload(StrEnum):
    """What a network card does for an SA; the values are those of ``hw_offload`` in strongSwan's swanctl.

    ``crypto`` and ``packet`` must be had, ``auto`` takes what there is, ``packet`` first.
    """

    NO = "no"
    CRYPTO = "crypto"
    PACKET = "packet"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class IpTfs:
    """How a tunnel of mode IPTFS aggregates and fragments (RFC 9347); ``None`` is the kernel's default.

    Times are microseconds, sizes octets; ``packet_size`` 0 is what the path carries.
    """

    drop_time_us: int | None = None
    reorder_window: int | None = None
    dont_fragment: bool = False
    init_delay_us: int | None = None
    max_queue: int | None = None
    packet_size: int | None = None


class InterfaceKind(StrEnum):
    """Which kind of interface a connection has for itself."""

    AUTO = "auto"
    XFRM = "xfrm"
    VTI = "vti"


@dataclass(frozen=True, slots=True)
class InterfaceSpec:
    """An interface that a connection asks for. ``name`` may be empty; the hosts matter to a VTI only."""

    connection: str
    kind: InterfaceKind
    name: str
    local: Address
    remote: Address


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface there is. SAs and policies are bound to it by ``if_id`` or, for a VTI, by ``mark``."""

    connection: str
    name: str
    if_id: int = 0
    mark: Mark | None = None
