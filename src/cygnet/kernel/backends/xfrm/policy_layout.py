"""Structures about policies (uapi ``linux/xfrm.h``): the policy, its templates, its migration."""

from dataclasses import dataclass
from struct import Struct

from cygnet.base.addresses import Address
from cygnet.kernel.backends.xfrm.constants import ALLOW, FAMILIES, VERSIONS
from cygnet.kernel.backends.xfrm.primitives import (
    SELECTOR_SIZE,
    Limits,
    Selector,
    pack_address,
    unpack_address,
)

_POLICY_TAIL = Struct("=IIBBBB4x")
_NAME_TAIL = Struct("=IB3x")
_TEMPLATE = Struct("=16s4sB3xH2x16sIBBBxIII")
_MIGRATE = Struct("=16s16s16s16sBB2xIHH")
_KM_ADDRESS = Struct("=16s16sIH2x")
_LIFETIMES = 64 + 32
_ALL = 0xFFFFFFFF
"""Template masks: any algorithm; the SA decides."""
POLICY_SIZE = SELECTOR_SIZE + _LIFETIMES + _POLICY_TAIL.size
POLICY_NAME_SIZE = SELECTOR_SIZE + _NAME_TAIL.size
TEMPLATE_SIZE = _TEMPLATE.size


@dataclass(frozen=True, slots=True)
class PolicyInfo:
    """``struct xfrm_userpolicy_info``. The low three bits of ``index`` are the direction."""

    selector: Selector
    direction: int
    priority: int = 0
    index: int = 0
    action: int = ALLOW
    flags: int = 0

    def pack(self) -> bytes:
        """168 octets: without limits."""
        tail = _POLICY_TAIL.pack(self.priority, self.index, self.direction, self.action, self.flags, 0)
        return self.selector.pack() + Limits().pack() + bytes(32) + tail

    @classmethod
    def unpack(cls, data: bytes, at: int = 0) -> "PolicyInfo":
        """Raises ``struct.error`` and ``ValueError`` for what is none."""
        tail = _POLICY_TAIL.unpack_from(data, at + SELECTOR_SIZE + _LIFETIMES)
        priority, index, direction, action, flags, _ = tail
        return cls(Selector.unpack(data, at), direction, priority, index, action, flags)


def pack_policy_name(selector: Selector, direction: int, index: int = 0) -> bytes:
    """``struct xfrm_userpolicy_id``, 64 octets; a nonzero index names the policy alone."""
    return selector.pack() + _NAME_TAIL.pack(index, direction)


def unpack_policy_name(data: bytes) -> tuple[Selector, int]:
    """Selector and direction of a ``struct xfrm_userpolicy_id``."""
    return Selector.unpack(data), _NAME_TAIL.unpack_from(data, SELECTOR_SIZE)[1]


@dataclass(frozen=True, slots=True)
class Template:
    """``struct xfrm_user_tmpl``: which SA protects. Without addresses the packet's own are meant."""

    source: Address | None
    destination: Address | None
    protocol: int
    reqid: int
    mode: int
    version: int
    spi: int = 0
    optional: bool = False

    def pack(self) -> bytes:
        """64 octets."""
        destination, source = pack_address(self.destination), pack_address(self.source)
        return _TEMPLATE.pack(
            destination,
            self.spi.to_bytes(4),
            self.protocol,
            FAMILIES[self.version],
            source,
            self.reqid,
            self.mode,
            0,
            self.optional,
            _ALL,
            _ALL,
            _ALL,
        )

    @classmethod
    def unpack(cls, data: bytes, at: int = 0) -> "Template":
        """Raises ``struct.error`` when there is too little."""
        fields = _TEMPLATE.unpack_from(data, at)
        destination, spi, protocol, family, source, reqid, mode, _, optional, *_ = fields
        return cls(
            _given(source, family),
            _given(destination, family),
            protocol,
            reqid,
            mode,
            VERSIONS.get(family, 4),
            int.from_bytes(spi),
            bool(optional),
        )

    def __str__(self) -> str:
        name = {50: "esp", 51: "ah", 108: "ipcomp"}.get(self.protocol, str(self.protocol))
        spi = f" spi {self.spi:08x}" if self.spi else ""
        ends = f" {self.source or '%any'} to {self.destination or '%any'}" if self.mode else ""
        mode = {0: "transport", 1: "tunnel", 4: "beet", 5: "iptfs"}.get(self.mode, f"mode {self.mode}")
        return f"{name} reqid {self.reqid}{spi} {mode}{ends}{' optional' if self.optional else ''}"


def unpack_templates(data: bytes) -> tuple[Template, ...]:
    """All templates of an XFRMA_TMPL attribute."""
    return tuple(Template.unpack(data, at) for at in range(0, len(data) - TEMPLATE_SIZE + 1, TEMPLATE_SIZE))


@dataclass(frozen=True, slots=True)
class Migration:
    """``struct xfrm_user_migrate``: SAs and templates between two addresses move to two others."""

    old_source: Address
    old_destination: Address
    new_source: Address
    new_destination: Address
    protocol: int
    mode: int
    reqid: int

    def pack(self) -> bytes:
        """76 octets."""
        addresses = (self.old_destination, self.old_source, self.new_destination, self.new_source)
        families = FAMILIES[self.old_destination.version], FAMILIES[self.new_destination.version]
        packed = map(pack_address, addresses)
        return _MIGRATE.pack(*packed, self.protocol, self.mode, self.reqid, *families)

    @classmethod
    def unpack(cls, data: bytes) -> "Migration":
        """Raises ``struct.error`` when there is too little."""
        old_d, old_s, new_d, new_s, protocol, mode, reqid, old, new = _MIGRATE.unpack_from(data)
        return cls(
            unpack_address(old_s, old),
            unpack_address(old_d, old),
            unpack_address(new_s, new),
            unpack_address(new_d, new),
            protocol,
            mode,
            reqid,
        )


def unpack_km_address(data: bytes) -> tuple[Address, Address]:
    """Local and remote address of a ``struct xfrm_user_kmaddress``: where IKE goes from now on."""
    local, remote, _, family = _KM_ADDRESS.unpack_from(data)
    return unpack_address(local, family), unpack_address(remote, family)


def _given(octets: bytes, family: int) -> Address | None:
    return unpack_address(octets, family) if any(octets) else None
