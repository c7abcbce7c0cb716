"""Structures about SAs (uapi ``linux/xfrm.h``) and the attributes that hold them."""

from dataclasses import dataclass, field
from struct import Struct

from cygnet.base.addresses import Address
from cygnet.kernel.backends.xfrm.constants import FAMILIES
from cygnet.kernel.backends.xfrm.primitives import (
    ANY_SELECTOR,
    SELECTOR_SIZE,
    Current,
    Limits,
    Selector,
    pack_address,
    unpack_address,
)
from cygnet.kernel.port import IpProtocol, SaId

_SA_NAME = Struct("=16s4sHBx")
_INFO_ID = Struct("=16s4sB3x16s")
_STATISTICS = Struct("=3I")
_INFO_TAIL = Struct("=IIHBBB7x")
_RANGE = Struct("=II")
_NAMED_KEY = Struct("=64sI")
_SIZED_KEY = Struct("=64sII")
_ENCAP = Struct("=H2s2s2x16s")
_REPLAY = Struct("=6I")
_OFFLOAD = Struct("=iB3x")
_WORD = 32

_LIMITS_AT = SELECTOR_SIZE + _INFO_ID.size
_CURRENT_AT = _LIMITS_AT + 64
_STATISTICS_AT = _CURRENT_AT + 32
_TAIL_AT = _STATISTICS_AT + _STATISTICS.size
SA_INFO_SIZE = _TAIL_AT + _INFO_TAIL.size
SA_NAME_SIZE = _SA_NAME.size


@dataclass(frozen=True, slots=True)
class SaInfo:
    """``struct xfrm_usersa_info``. ``id.protocol`` may be one that is not IPsec's own (a tunnel of IPComp).

    ``sequence`` is the number of the acquire that an SA answers; an SA in use may keep any. ``statistics``
    are the kernel's replay window, packets replayed and packets not authentic.
    """

    source: Address
    destination: Address
    protocol: int
    spi: int
    reqid: int
    mode: int
    flags: int = 0
    replay_window: int = 0
    sequence: int = 0
    selector: Selector | None = None
    limits: Limits = field(default_factory=Limits)
    current: Current = field(default_factory=Current)
    statistics: tuple[int, int, int] = (0, 0, 0)

    def pack(self) -> bytes:
        """224 octets, for a request: without counters, which the kernel keeps."""
        family = FAMILIES[self.destination.version]
        spi, source = self.spi.to_bytes(4), pack_address(self.source)
        return b"".join((
            ANY_SELECTOR if self.selector is None else self.selector.pack(),
            _INFO_ID.pack(pack_address(self.destination), spi, self.protocol, source),
            self.limits.pack(),
            bytes(32 + _STATISTICS.size),
            _INFO_TAIL.pack(
                self.sequence, self.reqid, family, self.mode, self.replay_window, self.flags
            ),
        ))  # fmt: skip

    @classmethod
    def unpack(cls, data: bytes) -> "SaInfo":
        """Raises ``struct.error`` when there is too little. Selector and limits are not read."""
        destination, spi, protocol, source = _INFO_ID.unpack_from(data, SELECTOR_SIZE)
        sequence, reqid, family, mode, window, flags = _INFO_TAIL.unpack_from(data, _TAIL_AT)
        return cls(
            unpack_address(source, family),
            unpack_address(destination, family),
            protocol,
            int.from_bytes(spi),
            reqid,
            mode,
            flags,
            window,
            sequence,
            current=Current.unpack(data, _CURRENT_AT),
            statistics=_STATISTICS.unpack_from(data, _STATISTICS_AT),
        )

    @property
    def id(self) -> SaId | None:
        """The port's name of the SA; ``None`` for what is no SA of IPsec."""
        if self.protocol not in _PROTOCOLS:
            return None
        return SaId(self.source, self.destination, IpProtocol(self.protocol), self.spi)


_PROTOCOLS = frozenset(IpProtocol)


def moved(info: bytes, new: SaId) -> bytes:
    """A ``struct xfrm_usersa_info`` with other outer addresses, all else as it is."""
    name = _INFO_ID.pack(
        pack_address(new.destination), new.spi.to_bytes(4), new.protocol, pack_address(new.source)
    )
    sequence, reqid, _, mode, window, flags = _INFO_TAIL.unpack_from(info, _TAIL_AT)
    tail = _INFO_TAIL.pack(sequence, reqid, FAMILIES[new.destination.version], mode, window, flags)
    return info[:SELECTOR_SIZE] + name + info[_LIMITS_AT:_TAIL_AT] + tail


def pack_sa_name(id: SaId) -> bytes:
    """``struct xfrm_usersa_id``, 24 octets."""
    family = FAMILIES[id.destination.version]
    return _SA_NAME.pack(pack_address(id.destination), id.spi.to_bytes(4), family, id.protocol)


def unpack_sa_name(data: bytes, at: int = 0) -> tuple[Address, int, int, int]:
    """Destination, SPI, protocol and address family of a ``struct xfrm_usersa_id``."""
    destination, spi, family, protocol = _SA_NAME.unpack_from(data, at)
    return unpack_address(destination, family), int.from_bytes(spi), protocol, family


def pack_spi_request(info: SaInfo, low: int, high: int) -> bytes:
    """``struct xfrm_userspi_info``, 232 octets: an SPI of that range is wanted."""
    return info.pack() + _RANGE.pack(low, high)


def pack_algorithm(name: str, key: bytes) -> bytes:
    """``struct xfrm_algo``: 64 octets of name, the key's bits, the key."""
    return _NAMED_KEY.pack(name.encode(), len(key) * 8) + key


def pack_sized_algorithm(name: str, key: bytes, icv_bits: int) -> bytes:
    """``struct xfrm_algo_auth`` and ``struct xfrm_algo_aead``: with the ICV's bits before the key."""
    return _SIZED_KEY.pack(name.encode(), len(key) * 8, icv_bits) + key


def unpack_algorithm(data: bytes, *, sized: bool) -> tuple[str, bytes]:
    """Name and key of any of the three structures."""
    layout = _SIZED_KEY if sized else _NAMED_KEY
    name, bits = layout.unpack_from(data)[:2]
    return name.rstrip(b"\0").decode("ascii", "replace"), data[layout.size : layout.size + (bits + 7) // 8]


def pack_encapsulation(kind: int, source_port: int, destination_port: int, original: Address | None) -> bytes:
    """``struct xfrm_encap_tmpl``, 24 octets; ``original`` is the address before NAT."""
    return _ENCAP.pack(kind, source_port.to_bytes(2), destination_port.to_bytes(2), pack_address(original))


def unpack_encapsulation(data: bytes) -> tuple[int, int, int]:
    """Kind, source port and destination port."""
    kind, source_port, destination_port, _ = _ENCAP.unpack_from(data)
    return kind, int.from_bytes(source_port), int.from_bytes(destination_port)


def pack_replay_window(window: int) -> bytes:
    """An empty ``struct xfrm_replay_state_esn`` with room for ``window`` packets."""
    words = -(-window // _WORD)
    return _REPLAY.pack(words, 0, 0, 0, 0, window) + bytes(4 * words)


def unpack_replay_window(data: bytes) -> int:
    """The window of a ``struct xfrm_replay_state_esn``."""
    window: int = _REPLAY.unpack_from(data)[5]
    return window


def pack_offload(interface: int, flags: int) -> bytes:
    """``struct xfrm_user_offload``, 8 octets."""
    return _OFFLOAD.pack(interface, flags)
