"""The CHILD_SA part of a ``conn``: mode, selectors, proposals, lifetimes, what a kernel must have for it."""

from collections.abc import Iterable
from typing import TypeVar

from cygnet.base.selectors import MAX_SELECTORS, TrafficSelector
from cygnet.crypto.proposals import Proposal, Protocol, default_proposals, parse_proposals
from cygnet.ctl.stroke import AddConnection, End
from cygnet.kernel.port import Features, InterfaceKind, IpProtocol, Lifetime, Mark, Mode, Offload
from cygnet.keying.backends.errors import ConfigError
from cygnet.keying.backends.stroke_selectors import selectors
from cygnet.keying.config.records import Action, Binding, ChildConfig, UniqueMark
from cygnet.keying.config.settings import DaemonSettings

ACTIONS = {"none": Action.NONE, "clear": Action.CLEAR, "hold": Action.TRAP, "route": Action.TRAP,
           "trap": Action.TRAP, "restart": Action.START, "start": Action.START}  # fmt: skip
MODES = {"tunnel": Mode.TUNNEL, "transport": Mode.TRANSPORT, "beet": Mode.BEET, "pass": Mode.PASS,
         "passthrough": Mode.PASS, "drop": Mode.DROP, "reject": Mode.DROP}  # fmt: skip
INTERFACES = {kind.value: kind for kind in InterfaceKind}
OFFLOADS = {offload.value: offload for offload in Offload}
SHUNTS = (Mode.PASS, Mode.DROP)
MAX_REPLAY_WINDOW = 4096
_UNIQUE = {"%unique": False, "%unique-dir": True}
_NO_MARK = ("", "0/0x0")
T = TypeVar("T")


def child(request: AddConnection, settings: DaemonSettings, features: Features | None) -> ChildConfig:
    """The child's record; raises :class:`ConfigError`, also for what the kernel backend lacks."""
    window = request.replay_window
    config = ChildConfig(
        name=request.name,
        local_ts=_selectors(request.left, "left"),
        remote_ts=_selectors(request.right, "right"),
        proposals=_child_proposals(request),
        mode=choice(MODES, request.mode, "type"),
        lifetime=_lifetime(request),
        margin_s=request.margin_s,
        fuzz_percent=request.fuzz_percent,
        reqid=request.reqid,
        replay_window=settings.replay_window if window < 0 else window,
        dpd_action=choice(ACTIONS, request.dpd_action, "dpdaction"),
        close_action=choice(ACTIONS, request.close_action, "closeaction"),
        inactivity_s=request.inactivity_s,
        updown=request.left.updown,
        host_access=request.left.hostaccess,
        tfc=request.tfc,
        mark_in=_mark(request.mark_in, "mark_in"),
        mark_out=_mark(request.mark_out, "mark_out"),
        compress=request.compress,
        install_policies=request.install_policy,
        sha256_96=request.sha256_96,
        binding=_binding(request),
    )
    if window > MAX_REPLAY_WINDOW:
        raise ConfigError(f"replay_window={window} is more than {MAX_REPLAY_WINDOW} packets")
    if features is not None and features.modes and config.mode not in SHUNTS:
        _need(config, features)
    return config


def proposals(text: str, protocol: Protocol, keyword: str) -> tuple[Proposal, ...]:
    """What ``ike``, ``esp`` or ``ah`` say, or the defaults; raises :class:`ConfigError`."""
    try:
        return parse_proposals(text, protocol) if text else default_proposals(protocol)
    except ValueError as error:
        raise ConfigError(f"{keyword}={text}: {error}") from None


def choice(choices: dict[str, T], text: str, keyword: str) -> T:
    """What a word stands for; raises :class:`ConfigError` naming those there are."""
    if text not in choices:
        raise ConfigError(f"{keyword}={text} is none of {', '.join(choices)}")
    return choices[text]


