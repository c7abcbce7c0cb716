"""Requests about SAs: what an :class:`SaSpec` is in the kernel's terms.

With IPComp an SA of the port is two of the kernel: IPComp has the mode, ESP around it is in transport mode
(RFC 3173, 2.1; RFC 7296, 2.22).
"""

from collections.abc import Callable
from dataclasses import replace
from math import ceil
from struct import Struct

from cygnet.kernel.backends.netlink import attribute
from cygnet.kernel.backends.xfrm.algorithms import cipher_attributes, compression_attribute
from cygnet.kernel.backends.xfrm.constants import (
    DONT_ENCAP_DSCP,
    ENCAP_TCP,
    ENCAP_UDP,
    MODES,
    SA_IN,
    SA_OUT,
    Attr,
    StateFlag,
)
from cygnet.kernel.backends.xfrm.primitives import Limits, Selector, pack_mark
from cygnet.kernel.backends.xfrm.sa_layout import (
    SaInfo,
    pack_encapsulation,
    pack_replay_window,
    pack_sa_name,
    pack_spi_request,
)
from cygnet.kernel.backends.xfrm.selectors import kernel_selectors
from cygnet.kernel.port import Encapsulation, IpProtocol, IpTfs, Lifetime, Mode, SaId, SaSpec

ESN_WINDOW = 32
"""What an inbound SA with ESN gets at least: the window is part of how ESN works (RFC 4303, 3.3.3, A2.1)."""
_OLD_WINDOW = 32
"""The largest window in ``struct xfrm_usersa_info`` itself."""
_ANY_SIZE = 0xFFFFFFFF
_WORD, _HALF = Struct("=I"), Struct("=H")
_TUNNELS = (Mode.TUNNEL, Mode.IPTFS)


def sa_request(spec: SaSpec, sequence: int, offload: bytes = b"") -> bytes:
    """The SA that protects: header and attributes. Raises :class:`KernelError` for what cannot be said.

    ``sequence`` marks whose it is; ``offload`` is a packed XFRMA_OFFLOAD_DEV attribute.
    """
    mode = Mode.TRANSPORT if spec.compression else spec.mode
    info = SaInfo(
        spec.id.source,
        spec.id.destination,
        spec.id.protocol,
        spec.id.spi,
        spec.reqid,
        MODES[mode],
        _flags(spec, mode),
        0 if _has_own_window(spec) else _window(spec),
        sequence,
        None if spec.compression else _selector(spec),
        limits(spec.lifetime),
    )
    return info.pack() + cipher_attributes(spec) + _attributes(spec) + offload


def compression_request(spec: SaSpec, sequence: int) -> bytes:
    """The IPComp SA inside; it has no limits of its own."""
    assert spec.compression is not None, "asked only where there is one"
    info = SaInfo(
        spec.id.source,
        spec.id.destination,
        IpProtocol.IPCOMP,
        spec.compression.cpi,
        spec.reqid,
        MODES[spec.mode],
        _flags(replace(spec, esn=False), spec.mode),
        sequence=sequence,
        selector=_selector(spec),
    )
    return info.pack() + compression_attribute(spec.compression.transform) + binding(spec) + _dscp(spec)


def compression_id(spec: SaSpec) -> SaId:
    """What names the IPComp SA of an SA."""
    assert spec.compression is not None, "asked only where there is one"
    return SaId(spec.id.source, spec.id.destination, IpProtocol.IPCOMP, spec.compression.cpi)


def spi_request(reserved: SaId, reqid: int, low: int, high: int) -> bytes:
    """An SPI of that range for ``reserved`` (whose own is 0); ``reqid`` marks the reservation."""
    info = SaInfo(reserved.source, reserved.destination, reserved.protocol, 0, reqid, MODES[Mode.TUNNEL])
    return pack_spi_request(info, low, high)


def naming(id: SaId, spec: SaSpec | None) -> bytes:
    """What names an SA in a request to show or delete it: its mark counts."""
    return pack_sa_name(id) + (mark_attribute(spec) if spec is not None else b"")


def encapsulation_attribute(encapsulation: Encapsulation | None, spec: SaSpec | None = None) -> bytes:
    """XFRMA_ENCAP, or nothing."""
    if encapsulation is None:
        return b""
    original = spec.original[0] if spec is not None and spec.original is not None else None
    kind = ENCAP_TCP if encapsulation.tcp else ENCAP_UDP
    packed = pack_encapsulation(kind, encapsulation.source_port, encapsulation.destination_port, original)
    return attribute(Attr.ENCAP, packed)


def limits(lifetime: Lifetime) -> Limits:
    """Whole seconds, rounded up."""
    return Limits(
        lifetime.soft_bytes,
        lifetime.hard_bytes,
        lifetime.soft_packets,
        lifetime.hard_packets,
        ceil(lifetime.soft_s),
        ceil(lifetime.hard_s),
    )


def mark_attribute(spec: SaSpec) -> bytes:
    """XFRMA_MARK, or nothing."""
    return attribute(Attr.MARK, pack_mark(spec.mark.value, spec.mark.mask)) if spec.mark else b""


