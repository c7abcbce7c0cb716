"""``status`` and ``statusall``: snapshots as strongSwan 6 prints them (names right-aligned in 12 columns).

Nothing here waits for an IKE_SA; usage counters are asked of the kernel port, which serves its own lock.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cygnet.base.durations import span
from cygnet.base.identities import Identity
from cygnet.base.selectors import TrafficSelector
from cygnet.charon.control import status_daemon
from cygnet.charon.control.ports import Clock, Connections, Facts, Pools, Reply, Snapshots, Traps, Usages
from cygnet.charon.sa.snapshot import IkeSnapshot
from cygnet.ctl.stroke import EXIT_UNKNOWN, Done, Status
from cygnet.kernel.port import DropCount, KernelError, SaId, Usage
from cygnet.keying.config.records import PeerConfig
from cygnet.keying.sa.child_snapshot import ChildSnapshot
from cygnet.keying.sa.routed import policies

HALF_OPEN = ("CREATED", "CONNECTING")


@dataclass(frozen=True, slots=True)
class StatusHandler:
    """Answers ``status`` and ``statusall``. ``now`` is the monotonic clock of the snapshots."""

    snapshots: Snapshots
    connections: Connections
    traps: Traps
    usages: Usages
    facts: Facts
    pools: Pools
    now: Clock

    def __call__(self, request: Status, reply: Reply) -> Done:
        """Write the whole status, of everything or of one name, which must be known."""
        peers, name, traps = self.connections.peers(), request.name, self.traps.installed()
        if request.all:
            reply.texts(status_daemon.header(self.facts.figures(), self.pools.pools()))
            reply.texts(self._dropped())
            reply.texts(status_daemon.connections(peers, name))
        reply.texts(policies(traps, name))
        reply.texts(self._associations(request))
        known = not name or name in _names(peers) or any(name == one.name for one in traps)
        if known or any(sa.concerns(name) for sa in self.snapshots.snapshots()):
            return Done()
        return Done(EXIT_UNKNOWN, f"no config named '{name}'")

    def _associations(self, request: Status) -> Iterator[str]:
        sas = sorted(self.snapshots.snapshots(), key=lambda sa: -sa.unique_id)
        connecting = sum(sa.state in HALF_OPEN for sa in sas)
        yield f"Security Associations ({len(sas) - connecting} up, {connecting} connecting):"
        shown = [sa for sa in sas if sa.concerns(request.name)] if request.name else sas
        for sa in shown:
            yield from self._ike(sa, request)
        if not shown:
            yield "  no match" if request.name else "  none"

    def _ike(self, sa: IkeSnapshot, request: Status) -> Iterator[str]:
        now = self.now()
        yield f"{sa.name:>12}[{sa.unique_id}]: {_ike_state(sa, now)}, {_ends(sa)}"
        if request.all:
            yield from _ike_details(sa, now)
        for child in sa.children:
            if request.name in ("", sa.name, child.name):
                yield from self._child(child, now, request.all)

    def _child(self, child: ChildSnapshot, now: float, details: bool) -> Iterator[str]:
        label = f"{child.name:>12}{{{child.unique_id}}}:"
        line = f"{label}  {child.state}, {child.mode}, reqid {child.reqid}"
        if child.state == "INSTALLED":
            udp = " in UDP" if child.udp else ""
            spis = f"{child.inbound.spi:08x}_i {child.outbound.spi:08x}_o{_cpis(child)}"
            yield f"{line}, {child.protocol}{udp} SPIs: {spis}"
            if details:
                used = [self._usage(end) for end in (child.inbound, child.outbound)]
                both = f"{_carried(used[0], 'i')}, {_carried(used[1], 'o')}"
                yield f"{label}  {child.proposal}, {both}, rekeying {_when(child.rekey_at, now)}"
                yield from (f"{label}  dropped_{side}: {text}" for side, text in _lost(*used))
        elif child.state in ("REKEYING", "REKEYED") and child.expire_at is not None:
            yield f"{line}, expires in {span(child.expire_at - now)}"
        else:
            yield line
        yield f"{label}   {_selectors(child.local_ts)} === {_selectors(child.remote_ts)}"

    def _usage(self, sa: SaId) -> Usage:
        try:
            return self.usages.query_sa(sa)
        except KernelError:
            return Usage()

    def _dropped(self) -> Iterator[str]:
        try:
            drops = self.usages.drops()
        except KernelError:
            return
        if drops:
            yield f"  dropped packets: {_counts(drops)}"


def _names(peers: Sequence[PeerConfig]) -> set[str]:
    return {name for peer in peers for name in (peer.name, *(child.name for child in peer.children))}


def _ike_state(sa: IkeSnapshot, now: float) -> str:
    if sa.state == "ESTABLISHED" and sa.established_at is not None:
        return f"{sa.state} {span(now - sa.established_at)} ago"
    return sa.state


def _ends(sa: IkeSnapshot) -> str:
    return f"{sa.local}[{_identity(sa.local_id)}]...{sa.remote}[{_identity(sa.remote_id)}]"


def _ike_details(sa: IkeSnapshot, now: float) -> Iterator[str]:
    label = f"{sa.name:>12}[{sa.unique_id}]:"
    ours, theirs = ("*", "") if sa.initiator else ("", "*")
    spis = f"{sa.spi_i.hex():0>16}_i{ours} {sa.spi_r.hex():0>16}_r{theirs}"
    if sa.remote_eap_id is not None:
        yield f"{label} Remote EAP identity: {sa.remote_eap_id}"
    yield f"{label} IKEv2 SPIs: {spis}{_ike_renewal(sa, now)}"
    if sa.proposal:
        yield f"{label} IKE proposal: {sa.proposal}{'/PPK' if sa.ppk else ''}"
    for resolver in sa.encrypted_dns:
        yield f"{label} Encrypted DNS: {resolver}"
    tasks = {"queued": sa.tasks_queued, "active": sa.tasks_active, "passive": sa.tasks_passive}
    for kind, names in tasks.items():
        if names:
            yield f"{label} Tasks {kind}: {' '.join(names)} "


def _ike_renewal(sa: IkeSnapshot, now: float) -> str:
    if sa.state != "ESTABLISHED":
        return ""
    parts = ""
    if sa.rekey_at is not None:
        parts += f", rekeying in {span(sa.rekey_at - now)}"
    if sa.reauth_at is not None:
        auth = sa.auth.removesuffix(" authentication")
        parts += f", {auth} reauthentication in {span(sa.reauth_at - now)}"
    return parts or ", rekeying disabled"


def _carried(usage: Usage, side: str) -> str:
    if usage.last_used_s is None:
        return f"{usage.bytes} bytes_{side}"
    packets = f"{usage.packets} pkt{'' if usage.packets == 1 else 's'}"
    return f"{usage.bytes} bytes_{side} ({packets}, {int(usage.last_used_s)}s ago)"


def _lost(inbound: Usage, outbound: Usage) -> Iterator[tuple[str, str]]:
    for side, usage in (("i", inbound), ("o", outbound)):
        if usage.drops:
            yield side, _counts(usage.drops)


def _counts(drops: Sequence[DropCount]) -> str:
    return ", ".join(f"{one.packets} {one.reason}" for one in drops)


def _cpis(child: ChildSnapshot) -> str:
    return ", IPCOMP CPIs: {:04x}_i {:04x}_o".format(*child.cpis) if child.cpis else ""


def _when(at: float | None, now: float) -> str:
    if at is None:
        return "disabled"
    return f"in {span(at - now)}" if at >= now else "active"


def _selectors(selectors: Sequence[TrafficSelector]) -> str:
    return " ".join(map(str, selectors))


def _identity(identity: Identity | None) -> str:
    return "%any" if identity is None else str(identity)
