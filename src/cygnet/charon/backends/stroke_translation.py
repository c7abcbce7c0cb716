"""A ``conn`` as starter sends it, made into charon's records."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from cygnet.base.addresses import Address
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.backends import address_match
from cygnet.charon.backends.errors import ConfigError
from cygnet.charon.backends.stroke_ends import AuthReader, CertificateLoader, address_spec
from cygnet.charon.backends.stroke_selectors import selectors
from cygnet.charon.config.records import Action, ChildConfig, IkeConfig, PeerConfig, Revocation, Unique
from cygnet.charon.config.settings import DaemonSettings
from cygnet.crypto.proposals import Proposal, Protocol, default_proposals, parse_proposals
from cygnet.ctl.stroke import AddConnection, End
from cygnet.kernel.port import Lifetime, Mark, Mode

ACTIONS = {"none": Action.NONE, "clear": Action.NONE, "hold": Action.TRAP, "route": Action.TRAP,
           "trap": Action.TRAP, "restart": Action.START, "start": Action.START}  # fmt: skip
MODES = {"tunnel": Mode.TUNNEL, "transport": Mode.TRANSPORT, "beet": Mode.BEET, "pass": Mode.PASS,
         "passthrough": Mode.PASS, "drop": Mode.DROP, "reject": Mode.DROP}  # fmt: skip
UNIQUE = {"yes": Unique.REPLACE, "replace": Unique.REPLACE, "no": Unique.NO, "keep": Unique.KEEP,
          "never": Unique.NEVER}  # fmt: skip
REVOCATION = {one.value: one for one in Revocation}
MTU = 1500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Translator:
    """Makes records of messages. ``names`` resolves host names; ``is_local`` knows our addresses."""

    settings: DaemonSettings
    load: CertificateLoader
    names: Callable[[str], tuple[Address, ...]]
    is_local: Callable[[Address], bool]

    def translate(self, request: AddConnection) -> tuple[PeerConfig, list[str]]:
        """A peer config with one child, and warnings; raises :class:`ConfigError`."""
        _refuse_later(request)
        request, notes = self._oriented(request)
        reader = AuthReader(self.load, request.authby, notes)
        strict = _choice(REVOCATION, request.crl_policy, "strictcrlpolicy")
        peer = PeerConfig(
            name=request.name,
            ike=_ike(request),
            local=(reader.local(request.left, request.right),),
            remote=(replace(reader.remote(request.right, request.left), revocation=strict),),
            children=(self._child(request),),
            unique=_choice(UNIQUE, request.unique, "uniqueids"),
            ike_lifetime_s=request.ike_lifetime_s,
            margin_s=request.margin_s,
            fuzz_percent=request.fuzz_percent,
            rekey=request.rekey,
            reauth=request.reauth,
            keying_tries=request.keying_tries,
            mobike=request.mobike,
            dpd_delay_s=request.dpd_delay_s if request.dpd_action != "none" else 0,
        )
        return peer, notes

    def _oriented(self, request: AddConnection) -> tuple[AddConnection, list[str]]:
        """With this host at ``left``: swapped where only ``right`` is one of our addresses."""
        if not self.settings.stroke_allow_swap:
            return request, []
        left, right = self._is_ours(request.left), self._is_ours(request.right)
        if right and not left:
            return replace(request, left=request.right, right=request.left), []
        if left or address_spec(request.left).hosts == ():
            return request, []
        if request.mode in ("pass", "passthrough", "drop", "reject"):
            return request, []
        return request, ["left nor right host is our side, assuming left=local"]

    def _is_ours(self, end: End) -> bool:
        hosts = [host for host in address_spec(end).hosts if address_match.is_single(host)]
        return any(self.is_local(address) for host in hosts for address in self.names(host))

    def _child(self, request: AddConnection) -> ChildConfig:
        window = request.replay_window
        return ChildConfig(
            name=request.name,
            local_ts=_selectors(request.left, "left"),
            remote_ts=_selectors(request.right, "right"),
            proposals=_proposals(request.esp, Protocol.ESP, "esp"),
            mode=_choice(MODES, request.mode, "type"),
            lifetime=_lifetime(request),
            margin_s=request.margin_s,
            fuzz_percent=request.fuzz_percent,
            reqid=request.reqid,
            replay_window=self.settings.replay_window if window < 0 else window,
            dpd_action=_choice(ACTIONS, request.dpd_action, "dpdaction"),
            close_action=_choice(ACTIONS, request.close_action, "closeaction"),
            inactivity_s=request.inactivity_s,
            updown=request.left.updown,
            host_access=request.left.hostaccess,
            tfc=MTU if request.tfc < 0 else request.tfc,
            mark_in=_mark(request.mark_in),
            mark_out=_mark(request.mark_out),
        )


def _ike(request: AddConnection) -> IkeConfig:
    return IkeConfig(
        local=address_spec(request.left),
        remote=address_spec(request.right),
        proposals=_proposals(request.ike, Protocol.IKE, "ike"),
        version=request.version,
        fragmentation=request.fragmentation != "no",
        force_encaps=request.force_encaps,
        send_certreq=True,
        dscp=request.ikedscp,
    )


def _lifetime(request: AddConnection) -> Lifetime:
    """Hard limits as written, soft ones a margin before them, none where we do not rekey."""
    rekey = request.rekey
    return Lifetime(
        soft_s=max(request.lifetime_s - request.margin_s, 0) if rekey else 0,
        hard_s=request.lifetime_s,
        soft_bytes=max(request.life_bytes - request.margin_bytes, 0) if rekey else 0,
        hard_bytes=request.life_bytes,
        soft_packets=max(request.life_packets - request.margin_packets, 0) if rekey else 0,
        hard_packets=request.life_packets,
    )


def _refuse_later(request: AddConnection) -> None:
    later = {
        "ah": bool(request.ah), "compress": request.compress, "installpolicy=no": not request.install_policy,
        "mediation": request.mediation or bool(request.mediated_by), "sha256_96": request.sha256_96,
        "type=transport_proxy": request.mode == "transport_proxy",
    }  # fmt: skip
    for what, wanted in later.items():
        if wanted:
            raise ConfigError(f"'{what}' is not part of this version")


def _proposals(text: str, protocol: Protocol, keyword: str) -> tuple[Proposal, ...]:
    try:
        return parse_proposals(text, protocol) if text else default_proposals(protocol)
    except ValueError as error:
        raise ConfigError(f"{keyword}={text}: {error}") from None


def _selectors(end: End, side: str) -> tuple[TrafficSelector, ...]:
    try:
        return selectors(end)
    except ValueError as error:
        raise ConfigError(f"{side}{error}") from None


def _choice(choices: dict[str, T], text: str, keyword: str) -> T:
    if text not in choices:
        raise ConfigError(f"{keyword}={text} is none of {', '.join(choices)}")
    return choices[text]


def _mark(text: str) -> Mark | None:
    """``VALUE[/MASK]``, decimal or hexadecimal; raises :class:`ConfigError`."""
    if not text or text == "0/0x0":
        return None
    value, _, mask = text.partition("/")
    try:
        return Mark(int(value, 0), int(mask, 0) if mask else 0xFFFFFFFF)
    except ValueError:
        raise ConfigError(f"mark '{text}' is not VALUE or VALUE/MASK") from None
