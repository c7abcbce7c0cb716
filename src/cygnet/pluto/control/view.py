"""pluto's part of ``ipsec status``: strongSwan 6's format, in which IKEv1 SAs stand among the others.

Names are right-aligned in 12 columns; ``ipsec`` merges the sections with charon's by their captions.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cygnet.base.durations import date, span
from cygnet.ctl.whack import End, Policy, Status
from cygnet.kernel.port import Usage
from cygnet.keying.sa.routed import Routed, policies
from cygnet.pluto.backends.connections import Connection, UnknownNameError
from cygnet.pluto.jobs.core import ChildPicture, Picture

HALF_OPEN = ("CREATED", "CONNECTING")
_METHODS = (
    (Policy.XAUTHPSK, "pre-shared key"),
    (Policy.XAUTHRSASIG, "public key"),
    (Policy.PSK, "pre-shared key"),
    (Policy.PUBKEY, "public key"),
)


@dataclass(frozen=True, slots=True)
class View:
    """Prints connections and SAs; ``now`` is the pictures' clock, ``banner`` the daemon's first line."""

    now: Callable[[], float]
    banner: str
    began: float
    started_at: float
    routed: Callable[[], Sequence[Routed]] = tuple

    def lines(
        self, request: Status, connections: Sequence[Connection], pictures: Sequence[Picture]
    ) -> Iterator[str]:
        """Everything or one name; raises :class:`UnknownNameError` for one that nothing has."""
        name = request.name
        shown = [one for one in connections if name in ("", one.name)]
        sas = sorted((sa for sa in pictures if not name or sa.concerns(name)), key=lambda sa: -sa.number)
        if name and not shown and not sas:
            raise UnknownNameError(f"no config named '{name}'")
        if request.all:
            yield self.banner
            yield f"  uptime: {span(self.now() - self.began)}, since {date(self.started_at)}"
            yield "Connections:"
            for connection in shown:
                if not connection.instance:
                    yield from _connection(connection)
        yield from policies(self.routed(), name)
        half = sum(sa.life in HALF_OPEN for sa in pictures)
        yield f"Security Associations ({len(pictures) - half} up, {half} connecting):"
        for sa in sas:
            yield from self._ike(sa, request)
        if not sas:
            yield "  no match" if name else "  none"

    def _ike(self, sa: Picture, request: Status) -> Iterator[str]:
        label = f"{sa.name:>12}[{sa.number}]:"
        ago = ""
        if sa.life == "ESTABLISHED" and sa.established_at is not None:
            ago = f" {span(self.now() - sa.established_at)} ago"
        yield f"{label} {sa.life}{ago}, {_host(sa.local, sa.local_id)}...{_host(sa.remote, sa.remote_id)}"
        if request.all:
            yield from self._details(label, sa)
        for child in sa.children:
            if request.name in ("", sa.name, child.name):
                yield from self._child(child, request.all)

    def _details(self, label: str, sa: Picture) -> Iterator[str]:
        if sa.xauth_user:
            yield f"{label} Remote XAuth identity: {sa.xauth_user}"
        ours, theirs = ("*", "") if sa.initiator else ("", "*")
        line = f"{label} IKEv1 SPIs: {sa.cookies[0].hex()}_i{ours} {sa.cookies[1].hex()}_r{theirs}"
        if sa.life == "ESTABLISHED":
            line += self._renewal(sa)
        yield line
        if sa.proposal:
            yield f"{label} IKE proposal: {sa.proposal}"

    def _renewal(self, sa: Picture) -> str:
        if not sa.reauth_at:
            return ", rekeying disabled"
        return f", {sa.auth} reauthentication in {span(sa.reauth_at - self.now())}"

    def _child(self, child: ChildPicture, details: bool) -> Iterator[str]:
        label = f"{child.name:>12}{{{child.number}}}:"
        line = f"{label}  {child.life}, {child.mode.upper()}, reqid {child.reqid}"
        if child.life == "INSTALLED":
            udp = " in UDP" if child.udp else ""
            cpis = ", IPCOMP CPIs: {:04x}_i {:04x}_o".format(*child.cpis) if child.cpis else ""
            line += f", {child.protocol}{udp} SPIs: {child.spi_in:08x}_i {child.spi_out:08x}_o{cpis}"
        elif child.expire_at is not None:
            line += f", expires in {span(child.expire_at - self.now())}"
        yield line
        if details and child.life == "INSTALLED":
            usage = f"{_used(child.usage_in, 'i')}, {_used(child.usage_out, 'o')}"
            renewal = f"in {span(child.event_at - self.now())}" if child.event else "disabled"
            yield f"{label}  {child.proposal}, {usage}, rekeying {renewal}"
        yield f"{label}   {child.local_ts} === {child.remote_ts}"


def _connection(connection: Connection) -> Iterator[str]:
    message = connection.message
    local, remote = connection.local or message.left, connection.remote or message.right
    version = "IKEv1/2" if message.either_version else "IKEv1"
    aggressive = " Aggressive" if message.policy & Policy.AGGRESSIVE else ""
    has_dpd = message.dpd_action != "none" and message.dpd_delay_s
    dpd = f", dpddelay={message.dpd_delay_s:.0f}s" if has_dpd else ""
    name = f"{connection.name:>12}:"
    yield f"{name}  {local.host}...{remote.host}  {version}{aggressive}{dpd}"
    method = next((word for bit, word in _METHODS if message.policy & bit), "any")
    for side, end in (("local: ", local), ("remote:", remote)):
        who = end.id or end.host
        identity = "" if who.startswith("%") else f" [{who}]"
        yield f"{name}   {side}{identity} uses {method} authentication"
    mode = "TUNNEL" if message.policy & Policy.TUNNEL else "TRANSPORT"
    if message.shunt != "trap":
        mode = message.shunt.upper()
    action = f", dpdaction={message.dpd_action}" if has_dpd else ""
    yield f"{name}   child:  {_client(local)} === {_client(remote)} {mode}{action}"


def _client(end: End) -> str:
    return " ".join(end.client.split(",")) if end.client else "dynamic"


def _host(host: object, identity: str) -> str:
    return f"{host}[{identity}]"


def _used(usage: Usage, side: str) -> str:
    if usage.last_used_s is None:
        return f"{usage.bytes} bytes_{side}"
    packets = f"{usage.packets} pkt{'' if usage.packets == 1 else 's'}"
    return f"{usage.bytes} bytes_{side} ({packets}, {int(usage.last_used_s)}s ago)"