def _child_proposals(request: AddConnection) -> tuple[Proposal, ...]:
    """Of one protocol: bundles of AH and ESP are of the past (RFC 8221, 4)."""
    if request.ah and request.esp:
        raise ConfigError("ah and esp exclude each other: ESP protects integrity too, so drop ah")
    if request.ah:
        return proposals(request.ah, Protocol.AH, "ah")
    return proposals(request.esp, Protocol.ESP, "esp")


def _need(config: ChildConfig, features: Features) -> None:
    """Raise :class:`ConfigError` where the kernel backend lacks something the connection is about."""
    lacks = list(_lacking(config, features))
    if lacks:
        what = " and ".join(lacks)
        advice = "; the kernel's own IPsec has it (charon.kernel = xfrm in strongswan.conf)"
        raise ConfigError(f"kernel backend {features.name} has no {what}" + advice)


def _lacking(config: ChildConfig, features: Features) -> Iterable[str]:
    if config.protocol not in features.protocols:
        yield f"{config.protocol.name} (ah=)" if config.protocol is IpProtocol.AH else "ESP"
    if config.compress and not features.compression:
        yield "IPComp (compress=yes)"
    if config.binding != Binding() and not features.bindings:
        yield "interface, if_id_in, if_id_out, set_mark_in, set_mark_out or hw_offload"
    if config.mode not in features.modes:
        yield f"mode {config.mode} (type=)"


def _binding(request: AddConnection) -> Binding:
    kind, _, name = request.interface.partition(":")
    interface = None if kind == "no" else choice(INTERFACES, kind, "interface")
    marks = any((request.mark_in, request.mark_out))
    if interface is not None and (request.if_id_in or request.if_id_out or marks):
        raise ConfigError("interface excludes if_id_in, if_id_out and mark: it brings its own")
    return Binding(
        interface,
        name,
        request.if_id_in,
        request.if_id_out,
        _fixed_mark(request.set_mark_in, "set_mark_in"),
        _fixed_mark(request.set_mark_out, "set_mark_out"),
        choice(OFFLOADS, request.hw_offload, "hw_offload"),
    )


def _fixed_mark(text: str, keyword: str) -> Mark | None:
    mark = _mark(text, keyword)
    if isinstance(mark, UniqueMark):
        raise ConfigError(f"{keyword}={text} is not VALUE or VALUE/MASK")
    return mark


def _lifetime(request: AddConnection) -> Lifetime:
    """Hard limits as written, soft ones a margin before them; none at all with ``rekey=no``."""
    if not request.rekey:
        return Lifetime()
    return Lifetime(
        soft_s=_soft(request.lifetime_s, request.margin_s),
        hard_s=request.lifetime_s,
        soft_bytes=int(_soft(request.life_bytes, request.margin_bytes)),
        hard_bytes=request.life_bytes,
        soft_packets=int(_soft(request.life_packets, request.margin_packets)),
        hard_packets=request.life_packets,
    )


def _soft(hard: float, margin: float) -> float:
    """A margin before the end; where that is before the beginning, as early as is sensible."""
    return max(hard - margin, min(hard, 1)) if hard else 0


def _selectors(end: End, side: str) -> tuple[TrafficSelector, ...]:
    try:
        found = tuple(dict.fromkeys(selectors(end)))
    except ValueError as error:
        raise ConfigError(f"{side}{error}") from None
    if len(found) > MAX_SELECTORS:
        most = f"the {MAX_SELECTORS} that one CHILD_SA may have (RFC 7296, 3.13)"
        raise ConfigError(f"{side}subnet names {len(found)} subnets, more than {most}")
    return found


def _mark(text: str, keyword: str) -> Mark | UniqueMark | None:
    """``VALUE[/MASK]``, decimal or hexadecimal, ``%unique`` or ``%unique-dir``."""
    if text in _NO_MARK:
        return None
    value, _, mask = text.partition("/")
    try:
        bits = int(mask, 0) if mask else 0xFFFFFFFF
        if value in _UNIQUE:
            return UniqueMark(bits, _UNIQUE[value])
        return Mark(int(value, 0) & bits, bits)
    except ValueError:
        raise ConfigError(f"{keyword}={text} is not VALUE or VALUE/MASK, %unique or %unique-dir") from None