def binding(spec: SaSpec) -> bytes:
    """What an SA and the IPComp inside it have in common: mark and interface."""
    return mark_attribute(spec) + (attribute(Attr.IF_ID, word(spec.if_id)) if spec.if_id else b"")


def _attributes(spec: SaSpec) -> bytes:
    return b"".join(write(spec) for write in _WRITERS)


def _flags(spec: SaSpec, mode: Mode) -> int:
    flags = StateFlag.ESN if spec.esn else 0
    if mode in _TUNNELS:
        flags |= StateFlag.AF_UNSPEC
    if spec.inbound and spec.copy_dscp.inward:
        flags |= StateFlag.DECAP_DSCP
    if spec.id.protocol is IpProtocol.AH and spec.id.destination.version == 4:
        flags |= StateFlag.ALIGN4  # not to eight octets, which is for IPv6 (RFC 4302, 2.2, 3.3.3.2.1)
    return flags


def _window(spec: SaSpec) -> int:
    if spec.inbound:
        return max(spec.replay_window, ESN_WINDOW) if spec.esn else spec.replay_window
    return 1 if spec.esn else 0


def _has_own_window(spec: SaSpec) -> bool:
    return spec.esn or _window(spec) > _OLD_WINDOW


def _selector(spec: SaSpec) -> Selector | None:
    """The inner addresses of BEET and of transport mode; a tunnel takes what its policy sends it."""
    source, destination = (spec.remote_ts, spec.local_ts) if spec.inbound else (spec.local_ts, spec.remote_ts)
    if spec.mode in _TUNNELS or len(source) != 1 or len(destination) != 1:
        return None
    exact = kernel_selectors(source[0], destination[0])
    if len(exact) != 1:
        return None
    return Selector(exact[0].source, exact[0].destination)


def _replay(spec: SaSpec) -> bytes:
    return attribute(Attr.REPLAY_ESN_VAL, pack_replay_window(_window(spec))) if _has_own_window(spec) else b""


def _dscp(spec: SaSpec) -> bytes:
    kept = spec.inbound or spec.copy_dscp.outward or spec.mode not in _TUNNELS
    return b"" if kept else attribute(Attr.SA_EXTRA_FLAGS, word(DONT_ENCAP_DSCP))


def _tfc(spec: SaSpec) -> bytes:
    tunnel = spec.mode is Mode.TUNNEL and spec.id.protocol is IpProtocol.ESP and not spec.compression
    if spec.inbound or not spec.tfc or not tunnel:
        return b""
    return attribute(Attr.TFCPAD, word(_ANY_SIZE if spec.tfc < 0 else spec.tfc))


def _output_mark(spec: SaSpec) -> bytes:
    mark = spec.output_mark
    if mark is None:
        return b""
    return attribute(Attr.SET_MARK, word(mark.value)) + attribute(Attr.SET_MARK_MASK, word(mark.mask))


def _direction(spec: SaSpec) -> bytes:
    """Only IP-TFS and per-CPU SAs need it."""
    if spec.mode is not Mode.IPTFS and spec.cpu is None:
        return b""
    return attribute(Attr.SA_DIR, bytes((SA_IN if spec.inbound else SA_OUT,)))


def _cpu(spec: SaSpec) -> bytes:
    return b"" if spec.cpu is None else attribute(Attr.SA_PCPU, word(spec.cpu))


def _iptfs(spec: SaSpec) -> bytes:
    if spec.mode is not Mode.IPTFS or spec.iptfs is None:
        return b""
    return _iptfs_in(spec.iptfs) if spec.inbound else _iptfs_out(spec.iptfs)


def _iptfs_in(options: IpTfs) -> bytes:
    found = b""
    if options.drop_time_us is not None:
        found += attribute(Attr.IPTFS_DROP_TIME, word(options.drop_time_us))
    if options.reorder_window is not None:
        found += attribute(Attr.IPTFS_REORDER_WINDOW, _HALF.pack(options.reorder_window))
    return found


def _iptfs_out(options: IpTfs) -> bytes:
    numbers = {
        Attr.IPTFS_INIT_DELAY: options.init_delay_us,
        Attr.IPTFS_MAX_QSIZE: options.max_queue,
        Attr.IPTFS_PKT_SIZE: options.packet_size,
    }
    found = attribute(Attr.IPTFS_DONT_FRAG, b"") if options.dont_fragment else b""
    return found + b"".join(attribute(kind, word(n)) for kind, n in numbers.items() if n is not None)


def _encapsulation(spec: SaSpec) -> bytes:
    return encapsulation_attribute(spec.encapsulation, spec)


def word(number: int) -> bytes:
    """A ``__u32``."""
    return _WORD.pack(number)


_WRITERS: tuple[Callable[[SaSpec], bytes], ...] = (
    _encapsulation,
    _replay,
    _dscp,
    _tfc,
    binding,
    _output_mark,
    _direction,
    _cpu,
    _iptfs,
)
