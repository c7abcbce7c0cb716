"""From the kernel port's records to those of the data plane."""

from cygnet.crypto import tables
from cygnet.crypto.ciphers import sealer
from cygnet.crypto.errors import UnsupportedAlgorithmError
from cygnet.crypto.interfaces import Sealer
from cygnet.crypto.tables import TransformType
from cygnet.crypto.transforms import Transform
from cygnet.esp.records import Action, Carriage, Limits, PacketMark, Policy, SaParameters
from cygnet.esp.sequence import MAX_WINDOW
from cygnet.kernel.port import (
    Direction,
    Encapsulation,
    Features,
    IpProtocol,
    KernelError,
    Mark,
    Mode,
    Offload,
    PolicySpec,
    SaId,
    SaSpec,
)

_NULL = 11
_ACTIONS = {
    Mode.TUNNEL: Action.PROTECT, Mode.TRANSPORT: Action.PROTECT, Mode.BEET: Action.PROTECT,
    Mode.PASS: Action.PASS, Mode.DROP: Action.DROP,
}  # fmt: skip
_CARRIAGES = {
    Mode.TUNNEL: Carriage.TUNNEL, Mode.TRANSPORT: Carriage.TRANSPORT, Mode.BEET: Carriage.BEET,
}  # fmt: skip
_KERNEL = "the kernel's own IPsec does (charon.kernel = xfrm)"


def features() -> Features:
    """What espd can do."""
    return Features(
        "userland",
        frozenset(row.number for row in tables.ENCRYPTION),
        frozenset(row.number for row in tables.INTEGRITY),
        frozenset(_ACTIONS),
    )


def parameters(spec: SaSpec) -> SaParameters:
    """The data plane's parameters of an SA; raises :class:`KernelError` for what espd cannot do."""
    _check(spec)
    return SaParameters(
        spi=spec.id.spi,
        source=spec.id.source,
        destination=spec.id.destination,
        reqid=spec.reqid,
        encapsulation=ports(spec.encapsulation),
        replay_window=spec.replay_window,
        esn=spec.esn,
        tfc=spec.tfc,
        copy_dscp=spec.copy_dscp,
        carriage=_CARRIAGES[spec.mode],
        original=spec.original,
        limits=Limits(
            spec.lifetime.soft_bytes,
            spec.lifetime.hard_bytes,
            spec.lifetime.soft_packets,
            spec.lifetime.hard_packets,
        ),
        local_ts=spec.local_ts,
        remote_ts=spec.remote_ts,
    )


def need_esp(protocol: IpProtocol) -> None:
    """Raise :class:`KernelError` for what espd does not carry."""
    if protocol is not IpProtocol.ESP:
        raise KernelError(f"espd carries ESP only, not {protocol.name}; {_KERNEL}")


def _check(spec: SaSpec) -> None:
    need_esp(spec.id.protocol)
    if spec.compression is not None:
        raise KernelError(f"espd does not compress (IPComp); {_KERNEL}")
    if spec.mode not in _CARRIAGES:
        raise KernelError(f"espd has no mode {spec.mode}")
    if not 0 < spec.id.spi < 1 << 32:
        raise KernelError(f"SPI {spec.id.spi:#x} is not one of 32 bits (RFC 4303, 2.1)")
    if spec.id.source.version != spec.id.destination.version:
        raise KernelError("outer addresses are of different families")
    if spec.if_id or spec.output_mark or spec.cpu is not None or spec.offload is not Offload.NO:
        raise KernelError(f"espd has no interface ids, output marks, CPUs or offload of SAs; {_KERNEL}")
    if spec.encapsulation is not None and spec.encapsulation.tcp:
        raise KernelError(f"espd does not put ESP into TCP; {_KERNEL}")
    if not 0 <= spec.replay_window <= MAX_WINDOW:
        raise KernelError(f"replay window {spec.replay_window} is not within 0 to {MAX_WINDOW} packets")
    needs_hosts = spec.mode is Mode.BEET or (spec.mode is Mode.TRANSPORT and spec.local_ts)
    if needs_hosts and not _is_host_pair(spec):
        raise KernelError(f"a {spec.mode} SA needs exactly one address at either end")


def _is_host_pair(spec: SaSpec) -> bool:
    """Whether both ends' selectors are of one host each, of one family."""
    hosts = [{(one.start, one.end) for one in ends} for ends in (spec.local_ts, spec.remote_ts)]
    if any(len(ends) != 1 for ends in hosts):
        return False
    (near,), (far,) = hosts
    return near[0] == near[1] and far[0] == far[1] and near[0].version == far[0].version


def ports(encapsulation: Encapsulation | None) -> tuple[int, int] | None:
    """The outer UDP ports, sender's first."""
    return (encapsulation.source_port, encapsulation.destination_port) if encapsulation else None


def build_sealer(spec: SaSpec) -> Sealer:
    """The SA's algorithms with their keys; raises :class:`KernelError` naming what does not fit."""
    cipher, mac = spec.encryption, spec.integrity
    number, bits = (cipher.number, cipher.key_bits) if cipher else (_NULL, 0)
    encryption = Transform(TransformType.ENCR, number, bits)
    integrity = Transform(TransformType.INTEG, mac.number) if mac and mac.number else None
    try:
        return sealer(
            encryption,
            integrity,
            cipher.key.reveal() if cipher else b"",
            mac.key.reveal() if mac and integrity else b"",
            (mac.icv_bits if mac else 0) // 8,
        )
    except (UnsupportedAlgorithmError, ValueError) as error:
        raise KernelError(str(error)) from None


def policy(spec: PolicySpec, owner: str) -> Policy:
    """The data plane's policy; raises :class:`KernelError` for what espd cannot do."""
    action = _ACTIONS.get(spec.action)
    if action is None:
        raise KernelError(f"espd has no policies of mode {spec.action}")
    return Policy(
        outbound=spec.direction is Direction.OUT,
        source=spec.source,
        destination=spec.destination,
        action=action,
        reqid=spec.reqid,
        trap=spec.trap,
        priority=spec.priority,
        next_spi=spec.next_spi,
        outer_destination=spec.outer_destination,
        whole=spec.action in (Mode.TRANSPORT, Mode.BEET),
        mark=packet_mark(spec.mark),
        owner=owner,
    )


def packet_mark(mark: Mark | None) -> PacketMark | None:
    """The data plane's form of a mark."""
    return None if mark is None else (mark.value, mark.mask)


def sa_id(parameters: SaParameters) -> SaId:
    """The port's name of an SA."""
    return SaId(parameters.source, parameters.destination, IpProtocol.ESP, parameters.spi)
